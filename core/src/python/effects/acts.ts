// What a step does besides binding names: it prints, draws, writes, checks. A step that does nothing of the kind, and whose
// values nobody reads, is of no use; and what a cell that runs in every step does of the kind happens in every step.
import type { Arguments } from './arguments.js';
import type { Machine } from './machine.js';
import { prelude } from './slot.js';
import type { Expression, Node } from '../syntax.js';
import { actsOutside, actsOutsideByMethod, isFickle, isLoudCall, isLoudMethod } from './tables/acts.js';
import { drawsFrom } from './tables/ambient.js';
import { methodEffect } from './tables/methods.js';
import type { MethodEffect } from './tables/methods.js';

/** The running step does something that can be seen. */
export function act(machine: Machine): void {
  machine.report.isSeen = true;
  machine.effects++;
}

export function actByCall(machine: Machine, path: string, args: Arguments, node: Node): void {
  if (isLoudCall(path)) act(machine);
  else if (isFickle(path) || drawsFrom(path, false)) machine.effects++;
  const isOutside = actsOutside(path) || (path === 'builtins.open' && writes(args));
  const isOther = isFickle(path) && args.positional.length + args.keywords.length === 0;
  if (isOutside || isOther || drawsFrom(path, false)) machine.unrepeatable++;
  if (machine.step !== prelude) return;
  if (path === 'builtins.print' || path === 'builtins.input' || path === 'builtins.display')
    repeated(machine, 'info', 'This is printed again by every step below, because each runs this cell.', node);
  else if (isOutside)
    repeated(machine, 'warning', 'This happens again in every step below, because each runs this cell.', node);
  else if (isOther)
    repeated(
      machine,
      'warning',
      'This gives another value in every step below, because each runs this cell anew.',
      node
    );
}

const writes = ({ positional, keywords }: Arguments): boolean => {
  const mode = (positional[1] ?? keywords.find(({ name }) => name === 'mode')?.value)?.constant?.value;
  return typeof mode === 'string' && /[wax+]/.test(mode);
};

export function actByMethod(
  machine: Machine,
  name: string,
  maker: string | undefined,
  effect: MethodEffect | undefined
): void {
  if (effect === undefined || effect === 'draws' || isLoudMethod(name, maker)) act(machine);
}

export function actOutsideByMethod(machine: Machine, name: string, node: Node): void {
  if (!actsOutsideByMethod(name)) return;
  machine.unrepeatable++;
  if (machine.step === prelude)
    repeated(machine, 'warning', 'This happens again in every step below, because each runs this cell.', node);
}

/** A `!` line, a magic or a cell in another language. */
export function actByShell(machine: Machine, node: Node): void {
  act(machine);
  machine.unrepeatable++;
  if (machine.step === prelude)
    repeated(machine, 'warning', 'This happens again in every step below, because each runs this cell.', node);
}

/** Whether showing this value is the point of a last line: `model.fit(X, y)` and `xs.append(1)` stand there for what they do. */
export function isShownForItself(machine: Machine, node: Expression): boolean {
  if (node.type !== 'Call' || node.func.type !== 'Attribute' || givesMore.test(node.func.attr)) return true;
  const { attr, value } = node.func;
  const things = (value.type === 'Name' && machine.slotOf(value.id)?.value.things) || [];
  return things.every(
    ({ path, madeBy, instanceOf }) =>
      path !== undefined ||
      (madeBy === undefined && instanceOf === undefined) ||
      !/^(changes|stores|takes|fits)$/.test(methodEffect(attr, madeBy) ?? '')
  );
}

const givesMore = /^fit_(transform|predict|resample)$/;

function repeated(machine: Machine, severity: 'info' | 'warning', what: string, node: Node): void {
  machine.remark('repeated-effect', severity, `${what} Move it into a cell of the step that it belongs to.`, node);
}
