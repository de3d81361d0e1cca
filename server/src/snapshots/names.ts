// Names of files are bytes on Linux, and text here. A byte that is no UTF-8 is written as Python writes it, as a lone surrogate
// (U+DC80 to U+DCFF), so that every name can be kept in JSON and found again.
import { readdirSync, readlinkSync } from 'node:fs';

// a surrogate that is one half of a pair is none
const hasEscape = (text: string) => /[\udc80-\udcff]/u.test(text);

export function decodeName(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) return text;
  let result = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at]!);
    const character = bytes.toString('utf8', at, at + length);
    const isWhole =
      length > 0 && character.length > 0 && Buffer.from(character).equals(bytes.subarray(at, at + length));
    result += isWhole ? character : String.fromCharCode(0xdc00 + bytes[at]!);
    at += isWhole ? length : 1;
  }
  return result;
}

/** 0: no character begins with this byte. */
function sequenceLength(byte: number): number {
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

export function encodeName(text: string): Buffer {
  if (!hasEscape(text)) return Buffer.from(text);
  const parts = [...text].map(character => {
    const code = character.charCodeAt(0);
    return character.length === 1 && code >= 0xdc80 && code <= 0xdcff
      ? Buffer.of(code - 0xdc00)
      : Buffer.from(character);
  });
  return Buffer.concat(parts);
}

/** As Node's functions take it. `path` is relative to the folder, with slashes. */
export function at(folder: string, path: string): string | Buffer {
  const whole = path === '' ? folder : `${folder}/${path}`;
  return hasEscape(whole) ? encodeName(whole) : whole;
}

/** Names of what is in the folder. @throws as readdir does */
export function readFolder(folder: string | Buffer): string[] {
  const names = readdirSync(folder);
  return names.some(name => name.includes('\ufffd'))
    ? readdirSync(folder, { encoding: 'buffer' }).map(decodeName)
    : names;
}

export function readLink(path: string | Buffer): string {
  return decodeName(readlinkSync(path, { encoding: 'buffer' }));
}
