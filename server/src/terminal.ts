// A run as it looks in a terminal: one live line a step where the terminal can, a plain line for each change elsewhere; a table at the end.
import {
  endedStates,
  type MetricValue,
  type RunEvent,
  type RunState,
  type RunSummary,
  type StepRun
} from '@sluice/core';
import { formatDuration, formatMetric, formatSize, formatTable } from './words.js';

/** What is written to: a terminal, or a file or pipe that stands for one. */
export interface Output {
  write(text: string): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  once?(event: 'drain', listener: () => void): unknown;
}

const symbols: Record<RunState, string> = {
  pending: '○',
  running: '◐',
  succeeded: '✓',
  cached: '✓',
  failed: '✗',
  skipped: '–',
  canceled: '■',
  paused: '‖'
};

type Style = 'dim' | 'red' | 'green' | 'bold';
const codes: Record<Style, number> = { bold: 1, dim: 2, red: 31, green: 32 };
export type Paint = (style: Style, text: string) => string;

export function painter(colors: boolean): Paint {
  return colors ? (style, text) => `\u001b[${codes[style]}m${text}\u001b[0m` : (_, text) => text;
}

/** Shows events as they come. `dispose` leaves the terminal as it was found. */
export interface Progress {
  show(event: RunEvent, run: RunSummary): void;
  dispose(): void;
}

/** `after` names the steps that each step waits for. */
export function makeProgress(output: Output, paint: Paint, after: ReadonlyMap<string, readonly string[]>): Progress {
  return output.isTTY ? new LiveProgress(output, paint, after) : new PlainProgress(output, paint);
}

class PlainProgress implements Progress {
  constructor(
    private readonly output: Output,
    private readonly paint: Paint
  ) {}

  show(event: RunEvent, run: RunSummary): void {
    if (event.type === 'notice' && event.text !== undefined) this.output.write(`  ${event.text}\n`);
    if (event.type !== 'step') return;
    const step = run.steps.find(step => step.name === event.step)!;
    this.output.write(`${describeStep(step, this.paint)}\n`);
  }

  dispose(): void {}
}

class LiveProgress implements Progress {
  private run: RunSummary | undefined;
  private height = 0;
  private readonly partial = new Map<string, string>();
  private readonly timer = setInterval(() => this.draw(), 200);

  constructor(
    private readonly output: Output,
    private readonly paint: Paint,
    private readonly after: ReadonlyMap<string, readonly string[]>
  ) {}

  show(event: RunEvent, run: RunSummary): void {
    this.run = run;
    if (event.type === 'log') this.showLog(event.step, event.text);
    if (event.type === 'step' && endedStates.has(event.state)) this.showLog(event.step, '', true);
    if (event.type === 'step' || event.type === 'notice') this.draw();
  }

  dispose(): void {
    clearInterval(this.timer);
    this.draw();
    this.run = undefined;
    this.height = 0;
  }

  private showLog(step: string, text: string, isLast = false): void {
    const lines = ((this.partial.get(step) ?? '') + text).split('\n');
    const rest = lines.pop()!;
    this.partial.set(step, isLast ? '' : rest.slice(-4000));
    if (isLast && rest !== '') lines.push(rest);
    if (lines.length === 0) return;
    // of a progress bar, which returns to the line's start, its latest state
    const shown = lines.map(line => withoutMoves(line.replace(/\r+$/, '').split('\r').at(-1)!));
    this.erase();
    this.output.write(shown.map(line => this.paint('dim', `  ${step} │ ${line}`) + '\n').join(''));
    this.draw();
  }

  private draw(): void {
    if (this.run === undefined) return;
    const { steps, notice } = this.run;
    const room = Math.max(3, (this.output.rows || 24) - 2);
    const width = Math.max(...steps.map(step => step.name.length));
    const lines = steps.map(step =>
      describeStep(step, this.paint, { width, waits: this.waits(step), now: Date.now() })
    );
    const shown =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), `  … and ${lines.length - room + 1} more`];
    if (notice !== undefined) shown.push(this.paint('dim', `  ${notice}`));
    this.erase();
    this.output.write(shown.map(line => `${clip(line, (this.output.columns || 80) - 1)}\n`).join(''));
    this.height = shown.length;
  }

  private waits(step: StepRun): readonly string[] {
    const open = new Set(this.run!.steps.filter(other => !endedStates.has(other.state)).map(other => other.name));
    return (this.after.get(step.name) ?? []).filter(name => open.has(name));
  }

  private erase(): void {
    if (this.height > 0) this.output.write(`\u001b[${this.height}A\u001b[0J`);
    this.height = 0;
  }
}

interface LiveDetails {
  readonly width: number;
  readonly waits: readonly string[];
  readonly now: number;
}

function describeStep(step: StepRun, paint: Paint, live?: LiveDetails): string {
  const { name, state, durationMs, startedAt, error, reason } = step;
  const symbol =
    state === 'failed'
      ? paint('red', symbols[state])
      : endedStates.has(state)
        ? paint('green', symbols[state])
        : symbols[state];
  const running =
    live !== undefined && state === 'running' && startedAt !== undefined ? live.now - startedAt : undefined;
  const waiting =
    live !== undefined && state === 'pending' && live.waits.length > 0
      ? `waits for ${live.waits.join(', ')}`
      : undefined;
  const words = state === 'succeeded' || (live !== undefined && ['running', 'pending'].includes(state)) ? '' : state;
  const parts = [words, formatDuration(durationMs ?? running), waiting ?? error ?? reason ?? ''];
  return `  ${symbol} ${name.padEnd(live?.width ?? 0)}  ${parts.filter(part => part !== '').join('  ')}`.trimEnd();
}

// eslint-disable-next-line no-control-regex
const withoutColors = (line: string) => line.replaceAll(/\u001b\[[\d;]*m/g, '');

// what a step prints may have colours, but it moves no cursor of ours
// eslint-disable-next-line no-control-regex
const withoutMoves = (line: string) => line.replaceAll(/\u001b(?!\[[\d;]*m)(\[[\d;?]*[A-Za-z])?/g, '');

/** Cut to a width, but no escape sequence. */
function clip(line: string, width: number): string {
  let room = width;
  let isCut = false;
  // eslint-disable-next-line no-control-regex
  const text = line.replaceAll(/\u001b\[[\d;]*m|./gu, part => {
    if (part.startsWith('\u001b')) return part;
    if (room-- > 0) return part;
    isCut = true;
    return '';
  });
  return isCut ? `${text}\u001b[0m` : text;
}

export interface StepMetric {
  readonly step: string;
  readonly name: string;
  readonly value: MetricValue;
}

/** Steps with state, duration and metrics, and with what they used; then what failed and where; then the outcome in one line. */
export function printEnd(
  run: RunSummary,
  metrics: readonly StepMetric[],
  paint: Paint,
  { withUsage = false } = {}
): string {
  const ofStep = (step: string) =>
    metrics
      .filter(metric => metric.step === step && typeof metric.value !== 'object')
      .map(({ name, value }) => `${name} ${formatMetric(value)}`)
      .join('  ');
  const header = ['step', 'state', 'duration', ...(withUsage ? usageColumns : []), 'metrics'];
  const rows = run.steps.map(step => [
    ...[step.name, step.state, formatDuration(step.durationMs)],
    ...(withUsage ? describeUsage(step) : []),
    ofStep(step.name)
  ]);
  const [first, ...rest] = formatTable([header, ...rows]);
  const parts = [`\n${paint('bold', first!)}\n${rest.map(line => `${line}\n`).join('')}`];
  const names = Object.entries(run.metrics);
  if (names.length > 0)
    parts.push(
      `${paint('bold', 'metrics')}\n${formatTable(names.map(([name, value]) => ['', name, formatMetric(value)]))
        .map(line => `${line}\n`)
        .join('')}`
    );
  for (const step of run.steps) if (step.failure !== undefined) parts.push(printFailure(step, paint));
  parts.push(`${describeOutcome(run, paint)}\n`);
  return parts.join('\n');
}

const usageColumns = ['CPU', 'memory', 'in', 'out'];

function describeUsage({ usage }: StepRun): string[] {
  if (usage === undefined) return usageColumns.map(() => '');
  const sizes = [usage.peakMemoryBytes, usage.bytesIn, usage.bytesOut];
  return [formatDuration(usage.cpuMs), ...sizes.map(size => (size === 0 ? '' : formatSize(size)))];
}

const shownTraceback = 12;

function printFailure({ name, error, failure }: StepRun, paint: Paint): string {
  const place =
    failure?.cell === undefined
      ? ''
      : `, cell ${failure.cell + 1}${failure.line === undefined ? '' : `, line ${failure.line}`}`;
  const lines = (failure?.traceback ?? []).join('\n').replace(/\n$/, '').split('\n').slice(-shownTraceback);
  const text = lines.some(line => line.trim() !== '') ? lines : [error ?? failure?.message ?? ''];
  const plain = paint('dim', '') === '' ? text.map(withoutColors) : text;
  return `${paint('red', `Step ‘${name}’ failed${place}:`)}\n${plain.map(line => `  ${line}\n`).join('')}`;
}

function describeOutcome(run: RunSummary, paint: Paint): string {
  const duration = run.endedAt === undefined ? '' : ` in ${formatDuration(run.endedAt - run.createdAt)}`;
  const style = run.state === 'succeeded' ? 'green' : endedStates.has(run.state) ? 'red' : undefined;
  const word = style === undefined ? run.state : paint(style, run.state);
  const reason = run.reason === undefined ? '' : `: ${run.reason}`;
  return `Run ${run.number} (${run.id}) ${word}${duration}${reason}`;
}
