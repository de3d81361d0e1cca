// How a unit is read: a top-level statement, with what IPython and the pipeline do around it, or the beginning of a step,
// in which what earlier steps have set holds again.
import type { Expression, Node, Statement } from '../syntax.js';
import { readParameter } from '../../parameters.js';
import type { ParameterAssignment } from '../../parameters.js';
import { act, isShownForItself } from './acts.js';
import { isPlainStatement } from './ambient.js';
import { capture, join } from './branches.js';
import { touch } from './functions.js';
import type { Machine } from './machine.js';
import { takeAttributes } from './moduleAttributes.js';
import { addNeed, addRemark } from './report.js';
import type { Setting } from './report.js';
import { bindGlobal, bindName } from './scopes.js';
import { prelude } from './slot.js';
import type { Slot } from './slot.js';
import { execute } from './statements.js';
import { immutable, makeThing, newSite, setMoment, valueOf } from './thing.js';
import type { Value } from './thing.js';
import type { Unit } from './units.js';

/**
 * Statements that may be run inside functions for the sake of one statement of the notebook. When they are used up, each
 * function runs once more at most, so that nothing is missed and the work stays bounded.
 */
const fuelPerStatement = 600;

export function readUnit(machine: Machine, unit: Unit): void {
  begin(machine, unit);
  run(machine, unit);
  machine.linkNames();
}

function begin(machine: Machine, { spec, home }: Unit): void {
  const { statement, step, number } = spec;
  Object.assign(machine, {
    step,
    home,
    number,
    call: machine,
    depth: 0,
    frame: undefined,
    shown: undefined,
    statement
  });
  machine.site = newSite();
  machine.touched = new Set();
  machine.unitReads = [];
  machine.raised = [];
  machine.importTry = undefined;
  machine.fuel = fuelPerStatement;
  machine.ran.clear();
  setMoment(home);
}

function run(machine: Machine, { spec: { statement, role, isLast } }: Unit): void {
  if (!statement) return repeatSettings(machine);
  const parameter = role === 'parameters' ? readParameter(statement) : undefined;
  if (parameter) return bindParameter(machine, statement, parameter);
  if (role === 'parameters' && isAssignment(statement))
    machine.remark(
      'parameter-type',
      'info',
      'This is not a literal that JSON can hold, so it is no parameter: it runs again in each step, after the parameters. Assign a number, string, boolean, None, list or dict to make a parameter.',
      statement
    );
  runStatement(machine, statement);
  if (isLast) bindShown(machine, statement);
}

const isAssignment = (node: Statement): boolean => node.type === 'Assign' || node.type === 'AnnotatedAssign';

function bindParameter(machine: Machine, node: Node, { name, type }: ParameterAssignment): void {
  // A parameter's value is known only when the pipeline runs, so nothing is folded from it.
  const isMutable = type === 'list' || type === 'dict';
  const value = isMutable ? valueOf(makeThing()) : immutable;
  bindName(machine, name, value, node, { kind: 'parameter' });
}

function runStatement(machine: Machine, statement: Statement): void {
  machine.unit = machine.place(statement);
  machine.importTry = isImportTry(statement) ? machine.unit : undefined;
  machine.isPlainUnit = isPlainStatement(statement);
  execute(machine, [statement]);
}

/** A `try` that does nothing but import and note what came of it. */
function isImportTry(node: Statement): boolean {
  if (node.type !== 'Try') return false;
  const all = [...node.body, ...node.handlers.flatMap(({ body }) => body), ...node.orElse, ...node.finally];
  return all.some(isImport) && all.every(part => isImport(part) || part.type === 'Pass' || isConstantAssign(part));
}

const isImport = (node: Statement): boolean => node.type === 'Import' || node.type === 'ImportFrom';

const isConstantAssign = (node: Statement): boolean => node.type === 'Assign' && node.value.type === 'Constant';

const isNone = (node: Expression): boolean => node.type === 'Constant' && node.kind === 'none';

/** IPython keeps what a cell shows as `_`. */
function bindShown(machine: Machine, last: Statement): void {
  if (last.type !== 'Expression' || !last.isShown || isNone(last.value)) return;
  const slot = machine.shown;
  if (!slot) return;
  if (isShownForItself(machine, last.value)) act(machine);
  const outcome = capture(machine, () => {
    bindResult(machine, slot, last);
    return true;
  });
  join(machine, last.value.type === 'Call' ? [outcome, { falls: true, changes: new Map() }] : [outcome]);
}

const results = ['_', '__', '___'];

function bindResult(machine: Machine, value: Value, node: Node): void {
  const { number } = machine;
  if (typeof number === 'number') bindGlobal(machine, `_${number}`, value, node, { isResult: true });
  // IPython leaves all three alone once the notebook itself has bound one of them.
  const old = results.map(name => machine.slotOf(name));
  if (old.some(slot => slot && !slot.isDeleted && !slot.isResult)) return;
  if (number !== undefined) for (const index of [1, 0]) moveResult(machine, old[index], results[index + 1]!, node);
  bindGlobal(machine, '_', value, node, { isResult: true });
}

/** What was the last result is the last but one. A step needs it for that only where it reads it so. */
function moveResult(machine: Machine, old: Slot | undefined, name: string, node: Node): void {
  if (!old || old.isDeleted) return;
  const keeps = old.step === machine.step ? old.keeps : old;
  bindGlobal(machine, name, old.value, node, { isResult: true, ...(keeps ? { keeps } : {}) });
}

/** Settings of the steps above hold in this step as well: its setup runs them again. */
function repeatSettings(machine: Machine): void {
  const { report, step } = machine;
  const old: Slot[] = [];
  for (const setting of machine.reading.settings()) {
    if (setting.step === step) continue;
    const { unit } = setting;
    const isOwn = ({ origin }: Slot): boolean =>
      origin.cell === unit.cell && origin.from >= unit.from && origin.to <= unit.to;
    const reads = setting.reads.filter(slot => !isOwn(slot));
    if (!setting.isPlain || !reads.every(slot => slot.step === prelude || machine.isLeft(slot))) {
      adviseSetting(machine, setting);
      continue;
    }
    for (const slot of reads) {
      if (slot.kind === 'parameter') report.parameters.set(slot.name, slot);
      if (slot.kind === 'value' && slot.step !== prelude && slot.step !== step)
        addNeed(report.needs, keyOf(machine, slot, old), {
          slot,
          range: setting.range,
          through: [],
          certainty: 'possible'
        });
      touch(machine, slot.value);
    }
    report.settings.push(setting);
  }
  takeAttributes(machine, touch);
}

/** A setting may read what its name is no longer bound to; then the step needs both. */
function keyOf(machine: Machine, slot: Slot, old: Slot[]): string {
  if (machine.slotOf(slot.name) === slot) return slot.name;
  if (!old.includes(slot)) old.push(slot);
  return `${slot.name} of old ${old.indexOf(slot)}`;
}

function adviseSetting(machine: Machine, { topic, range }: Setting): void {
  addRemark(machine.report.remarks, {
    code: 'ambient-state',
    severity: 'warning',
    message: `This sets ‘${topic.replace(/\[\]$/, '')}’ for the whole process in the midst of other code, and later steps run in processes of their own. Set it in a statement of its own, or in a cell tagged ‘imports’.`,
    range
  });
}
