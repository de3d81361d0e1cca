// In a pod, a step's events stand between the lines that it prints, behind a mark that only its run knows (runtime/marked.py). Here they are
// told apart again: what was printed, to which stream, and what is an event.
import { inflateSync } from 'node:zlib';
import type { Stream } from '../logs.js';

export type Piece =
  | { readonly kind: 'text'; readonly stream: Stream; readonly text: string }
  /** as the runtime told it: user territory, to be checked */
  | { readonly kind: 'event'; readonly event: unknown };

export class MarkReader {
  private readonly mark: string;
  private parts = '';

  constructor(token: string) {
    this.mark = `\x1e${token}`;
  }

  /** `line` is without its end. */
  read(line: string): Piece[] {
    const at = line.indexOf(this.mark);
    if (at < 0) return isArgos(line) ? [] : [{ kind: 'text', stream: 'stdout', text: `${line}\n` }];
    const before: Piece[] = at === 0 ? [] : [{ kind: 'text', stream: 'stdout', text: line.slice(0, at) }];
    const rest = line.slice(at + this.mark.length);
    const text = rest.slice(1);
    switch (rest[0]) {
      case '!':
        return [...before, { kind: 'text', stream: 'stderr', text: `${text}\n` }];
      case '+':
        this.parts += text;
        return before;
      case '.': {
        const whole = this.parts + text;
        this.parts = '';
        const event = parse(whole);
        return event === undefined ? before : [...before, { kind: 'event', event }];
      }
      default:
        return before;
    }
  }
}

/** Undefined where parts are missing, as the beginning of a log may be. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('{') ? text : inflateSync(Buffer.from(text, 'base64')).toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Argo's wrapper logs into the step's log. */
function isArgos(line: string): boolean {
  return /^time="?\d{4}-\d\d-\d\dT.* argo=true/.test(line) || /^Error: exit status \d+$/.test(line);
}
