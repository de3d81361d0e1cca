// Where a Python string ends. In an f-string the holes hold code with strings of its own, which since Python 3.12 may use
// the same quotes.
import { endOfLine } from './lines.js';

export function isQuote(character: string | undefined): boolean {
  return character === '"' || character === "'";
}

export function quoteLength(text: string, at: number): 1 | 3 {
  return text[at + 1] === text[at] && text[at + 2] === text[at] ? 3 : 1;
}

/** Offset behind the string whose quotes open at `at`; -1 where it has no end. */
export function endOfString(text: string, at: number, isFormatted: boolean): number {
  return new Reader(text).skipString(at, isFormatted);
}

/** Deeper f-strings than CPython's own limit are read as plain ones. */
const depthLimit = 150;

/** Reads strings in strings. What it found at an offset it keeps: a broken text would have it try each nesting twice. */
class Reader {
  private readonly ends = new Map<string, number>();
  private depth = 0;

  constructor(private readonly text: string) {}

  skipString(at: number, isFormatted: boolean): number {
    const quote = this.text.slice(at, at + quoteLength(this.text, at));
    // Where the holes of an f-string lead nowhere, its first closing quote ends it, as before Python 3.12.
    const end = isFormatted && this.depth < depthLimit ? this.skipFormatted(at, quote) : -1;
    return end < 0 ? this.skipPlain(at, quote) : end;
  }

  private skipPlain(at: number, quote: string): number {
    const { text } = this;
    for (let i = at + quote.length; i < text.length; i++) {
      if (text[i] === '\\') i++;
      else if (text.startsWith(quote, i)) return i + quote.length;
      else if (text[i] === '\n' && quote.length === 1) return -1;
    }
    return -1;
  }

  private skipFormatted(at: number, quote: string): number {
    return this.once(`string ${at}`, () => {
      const { text } = this;
      let i = at + quote.length;
      while (i >= 0 && i < text.length) {
        if (text.startsWith(quote, i)) return i + quote.length;
        if (text[i] === '\n' && quote.length === 1) return -1;
        if (text[i] === '\\') i += text[i + 1] === '{' ? 1 : 2;
        else if (text[i] !== '{') i++;
        else if (text[i + 1] === '{') i += 2;
        else i = this.skipHole(i, quote);
      }
      return -1;
    });
  }

  /** Offset behind the `}` of the hole that opens at `at`. */
  private skipHole(at: number, quote: string): number {
    return this.once(`hole ${at} ${quote}`, () => {
      const { text } = this;
      let brackets = 0;
      let i = at + 1;
      while (i >= 0 && i < text.length) {
        const character = text[i]!;
        if (brackets === 0 && character === '}') return i + 1;
        if (brackets === 0 && character === ':') return this.skipFormat(i + 1, quote);
        if ('([{'.includes(character)) brackets++;
        else if (')]}'.includes(character) && --brackets < 0) return -1;
        if (character === '#') i = endOfLine(text, i);
        else if (isQuote(character)) i = this.skipString(i, /[ft]r?$/i.test(text.slice(Math.max(at, i - 2), i)));
        else i++;
      }
      return -1;
    });
  }

  /** Offset behind the `}` that ends the hole whose format begins at `at`. */
  private skipFormat(at: number, quote: string): number {
    const { text } = this;
    let i = at;
    while (i >= 0 && i < text.length && !text.startsWith(quote, i)) {
      if (text[i] === '}') return i + 1;
      if (text[i] === '\n' && quote.length === 1) return -1;
      i = text[i] === '{' ? this.skipHole(i, quote) : i + 1;
    }
    return -1;
  }

  private once(key: string, find: () => number): number {
    let end = this.ends.get(key);
    if (end === undefined) {
      this.depth++;
      end = find();
      this.depth--;
      this.ends.set(key, end);
    }
    return end;
  }
}
