// How durations, sizes and metrics are put into words.
import { formatDuration, formatMetric, formatSize, quoteNames } from '../src/words.js';

test.each([
  [0, '0.0 s'],
  [400, '0.4 s'],
  [9_949, '9.9 s'],
  [9_951, '10 s'],
  [12_400, '12 s'],
  [59_600, '1 min 00 s'],
  [185_000, '3 min 05 s'],
  [7_620_000, '2 h 07 min']
])('%d ms take %s', (milliseconds, text) => expect(formatDuration(milliseconds)).toBe(text));

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1500, '1.5 kB'],
  [123_456, '123 kB'],
  [2e9, '2 GB'],
  [5e15, '5000 TB']
])('%d bytes read %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));

test.each([
  [0.9649122807, '0.9649'],
  [12, '12'],
  [1234.5678, '1235'],
  [0.00001234, '1.234e-5'],
  [1e-9, '1e-9'],
  [2_500_000.5, '2.5e+6'],
  [Number.NaN, 'NaN'],
  ['two\n lines', 'two lines'],
  [true, 'true'],
  [{ a: [1, 2] }, '{"a":[1,2]}']
])('the metric %p reads %s', (value, text) => expect(formatMetric(value)).toBe(text));

test.each([
  ['', ''],
  ['a', '‘a’'],
  ['a b', '‘a’ and ‘b’'],
  ['a b c', '‘a’, ‘b’ and ‘c’'],
  ['a b c d e', '‘a’, ‘b’, ‘c’, ‘d’ and ‘e’'],
  ['a b c d e f g', '‘a’, ‘b’, ‘c’, ‘d’ and 3 more']
])('the names %j', (names, text) => expect(quoteNames(names.split(' ').filter(Boolean))).toBe(text));
