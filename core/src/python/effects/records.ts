// What the statements of each step tell, put together. Most steps are as they were before an edit, so what was put together
// for them is kept.
import { groupBy } from '../../group.js';
import { addRemark, addReport, newRecord, newReport } from './report.js';
import type { FileUse, PreludeRead, Remark, Report, StepRecord, Unbound } from './report.js';
import type { Unit } from './units.js';

export interface Records {
  /** of each step */
  readonly records: readonly StepRecord[];
  readonly unbound: readonly Unbound[];
  readonly remarks: readonly Remark[];
  readonly files: readonly FileUse[];
  readonly preludeReads: readonly PreludeRead[];
}

/** Statements of one step that stand together in the notebook. */
interface Run {
  readonly step: number;
  readonly reports: Report[];
}

interface Told {
  readonly reports: readonly Report[];
  readonly all: Report;
}

export function makeCollector(): (units: readonly Unit[], steps: number) => Records {
  let known = new Map<Report, Told>();
  return (units, steps) => {
    const runs = splitRuns(units);
    const told = runs.map(({ reports }) => {
      const before = known.get(reports[0]!);
      return before && areSame(before.reports, reports) ? before : putTogether(reports);
    });
    known = new Map(told.map(one => [one.reports[0]!, one]));
    const byStep = groupBy(told, (_, index) => runs[index]!.step);
    return {
      records: Array.from({ length: steps }, (_, step) => toRecord(byStep.get(step) ?? [])),
      remarks: withoutRepetition(told.flatMap(({ all }) => all.remarks)),
      unbound: told.flatMap(({ all }) => all.unbound),
      files: told.flatMap(({ all }) => all.files),
      preludeReads: told.flatMap(({ all }) => all.preludeReads)
    };
  };
}

function splitRuns(units: readonly Unit[]): Run[] {
  const runs: Run[] = [];
  for (const { reading, spec } of units) {
    const last = runs.at(-1);
    if (last?.step === spec.step) last.reports.push(reading!.report);
    else runs.push({ step: spec.step, reports: [reading!.report] });
  }
  return runs;
}

const areSame = (a: readonly Report[], b: readonly Report[]): boolean =>
  a.length === b.length && a.every((report, index) => report === b[index]);

function putTogether(reports: readonly Report[]): Told {
  const all = newReport();
  for (const report of reports) {
    addReport(all, report);
    all.remarks.push(...report.remarks);
    all.unbound.push(...report.unbound);
    all.files.push(...report.files);
    all.preludeReads.push(...report.preludeReads);
  }
  return { reports, all };
}

/** What the runs of a step tell. The plan of the steps adds to what it needs. */
function toRecord(told: readonly Told[]): StepRecord {
  const [only, ...others] = told;
  if (only && others.length === 0) {
    const { needs, parameters } = only.all;
    return { ...only.all, needs: new Map(needs), parameters: new Map(parameters) };
  }
  const record = newRecord();
  for (const { all } of told) addReport(record, all);
  return record;
}

/** Statements may remark on one place, such as that of a function which they all call. */
function withoutRepetition(remarks: readonly Remark[]): Remark[] {
  const known: Remark[] = [];
  for (const remark of remarks) addRemark(known, remark);
  return known;
}
