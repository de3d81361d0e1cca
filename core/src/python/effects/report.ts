// What reading the statements of a notebook tells about its steps: what each needs, binds, sets and changes, and what there
// is to remark. Each statement has a report of its own; those of a step are put together in the order of the notebook.
import type { CellRange, Severity } from '../../diagnostic.js';
import type { Certainty, Slot } from './slot.js';
import type { FileRole } from './tables/files.js';
import type { Thing } from './thing.js';

/** Why a step needs what an earlier one left. */
export interface Need {
  readonly slot: Slot;
  readonly range: CellRange;
  readonly through: readonly string[];
  readonly certainty: Certainty;
}

/** A name that nothing above binds. */
export interface Unbound {
  readonly name: string;
  readonly step: number;
  readonly range: CellRange;
  readonly certainty: Certainty;
  /** the slot that was deleted, where one was */
  readonly deleted?: Slot;
}

export interface Remark {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly range: CellRange;
}

/** A use of a file whose path could be worked out. */
export interface FileUse {
  readonly path: string;
  readonly role: FileRole;
  readonly step: number;
  readonly range: CellRange;
  readonly certainty: Certainty;
  readonly through: readonly string[];
}

/** A statement that sets the state of the process. */
export interface Setting {
  /** dotted name of what it sets */
  readonly topic: string;
  /** the attribute of a module that it sets */
  readonly attribute?: string;
  readonly step: number;
  readonly unit: CellRange;
  readonly range: CellRange;
  /** what the statement reads; grows until the statement ends */
  readonly reads: readonly Slot[];
  /** whether the statement does nothing else */
  readonly isPlain: boolean;
}

/** What cells that run in every step read of what steps or parameters bound. */
export interface PreludeRead {
  readonly range: CellRange;
  readonly slot: Slot;
}

export interface StepRecord {
  readonly needs: Map<string, Need>;
  readonly parameters: Map<string, Slot>;
  readonly binds: Set<string>;
  /** the libraries whose names it reads */
  readonly uses: Set<string>;
  /** settings of earlier steps that its setup repeats */
  readonly settings: Setting[];
  /** objects that it may change in place */
  readonly changed: Set<Thing>;
  /** whether it does what can be seen: prints, draws, writes */
  isSeen: boolean;
}

export interface Report extends StepRecord {
  readonly unbound: Unbound[];
  readonly remarks: Remark[];
  readonly files: FileUse[];
  readonly preludeReads: PreludeRead[];
}

export const newRecord = (): StepRecord => ({
  needs: new Map(),
  parameters: new Map(),
  binds: new Set(),
  uses: new Set(),
  settings: [],
  changed: new Set(),
  isSeen: false
});

export const newReport = (): Report => ({
  ...newRecord(),
  unbound: [],
  remarks: [],
  files: [],
  preludeReads: []
});

/** A sure need says more than a possible one, and the first of its kind says where to look. */
export function addNeed(needs: Map<string, Need>, key: string, need: Need): void {
  const known = needs.get(key);
  if (!known || (known.certainty === 'possible' && need.certainty === 'certain')) needs.set(key, need);
}

/** Say a remark once for its place, though many statements lead there. */
export function addRemark(remarks: Remark[], remark: Remark): void {
  const place = placeOf(remark);
  if (!remarks.some(known => placeOf(known) === place)) remarks.push(remark);
}

/** Remarks of many statements, each place's first. */
export function withoutRepetition(remarks: readonly Remark[]): Remark[] {
  const known = new Map<string, Remark>();
  for (const remark of remarks) {
    const place = placeOf(remark);
    if (!known.has(place)) known.set(place, remark);
  }
  return [...known.values()];
}

const placeOf = ({ code, range }: Remark): string => `${range.cell} ${range.from} ${code}`;

/** Add what a statement says to what its step has said so far. */
export function addReport(record: StepRecord, report: StepRecord): void {
  for (const [key, need] of report.needs) addNeed(record.needs, key, need);
  for (const [name, slot] of report.parameters) record.parameters.set(name, slot);
  for (const name of report.binds) record.binds.add(name);
  for (const name of report.uses) record.uses.add(name);
  for (const setting of report.settings) record.settings.push(setting);
  for (const thing of report.changed) record.changed.add(thing);
  record.isSeen ||= report.isSeen;
}
