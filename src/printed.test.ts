// Logs as they are shown.
import { Printed } from './printed';

test.each([
  ['lines stay lines', 'one\ntwo\n', 'one\ntwo\n'],
  ['a carriage return overwrites its line', ' 10%\r 50%\r100%\ndone', '100%\ndone'],
  ['what is longer shows behind what overwrites it', 'loading\rok', 'okading'],
  ['a line may be erased first', 'loading\r\x1b[Kok', 'ok'],
  ['or as a whole', 'loading\x1b[2K\rok', 'ok'],
  ['Windows ends its lines with both', 'one\r\ntwo', 'one\ntwo'],
  ['colours are left out', '\x1b[31mred\x1b[0m', 'red'],
  ['two progress bars, one below the other', '\ra 1\n\rb 1\x1b[A\ra 2\n\rb 2\x1b[A', 'a 2\nb 2'],
  ['a backspace goes back', 'abc\b\bX', 'aXc'],
  ['up beyond the first line stays there', '\x1b[9Ahere', 'here'],
  ['a cursor put into a column', 'abc\x1b[2GX', 'aXc']
])('%s', (_, log, text) => expect(new Printed(log).text).toBe(text));

test('an escape sequence may come in two pieces', () => {
  const printed = new Printed('loading\r\x1b[');
  printed.write('Kok');
  expect(printed.text).toBe('ok');
});

test.each([
  ['the last line', 'one\ntwo\n', 'two'],
  ['a progress bar', ' 10%\r 99%', '99%'],
  ['nothing', '\n\n', '']
])('%s', (_, log, line) => expect(new Printed(log).lastLine).toBe(line));

test('the last lines are kept', () => {
  const printed = new Printed();
  for (let i = 0; i < 5_000; i++) printed.write(`line ${i}\n`);
  expect(printed.text.split('\n').slice(-2)).toEqual(['line 4999', '']);
  expect(printed.text.length).toBeLessThan(25_000);
});

test('a line without an end is cut', () => expect(new Printed('x'.repeat(100_000)).text).toHaveLength(2_000));
