// What becomes ready: parsers that are asked for at the same moment share one runtime, which must be begun once.
import { Parser } from 'web-tree-sitter';
import { makeParser } from '../../src/python/parser';
import { programs } from './python';

test('two parsers that are made at once read side by side', async () => {
  const init = jest.spyOn(Parser, 'init');
  const [one, other] = await Promise.all([makeParser(programs()), makeParser(programs())]);
  expect(init).toHaveBeenCalledTimes(1);
  const trees = [one('a = 1'), other('b(1)\nc = 2')];
  expect(trees.map(tree => tree.rootNode.namedChildCount)).toEqual([1, 2]);
  for (const tree of trees) tree.delete();
});
