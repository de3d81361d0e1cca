// What a step prints, as a terminal would show it: carriage returns overwrite their line, and progress bars that move up overwrite theirs.
// Colours are left out. It takes text in pieces as it comes, and keeps the last lines only.

const keptLines = 2_000;
const longestLine = 2_000;

// Line ends, backspaces, escape sequences (whole, or cut off at the end of a piece), and the text between.
// eslint-disable-next-line no-control-regex
const piece = /\n|\r|\x08|\x1b\[[0-9;?]*[@-~]|\x1b[^[]|\x1b\[?[0-9;?]*$|[^\n\r\x08\x1b]+/g;

export class Printed {
  constructor(text = '') {
    this.write(text);
  }

  write(text: string): void {
    const all = this.unfinished + text;
    this.unfinished = '';
    for (const [part] of all.matchAll(piece)) this.take(part);
    if (this.lines.length > keptLines) {
      const left = this.lines.length - keptLines;
      this.lines.splice(0, left);
      this.row = Math.max(0, this.row - left);
    }
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** The last line that says something. */
  get lastLine(): string {
    for (let i = this.lines.length - 1; i >= 0; i--) if (this.lines[i]!.trim() !== '') return this.lines[i]!.trim();
    return '';
  }

  private take(part: string): void {
    if (part === '\n') {
      this.moveTo(this.row + 1, 0);
    } else if (part === '\r') {
      this.column = 0;
    } else if (part === '\b') {
      this.column = Math.max(0, this.column - 1);
    } else if (part.startsWith('\x1b')) {
      if (part.length === 1 || /^.\[[0-9;?]*$/.test(part)) this.unfinished = part;
      else this.obey(part);
    } else {
      this.put(part);
    }
  }

  private obey(sequence: string): void {
    const count = Math.max(1, Number(/\d+/.exec(sequence)?.[0] ?? 1));
    switch (sequence.at(-1)) {
      case 'A':
        return this.moveTo(this.row - count, this.column);
      case 'B':
        return this.moveTo(this.row + count, this.column);
      case 'C':
        return this.moveTo(this.row, this.column + count);
      case 'D':
        return this.moveTo(this.row, this.column - count);
      case 'G':
        return this.moveTo(this.row, count - 1);
      case 'K':
        return this.erase(/[12]/.exec(sequence)?.[0]);
    }
  }

  private moveTo(row: number, column: number): void {
    this.row = Math.max(0, Math.min(row, this.lines.length));
    this.column = Math.max(0, Math.min(column, longestLine));
    if (this.row === this.lines.length) this.lines.push('');
  }

  private erase(part: string | undefined): void {
    const line = this.lines[this.row]!;
    if (part === undefined) this.lines[this.row] = line.slice(0, this.column);
    else this.lines[this.row] = part === '2' ? '' : ' '.repeat(this.column) + line.slice(this.column);
  }

  private put(text: string): void {
    const line = this.lines[this.row]!.padEnd(this.column);
    const written = line.slice(0, this.column) + text + line.slice(this.column + text.length);
    this.lines[this.row] = written.length > longestLine ? `${written.slice(0, longestLine - 1)}…` : written;
    this.column += text.length;
  }

  private readonly lines: string[] = [''];
  private row = 0;
  private column = 0;
  /** an escape sequence of which the rest is still to come */
  private unfinished = '';
}
