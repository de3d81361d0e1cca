// Python read by its characters alone: where a logical line ends, given its strings, brackets, comments and backslashes.
// IPython's lines are recognised and broken cells are cut between logical lines, so this must hold where parsing fails.
import { endOfLine, matchAt, nextLine, skipBlanks } from './lines.js';
import { endOfString, isQuote, quoteLength } from './quotes.js';

/** What is wrong with the characters of a line, at offsets into the text that was read. */
export interface Problem {
  readonly from: number;
  readonly to: number;
  readonly message: string;
}

/** The `t` of a t-string, or a `type` that is called or subscribed where a statement begins (not Python 3.12's `type X = …`). */
export interface Misread {
  readonly kind: 'template' | 'type';
  readonly from: number;
}

/** One logical line: a simple statement or a compound one's head, with the physical lines its brackets and strings span. */
export interface LogicalLine {
  readonly from: number;
  /** its first character that is not a blank */
  readonly start: number;
  /** behind its last character, the line break excluded */
  readonly to: number;
  /** where the next line begins */
  readonly next: number;
  /** offset of its last character that is neither blank nor comment; before `start` where it has none */
  readonly last: number;
  /** where IPython's `!` or `%` follows the line's first `=`; the line is read up to there */
  readonly escape?: number;
  /** offsets of what the grammar would misread */
  readonly misread: readonly Misread[];
  readonly problem?: Problem;
}

const closing: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const word = /[\p{XID_Start}_][\p{XID_Continue}]*/uy;
/** Operators and words that cannot end a line; the grammar would read on over the line break. */
const dangling =
  /(?:[-+/%@&|^<>=~]|(?<!\bimport\s*)\*|(?<!\.\.)(?<!(?<![\p{XID_Continue}.])[\d_]+)\.|(?<![\p{XID_Continue}])(?:and|or|not|in|is|if|else|lambda|await|from|as|del|assert|import|with|for|while|class|def|async|elif|global|nonlocal))$/u;
const compoundStart = /(?:if|elif|else|for|while|with|try|except|finally|def|class|async)(?!\p{XID_Continue})/uy;
const openingBracket = /[ \t]*[([]/y;
const stringPrefix = /^(?:[bu]|[ft]|r[bft]?|[bft]r)$/i;
/** Words that cannot begin a line inside brackets: where one does, a bracket was never closed. */
const statementStart =
  /[ \t]*(?:(?:def|class|import|while|with|try|return|del|assert|raise|global|nonlocal|pass|break|continue|except|finally|elif)(?!\p{XID_Continue}|[ \t]*=[^=])|else[ \t]*:|from[ \t]+[\w.]+[ \t]+import\b)/uy;
const escapeBehindAssignment = /(?:[ \t]|\\\r?\n)*(?=!|%[ \t]*[\p{XID_Start}_])/uy;

/** Read the logical line that begins at `from`, which must be the beginning of a physical line. */
export function readLogicalLine(text: string, from: number): LogicalLine {
  const start = skipBlanks(text, from);
  const open: number[] = [];
  const misread: Misread[] = [];
  let problem: Problem | undefined;
  let last = start - 1;
  let hasAssigned = false;
  let hasColon = false;
  let at = start;

  const end = (to: number): LogicalLine => {
    problem ??= findDangling(text, start, last);
    if (!hasColon && matchAt(compoundStart, text, start) !== undefined) report(last, 1, 'expected ‘:’');
    return { from, start, to, next: nextLine(text, to), last, misread, problem };
  };
  const report = (place: number, length: number, message: string): void => {
    problem ??= { from: place, to: place + length, message };
  };
  /** Give up on the brackets: the line ends before the next one that is not indented deeper; what was read beyond is forgotten. */
  const cut = (): LogicalLine => {
    const to = endOfBlock(text, open[0]!, start - from);
    last = Math.min(last, to - 1);
    while (misread.length > 0 && misread.at(-1)!.from >= to) misread.pop();
    return end(to);
  };

  while (at < text.length) {
    const character = text[at]!;
    switch (character) {
      case '\n':
        if (open.length === 0) return end(at);
        at++;
        if (matchAt(statementStart, text, at)) {
          report(open.at(-1)!, 1, `unclosed ‘${text[open.at(-1)!]}’`);
          return cut();
        }
        continue;
      case ' ':
      case '\t':
      case '\r':
      case '\f':
        at++;
        continue;
      case '#':
        at = endOfLine(text, at);
        continue;
      case '\\': {
        const lineBreak = /\r?\n/y;
        lineBreak.lastIndex = at + 1;
        at += 1 + (lineBreak.exec(text)?.[0].length ?? 0);
        continue;
      }
      case '(':
      case '[':
      case '{':
        open.push(at);
        break;
      case ')':
      case ']':
      case '}': {
        const opening = open.pop();
        if (opening === undefined) report(at, 1, `‘${character}’ closes nothing`);
        else if (closing[text[opening]!] !== character) {
          report(at, 1, `‘${character}’ does not close ‘${text[opening]}’`);
          open.push(opening);
          return cut();
        }
        break;
      }
      case ':':
        hasColon ||= open.length === 0;
        break;
      case '=':
        if (open.length === 0 && !hasAssigned && !isComparison(text, at)) {
          hasAssigned = true;
          const blanks = matchAt(escapeBehindAssignment, text, at + 1);
          if (blanks !== undefined) return { ...end(at), escape: at + 1 + blanks.length };
        }
        break;
      case '"':
      case "'": {
        const behind = endOfString(text, at, false);
        if (behind < 0) {
          report(at, quoteLength(text, at), 'string without an end');
          if (quoteLength(text, at) === 3) return end(text.length);
          return open.length > 0 ? cut() : end(endOfLine(text, at));
        }
        last = behind - 1;
        at = behind;
        continue;
      }
      default: {
        const name = matchAt(word, text, at);
        if (name === undefined) break;
        const quote = at + name.length;
        if (isQuote(text[quote]) && stringPrefix.test(name)) {
          if (/t/i.test(name)) misread.push({ kind: 'template', from: at + name.search(/t/i) });
          const behind = endOfString(text, quote, /[ft]/i.test(name));
          if (behind >= 0) {
            last = behind - 1;
            at = behind;
            continue;
          }
        }
        const beginsStatement = open.length === 0 && (last < start || text[last] === ';' || text[last] === ':');
        if (name === 'type' && beginsStatement && matchAt(openingBracket, text, quote) !== undefined)
          misread.push({ kind: 'type', from: at });
        last = quote - 1;
        at = quote;
        continue;
      }
    }
    last = at;
    at++;
  }
  if (open.length > 0) {
    report(open.at(-1)!, 1, `unclosed ‘${text[open.at(-1)!]}’`);
    return cut();
  }
  return end(text.length);
}

/** All logical lines of a text, blank ones and comments included. */
export function readLogicalLines(text: string): LogicalLine[] {
  const lines: LogicalLine[] = [];
  for (let at = 0; at < text.length; at = lines.at(-1)!.next) lines.push(readLogicalLine(text, at));
  return lines;
}

function findDangling(text: string, start: number, last: number): Problem | undefined {
  const word = dangling.exec(text.slice(Math.max(start, last - 30), last + 1))?.[0];
  return word ? { from: last + 1 - word.length, to: last + 1, message: `the line ends after ‘${word}’` } : undefined;
}

/** `==`, `<=`, `!=`, `:=` and the augmented assignments hold a `=` that assigns nothing by itself. */
function isComparison(text: string, at: number): boolean {
  return text[at + 1] === '=' || /[=!<>:+\-*/%&|^@~]/.test(text[at - 1] ?? '');
}

/** End of the physical line before the first one behind `at` that is indented by `indent` or less. */
function endOfBlock(text: string, at: number, indent: number): number {
  let to = endOfLine(text, at);
  while (to < text.length) {
    const start = skipBlanks(text, to + 1);
    const isBlank = start >= text.length || text[start] === '\n' || text[start] === '\r';
    if (!isBlank && start - (to + 1) <= indent) break;
    to = endOfLine(text, to + 1);
  }
  return to;
}
