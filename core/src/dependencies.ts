// What each step of a notebook needs from the others. The notebook is read once from top to bottom; what a step reads
// while an earlier one last bound or changed it is a need, and needs decide what each step takes and gives.
import { position } from './diagnostic.js';
import type { CellRange, Diagnostic } from './diagnostic.js';
import type { Cell, Notebook } from './notebook.js';
import type { Outline } from './outline.js';
import { readParameter } from './parameters.js';
import type { Parameter } from './pipeline.js';
import { boundNames } from './python/names.js';
import { evaluate } from './python/effects/expressions.js';
import { Machine } from './python/effects/machine.js';
import { makeCollector } from './python/effects/records.js';
import type { Records } from './python/effects/records.js';
import { prelude } from './python/effects/slot.js';
import type { Slot } from './python/effects/slot.js';
import { execute } from './python/effects/statements.js';
import { readUnit } from './python/effects/topLevel.js';
import { Units } from './python/effects/units.js';
import type { Unit, UnitSpec } from './python/effects/units.js';
import { usesNumbers } from './python/history.js';
import type { CellNumber } from './python/history.js';
import { topStatements } from './python/stale.js';
import { importedModules, noOwnModules } from './python/effects/ownModules.js';
import type { OwnModules } from './python/effects/ownModules.js';
import { findStarModules, noStarNames } from './python/stars.js';
import type { StarNames } from './python/stars.js';
import type { ParsedCell, TopStatement } from './python/syntax.js';

/** Parts of cells that run again at the beginning of every step below them: imports, functions, what follows parameters. */
export type PreludePart = CellRange;

export interface Dependencies extends Records {
  /** what a name is bound to at the end of the notebook */
  readonly slotAtEnd: (name: string) => Slot | undefined;
  readonly parameters: readonly Parameter[];
  readonly preludeParts: readonly PreludePart[];
  readonly diagnostics: readonly Diagnostic[];
  /** names that only skipped cells bind, and where */
  readonly skipped: ReadonlyMap<string, number>;
  /** by index of the cell; empty where no cell reads what others have shown by number */
  readonly numbers: ReadonlyMap<number, CellNumber>;
  /** modules of which `*` is imported */
  readonly starModules: readonly string[];
  /** modules that it imports in any way, and what may be one */
  readonly imports: readonly string[];
}

export type InferDependencies = (
  notebook: Notebook,
  outline: Outline,
  read: (cell: Cell) => ParsedCell,
  /** what `from m import *` binds; where these are others than before, all is read again */
  starNames: StarNames,
  /** what modules beside the notebook keep; the same holds for these */
  ownModules: OwnModules
) => Dependencies;

/** Inference remembers the notebook that it read last, so that it reads only what an edit concerns. */
export function makeInference(parse: (source: string) => ParsedCell): InferDependencies {
  const begin = (starNames: StarNames, ownModules: OwnModules): { machine: Machine; units: Units } => {
    const machine = new Machine(parse, evaluate, execute, starNames, ownModules);
    return { machine, units: new Units(machine, readUnit) };
  };
  let reading = begin(noStarNames, noOwnModules);
  const update = (specs: readonly UnitSpec[]): readonly Unit[] => {
    try {
      return reading.units.update(specs);
    } catch (error) {
      // Where an error interrupts it, it has undone some and read others: the next begins anew.
      reading = begin(reading.machine.starNames, reading.machine.ownModules);
      throw error;
    }
  };
  const toSpecs = makeSpecs();
  const collect = makeCollector();
  return (notebook, outline, read, starNames, ownModules) => {
    const { machine } = reading;
    if (starNames !== machine.starNames || ownModules !== machine.ownModules) reading = begin(starNames, ownModules);
    const numbers = numberCells(notebook, outline, read);
    const running = cellsThatRun(notebook, outline, numbers);
    const specs = running.flatMap(cell => toSpecs(cell, topStatements(read(cell.cell))));
    return {
      ...collect(update(specs), outline.steps.length),
      slotAtEnd: name => reading.machine.state.names.get(name)?.slot,
      ...findPrelude(running, read),
      diagnostics: running
        .filter(({ cell }) => read(cell).errors.length > 0)
        .flatMap(({ cell }) => syntaxErrors(cell, read(cell))),
      skipped: findSkipped(notebook, outline, read),
      numbers,
      starModules: [...new Set(running.flatMap(({ cell }) => findStarModules(read(cell))))],
      imports: [...new Set(running.flatMap(({ cell }) => importedModules(read(cell))))]
    };
  };
}

interface RunningCell {
  readonly cell: Cell;
  readonly step: number;
  readonly role: UnitSpec['role'];
  /** whether its step begins with it */
  readonly isFirst: boolean;
  readonly number: CellNumber | undefined;
}

/** The numbers that cells have when the notebook runs from top to bottom, where one of them asks for numbers. */
function numberCells(
  notebook: Notebook,
  { roles }: Outline,
  read: (cell: Cell) => ParsedCell
): ReadonlyMap<number, CellNumber> {
  const numbers = new Map<number, CellNumber>();
  const cells = notebook.cells.filter(({ type, source }) => type === 'code' && source.trim() !== '');
  if (!cells.some(cell => usesNumbers(read(cell)))) return numbers;
  let count: CellNumber = 0;
  for (const { index } of cells) {
    const isRun = roles[index]?.kind !== 'skip';
    count = count === 'unknown' || !isRun ? 'unknown' : count + 1;
    numbers.set(index, count);
  }
  return numbers;
}

/** The cells that are part of a step or run in every step. */
function cellsThatRun(notebook: Notebook, outline: Outline, numbers: ReadonlyMap<number, CellNumber>): RunningCell[] {
  const steps = new Map(outline.steps.flatMap(({ cells }, index) => cells.map(cell => [cell, index] as const)));
  const prepares = new Set([...outline.importCells, ...outline.functionCells]);
  const parametrises = new Set(outline.parameterCells);
  const begun = new Set<number>();
  return notebook.cells.flatMap((cell): RunningCell[] => {
    if (cell.type !== 'code') return [];
    const number = numbers.get(cell.index);
    const step = steps.get(cell.index);
    if (step !== undefined) {
      const isFirst = !begun.has(step);
      begun.add(step);
      return [{ cell, step, role: 'step', isFirst, number }];
    }
    const role = parametrises.has(cell.index) ? 'parameters' : prepares.has(cell.index) ? 'prelude' : undefined;
    return role ? [{ cell, step: prelude, role, isFirst: false, number }] : [];
  });
}

/** The specs of a cell are the same objects as before where nothing about it has changed. */
function makeSpecs(): (cell: RunningCell, statements: readonly TopStatement[]) => readonly UnitSpec[] {
  const known: { cell: RunningCell; statements: readonly TopStatement[]; specs: readonly UnitSpec[] }[] = [];
  return (cell, statements) => {
    const { index } = cell.cell;
    const before = known[index];
    const { step, role, isFirst, number } = before?.cell ?? {};
    const isStill = cell.step === step && cell.role === role && cell.isFirst === isFirst && cell.number === number;
    if (before?.statements === statements && isStill) return before.specs;
    const specs = specsOf(cell, statements);
    known[index] = { cell, statements, specs };
    return specs;
  };
}

function specsOf({ cell, step, role, isFirst, number }: RunningCell, statements: readonly TopStatement[]): UnitSpec[] {
  const parts = { step, role, cell: cell.index, number };
  const specs = statements.map((top, index) => ({
    ...top,
    ...parts,
    isLast: role === 'step' && index === statements.length - 1
  }));
  const beginning = { ...parts, statement: undefined, text: 'beginning', from: 0, isLast: false };
  return isFirst ? [beginning, ...specs] : specs;
}

function findPrelude(
  running: readonly RunningCell[],
  read: (cell: Cell) => ParsedCell
): Pick<Dependencies, 'parameters' | 'preludeParts'> {
  const parameters = new Map<string, Parameter>();
  const preludeParts: PreludePart[] = [];
  for (const { cell, role } of running) {
    if (role === 'prelude') preludeParts.push({ cell: cell.index, from: 0, to: cell.source.length });
    if (role !== 'parameters') continue;
    for (const { statement, from } of topStatements(read(cell))) {
      const parameter = readParameter(statement);
      const range = { cell: cell.index, from, to: from + statement.to - statement.from };
      if (!parameter) preludeParts.push(range);
      else {
        const { value, ...parts } = parameter;
        parameters.set(parts.name, { ...parts, default: value, range });
      }
    }
  }
  return { parameters: [...parameters.values()], preludeParts };
}

function findSkipped(
  notebook: Notebook,
  outline: Outline,
  read: (cell: Cell) => ParsedCell
): ReadonlyMap<string, number> {
  const skipped = new Map<string, number>();
  for (const cell of notebook.cells)
    if (cell.type === 'code' && outline.roles[cell.index]?.kind === 'skip')
      for (const name of boundNames(read(cell).body)) if (!skipped.has(name)) skipped.set(name, cell.index);
  return skipped;
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
