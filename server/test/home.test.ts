// Where records are kept, and under which names.
import { fileName } from '../src/home';

const long = '数'.repeat(62);

test.each([
  ['a plain name', 'train_forest-2', 'train_forest-2'],
  ['a name that leads upwards', '..', '%2E.'],
  ['a path', 'a/b', 'a%2Fb'],
  ['another script', 'lädt', 'l%C3%A4dt']
])('%s', (_, step, name) => expect(fileName(step)).toBe(name));

test('long names stay short enough for a file system, and apart', () => {
  const names = [`${long}a`, `${long}b`].map(fileName);
  for (const name of names) expect(name.length).toBeLessThanOrEqual(200);
  expect(new Set(names).size).toBe(2);
});
