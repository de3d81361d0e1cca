// What the statements of each step tell, put together. Most steps are as they were before an edit, so what was put together
// for them is kept.
import { addReport, newRecord } from './report.js';
import type { FileUse, PreludeRead, Remark, Report, StepRecord, Unbound } from './report.js';
import { prelude } from './slot.js';
import type { Unit } from './units.js';

export interface Records {
  /** of each step */
  readonly records: readonly StepRecord[];
  readonly unbound: readonly Unbound[];
  readonly remarks: readonly Remark[];
  readonly files: readonly FileUse[];
  readonly preludeReads: readonly PreludeRead[];
}

interface Collected {
  readonly reports: readonly Report[];
  readonly record: StepRecord;
}

export function makeCollector(): (units: readonly Unit[], steps: number) => Records {
  let known = new Map<Report | undefined, Collected>();
  return (units, steps) => {
    const byStep = Array.from({ length: steps }, (): Report[] => []);
    const rest: Records & { unbound: Unbound[]; files: FileUse[]; preludeReads: PreludeRead[] } = {
      records: [],
      remarks: [],
      unbound: [],
      files: [],
      preludeReads: []
    };
    const remarks = new Map<string, Remark>();
    for (const { reading, spec } of units) {
      const { report } = reading!;
      if (spec.step !== prelude) byStep[spec.step]!.push(report);
      for (const remark of report.remarks) addOnce(remarks, remark);
      for (const unbound of report.unbound) rest.unbound.push(unbound);
      for (const use of report.files) rest.files.push(use);
      for (const read of report.preludeReads) rest.preludeReads.push(read);
    }
    const collected = byStep.map(reports => {
      const before = known.get(reports[0]);
      return before && areSame(before.reports, reports) ? before : collect(reports);
    });
    known = new Map(collected.map(one => [one.reports[0], one]));
    return { ...rest, records: collected.map(({ record }) => copy(record)), remarks: [...remarks.values()] };
  };
}

const areSame = (a: readonly Report[], b: readonly Report[]): boolean =>
  a.length === b.length && a.every((report, index) => report === b[index]);

function collect(reports: readonly Report[]): Collected {
  const record = newRecord();
  for (const report of reports) addReport(record, report);
  return { reports, record };
}

/** For the plan of the steps, which adds to it what a step takes to hand it on. */
const copy = (record: StepRecord): StepRecord => ({
  ...record,
  needs: new Map(record.needs),
  parameters: new Map(record.parameters)
});

/** Two statements may remark on one place, such as that of a function which both call. */
function addOnce(remarks: Map<string, Remark>, remark: Remark): void {
  const { code, range } = remark;
  const key = `${code} ${range.cell} ${range.from}`;
  if (!remarks.has(key)) remarks.set(key, remark);
}
