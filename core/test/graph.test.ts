// Graphs are written `b<a c<a,b`: b comes after a, c after both.
import { ancestors, descendants, findCycles, topologicalOrder, type GraphNode } from '../src/graph.js';

const graph = (text: string): readonly GraphNode[] =>
  text
    .split(' ')
    .filter(Boolean)
    .map(word => word.split('<') as [string, string?])
    .map(([name, after]) => ({ name, after: after ? after.split(',') : [] }));

test.each([
  ['nothing', '', ''],
  ['independent nodes keep their order', 'b a c', 'b a c'],
  ['a chain', 'a b<a c<b', 'a b c'],
  ['a node above what it needs', 'a<c b c', 'b c a'],
  ['a diamond', 'd<b,c b<a c<a a', 'a b c d'],
  ['unknown names do not hold anything up', 'a<x b<a', 'a b'],
  ['a cycle and what is behind it are left out', 'a b<c c<b d<c e<a', 'a e']
])('the order of %s', (_, text, expected) => expect(topologicalOrder(graph(text)).join(' ')).toBe(expected));

test.each([
  ['no cycle', 'a b<a c<a,b', ''],
  ['a node after itself', 'a<a b<a', 'a'],
  ['two nodes', 'a<b b<a c<b', 'a b'],
  ['three nodes in the order in which they run', 'a<c b<a c<b', 'a b c'],
  ['two cycles apart', 'a<b b<a c<d d<c', 'a b|c d'],
  ['the shortest of a group', 'a<b,c b<a c<b', 'a b']
])('%s is found', (_, text, expected) => {
  expect(
    findCycles(graph(text))
      .map(cycle => cycle.join(' '))
      .join('|')
  ).toBe(expected);
});

test('ancestors and descendants go all the way', () => {
  const nodes = graph('a b<a c<b d<a e');
  expect([...ancestors(nodes, 'c')].sort()).toEqual(['a', 'b']);
  expect([...descendants(nodes, 'a')].sort()).toEqual(['b', 'c', 'd']);
  expect([...ancestors(nodes, 'e'), ...descendants(nodes, 'e')]).toEqual([]);
});
