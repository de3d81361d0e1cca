// What the statements of each step tell, put together. Most steps are as they were before an edit, so what was put together
// for them is kept.
import { groupBy } from '../../group.js';
import { addReport, newRecord, newReport, withoutRepetition } from './report.js';
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

/** What statements of one step tell that stand together in the notebook. */
interface Told {
  readonly step: number;
  readonly reports: readonly Report[];
  readonly all: Report;
}

export function makeCollector(): (units: readonly Unit[], steps: number) => Records {
  let known = new Map<Report, Told>();
  return (units, steps) => {
    const told: Told[] = [];
    for (let at = 0; at < units.length; at += told.at(-1)!.reports.length) {
      const before = known.get(units[at]!.reading!.report);
      told.push(before && isStill(before, units, at) ? before : putTogether(runFrom(units, at)));
    }
    known = new Map(told.map(one => [one.reports[0]!, one]));
    const byStep = groupBy(told, ({ step }) => step);
    return {
      records: Array.from({ length: steps }, (_, step) => toRecord(byStep.get(step) ?? [])),
      remarks: withoutRepetition(told.flatMap(({ all }) => all.remarks)),
      unbound: told.flatMap(({ all }) => all.unbound),
      files: told.flatMap(({ all }) => all.files),
      preludeReads: told.flatMap(({ all }) => all.preludeReads)
    };
  };
}

/** The units of one step that stand together from `at` on. */
function runFrom(units: readonly Unit[], at: number): readonly Unit[] {
  let end = at;
  while (units[end]?.spec.step === units[at]!.spec.step) end++;
  return units.slice(at, end);
}

function isStill({ step, reports }: Told, units: readonly Unit[], at: number): boolean {
  const end = at + reports.length;
  return (
    units[at]!.spec.step === step &&
    units[end]?.spec.step !== step &&
    reports.every((report, index) => units[at + index]?.reading!.report === report)
  );
}

function putTogether(units: readonly Unit[]): Told {
  const reports = units.map(({ reading }) => reading!.report);
  const all = newReport();
  for (const report of reports) {
    addReport(all, report);
    all.remarks.push(...report.remarks);
    all.unbound.push(...report.unbound);
    all.files.push(...report.files);
    all.preludeReads.push(...report.preludeReads);
  }
  return { step: units[0]!.spec.step, reports, all };
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
