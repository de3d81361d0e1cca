import cases from './syntax.json';
import { parseCell } from '../../src/python/parse';
import { parser } from './python';
test.each(Object.entries(cases))('%s', async (_, source) => {
  const cell = parseCell(await parser(), source);
  expect(cell.errors).toEqual([]);
  expect(cell.body.length).toBeGreaterThan(0);
});
