// What each step of a notebook needs from the others. The notebook is read once from top to bottom; what a step reads
// while an earlier one last bound or changed it is a need, and needs decide what each step takes and gives.
import { position } from './diagnostic.js';
import type { CellRange, Diagnostic } from './diagnostic.js';
import type { Cell, Notebook } from './notebook.js';
import type { Outline } from './outline.js';
import { readParameter } from './parameters.js';
import type { ParameterAssignment } from './parameters.js';
import type { Parameter } from './pipeline.js';
import { isPlainStatement } from './python/effects/ambient.js';
import { boundNames } from './python/effects/binding.js';
import { evaluate } from './python/effects/expressions.js';
import { Machine, prelude } from './python/effects/machine.js';
import type { Setting, Slot } from './python/effects/machine.js';
import { touch } from './python/effects/functions.js';
import { execute } from './python/effects/statements.js';
import { immutable, makeThing, newSite, setMoment, valueOf } from './python/effects/thing.js';
import type { ParsedCell, Statement } from './python/syntax.js';

/** Parts of cells that run again at the beginning of every step below them: imports, functions, what follows parameters. */
export type PreludePart = CellRange;

export interface Dependencies {
  readonly machine: Machine;
  readonly parameters: readonly Parameter[];
  readonly preludeParts: readonly PreludePart[];
  readonly diagnostics: readonly Diagnostic[];
  /** names that only skipped cells bind, and where */
  readonly skipped: ReadonlyMap<string, number>;
}

const fuelPerStatement = 600;

export function inferDependencies(
  notebook: Notebook,
  outline: Outline,
  read: (cell: Cell) => ParsedCell,
  parse: (source: string) => ParsedCell
): Dependencies {
  const machine = new Machine(parse, cell => notebook.cells[cell]?.source ?? '', evaluate, execute);
  const parameters = new Map<string, Parameter>();
  const preludeParts: PreludePart[] = [];
  const diagnostics: Diagnostic[] = [];
  const skipped = new Map<string, number>();
  const begun = new Set<number>();
  const stepOf = stepsByCell(outline);
  const setsUp = new Set([...outline.importCells, ...outline.functionCells]);
  const parametrises = new Set(outline.parameterCells);

  outline.steps.forEach((_, index) => machine.record(index));
  for (const cell of notebook.cells) {
    if (cell.type !== 'code') continue;
    const step = stepOf.get(cell.index);
    const isPrelude = setsUp.has(cell.index) || parametrises.has(cell.index);
    const parsed = read(cell);
    if (step === undefined && !isPrelude) {
      if (outline.roles[cell.index]?.kind === 'skip')
        for (const name of boundNames(parsed.body)) if (!skipped.has(name)) skipped.set(name, cell.index);
      continue;
    }
    diagnostics.push(...syntaxErrors(cell, parsed));
    machine.step = step ?? prelude;
    machine.cell = cell.index;
    setMoment(cell.index);
    if (step !== undefined && !begun.has(step)) {
      begun.add(step);
      repeatSettings(machine);
    }
    if (setsUp.has(cell.index)) preludeParts.push({ cell: cell.index, from: 0, to: cell.source.length });
    for (const statement of parsed.body) {
      const parameter = parametrises.has(cell.index) ? readParameter(statement) : undefined;
      const range = { cell: cell.index, from: statement.from, to: statement.to };
      if (parameter) {
        parameters.set(parameter.name, {
          name: parameter.name,
          type: parameter.type,
          default: parameter.value,
          isNullable: parameter.isNullable,
          range
        });
        bindParameter(machine, statement, parameter);
        continue;
      }
      if (parametrises.has(cell.index)) preludeParts.push(range);
      if (parametrises.has(cell.index) && isAssignment(statement))
        machine.remark(
          'parameter-type',
          'info',
          'This is not a literal that JSON can hold, so it is no parameter: it runs again in each step, after the parameters. Assign a number, string, boolean, None, list or dict to make a parameter.',
          statement
        );
      runStatement(machine, statement);
    }
    const last = parsed.body.at(-1);
    if (step !== undefined && last) bindShown(machine, last);
  }
  return { machine, parameters: [...parameters.values()], preludeParts, diagnostics, skipped };
}

const isAssignment = (node: Statement): boolean => node.type === 'Assign' || node.type === 'AnnotatedAssign';

/** Settings of the steps above hold in this step as well: its setup runs them again. */
function repeatSettings(machine: Machine): void {
  const record = machine.record(machine.step);
  for (const setting of machine.settings) {
    if (setting.step === machine.step) continue;
    const { unit } = setting;
    const isOwn = ({ origin }: Slot): boolean =>
      origin.cell === unit.cell && origin.from >= unit.from && origin.to <= unit.to;
    const reads = setting.reads.filter(slot => !isOwn(slot));
    if (!setting.isPlain || !reads.every(slot => slot.step === prelude || machine.isLeft(slot))) {
      adviseSetting(machine, setting);
      continue;
    }
    for (const slot of reads) {
      if (slot.kind === 'parameter') record.parameters.set(slot.name, slot);
      if (slot.kind === 'value' && slot.step !== prelude && slot.step !== machine.step)
        record.needs.set(machine.globals.get(slot.name) === slot ? slot.name : `${slot.name} in ${unit.cell}`, {
          slot,
          range: setting.range,
          through: [],
          certainty: 'possible'
        });
      touch(machine, slot.value);
    }
    record.settings.push(setting);
  }
}

function adviseSetting(machine: Machine, { topic, range }: Setting): void {
  if (machine.remarks.some(({ code, range: known }) => code === 'ambient-state' && known === range)) return;
  machine.remarks.push({
    code: 'ambient-state',
    severity: 'warning',
    message: `This sets ‘${topic.replace(/\[\]$/, '')}’ for the whole process in the midst of other code, and later steps run in processes of their own. Set it in a statement of its own, or in a cell tagged ‘imports’.`,
    range
  });
}

/** IPython keeps what a cell shows as `_`. */
function bindShown(machine: Machine, last: Statement): void {
  if (last.type !== 'Expression' || !last.isShown || last.value.type === 'Constant') return;
  const slot = machine.shown;
  if (!slot) return;
  const outcome = machine.capture(() => {
    machine.bindGlobal('_', slot, last);
    return true;
  });
  machine.join(last.value.type === 'Call' ? [outcome, { falls: true, changes: new Map() }] : [outcome]);
}

function bindParameter(machine: Machine, node: Statement, { name, type }: ParameterAssignment): void {
  // A parameter's value is known only when the pipeline runs, so nothing is folded from it.
  const isMutable = type === 'list' || type === 'dict';
  const value = isMutable ? valueOf(makeThing()) : immutable;
  machine.bind(name, value, node, { kind: 'parameter' });
}

function runStatement(machine: Machine, statement: Statement): void {
  machine.unit = machine.place(statement);
  machine.importTry = isImportTry(statement) ? machine.unit : undefined;
  machine.unitReads = [];
  machine.isPlainUnit = isPlainStatement(statement);
  machine.shown = undefined;
  machine.fuel = fuelPerStatement;
  machine.site = newSite();
  machine.ran.clear();
  machine.depth = 0;
  machine.frame = undefined;
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

function stepsByCell(outline: Outline): ReadonlyMap<number, number> {
  const steps = new Map<number, number>();
  outline.steps.forEach(({ cells }, index) => {
    for (const cell of cells) steps.set(cell, index);
  });
  return steps;
}

function syntaxErrors({ index, source }: Cell, { errors, stale = [] }: ParsedCell): Diagnostic[] {
  return errors.map(({ from, to, message }) => {
    const { line } = position(source, from);
    const isKept = stale.some(part => from >= part.from && from <= part.to);
    const kept = isKept ? ` Meanwhile its flows are those last read before line ${line} broke.` : '';
    return {
      code: 'syntax-error',
      severity: 'error',
      message: toSentence(message) + kept,
      range: { cell: index, from, to }
    };
  });
}

const toSentence = (message: string): string => {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
};
