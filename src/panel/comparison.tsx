// A run beside another one of the notebook's: the parameters and metrics in which they differ, how their steps went, and the files at their ends.
import { compareRuns, formatDuration, type Compared, type RunSummary, type StepRun } from '@sluice/core';
import * as React from 'react';
import { describePastRun, describeStepRun, isActive } from '../words';
import { useAnswer } from './answer';
import { usePanel } from './context';
import { Changes } from './files';

export function Comparison({ run }: { readonly run: RunSummary }): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const [chosen, setChosen] = React.useState('');
  const others = pipeline.runs.all.filter(other => other.id !== run.id && !isActive(other.state));
  if (others.length === 0 || isActive(run.state)) return null;
  const other = others.find(({ id }) => id === chosen);
  return (
    <div className="jp-Sluice-comparison" role="group" aria-label={trans.__('Comparison')}>
      <label className="jp-Sluice-since">
        {trans.__('Compare with')}
        <select className="jp-Sluice-select" value={chosen} onChange={({ target }) => setChosen(target.value)}>
          <option value="">{trans.__('no other run')}</option>
          {others.map(past => (
            <option key={past.id} value={past.id}>
              {describePastRun(past, trans)}
            </option>
          ))}
        </select>
      </label>
      {other && <SideBySide runs={other.number < run.number ? [other, run] : [run, other]} />}
    </div>
  );
}

interface SideBySideProps {
  /** the earlier one first */
  readonly runs: readonly [RunSummary, RunSummary];
}

function SideBySide({ runs: [before, after] }: SideBySideProps): React.JSX.Element {
  const { trans } = usePanel();
  const now = Date.now();
  // Of a step that succeeded its time says enough.
  const describe = (step: StepRun): string =>
    step.state === 'succeeded' && step.durationMs !== undefined
      ? formatDuration(step.durationMs)
      : describeStepRun(step, now, trans);
  const { parameters, metrics, steps } = compareRuns(before, after, describe);
  return (
    <>
      <table className="jp-Sluice-sideBySide">
        <thead>
          <tr>
            <td />
            <th scope="col">{trans.__('run %1', before.number)}</th>
            <th scope="col">{trans.__('run %1', after.number)}</th>
          </tr>
        </thead>
        <Differences title={trans.__('Parameters')} rows={parameters} />
        <Differences title={trans.__('Metrics')} rows={metrics} />
        <Differences title={trans.__('Steps')} rows={steps} />
      </table>
      <EndFiles before={before} after={after} />
    </>
  );
}

/** Only what differs. */
function Differences({
  title,
  rows
}: {
  readonly title: string;
  readonly rows: readonly Compared[];
}): React.JSX.Element | null {
  const { trans } = usePanel();
  const different = rows.filter(({ values: [a, b] }) => a !== b);
  if (rows.length === 0) return null;
  return (
    <tbody>
      <tr>
        <th scope="rowgroup">{title}</th>
        <td colSpan={2}>{different.length === 0 && trans.__('equal')}</td>
      </tr>
      {different.map(({ name, values }) => (
        <tr key={name}>
          <th scope="row" title={name}>
            {name}
          </th>
          {values.some(isLarge) ? (
            <td colSpan={2}>{trans.__('differ')}</td>
          ) : (
            values.map((value, i) => (
              <td key={i} title={value ?? undefined}>
                {value ?? '–'}
              </td>
            ))
          )}
        </tr>
      ))}
    </tbody>
  );
}

/** A table, say, of which a cell's width shows nothing that differs. */
function isLarge(value: string | null): boolean {
  return value !== null && /^[{[]/.test(value) && value.length > 40;
}

/** How the workspace at the end of the one differs from that of the other. */
function EndFiles({
  before,
  after
}: {
  readonly before: RunSummary;
  readonly after: RunSummary;
}): React.JSX.Element | null {
  const { client, trans } = usePanel();
  const answer = useAnswer(async () => {
    const [a, b] = await Promise.all([client.listSnapshots(before.id), client.listSnapshots(after.id)]);
    const [first, last] = [a.at(-1), b.at(-1)];
    return first && last && { first, last, diff: await client.compareSnapshots(first.id, last.id) };
  }, `${before.id} ${after.id}`);
  if (!answer || !('value' in answer) || !answer.value) return null;
  const { first, last, diff } = answer.value;
  return (
    <>
      <h4 className="jp-Sluice-filesTitle">{trans.__('Files at the end')}</h4>
      <Changes diff={diff} before={first} after={last} run={after} />
    </>
  );
}
