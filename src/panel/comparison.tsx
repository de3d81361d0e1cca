// A run beside another one of the notebook's: the parameters and metrics in which they differ, how their steps
// went, what of their code has changed, and the files at their ends.
import type { TranslationBundle } from '@jupyterlab/translation';
import { caretDownIcon } from '@jupyterlab/ui-components';
import {
  compareRuns,
  formatDuration,
  isEarlier,
  type CodeChange,
  type CodeLine,
  type Compared,
  type RunSummary,
  type StepRun
} from '@sluice/core';
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
          <option value="">{trans.__('– choose a run –')}</option>
          {others.map(past => (
            <option key={past.id} value={past.id}>
              {describePastRun(past, trans)}
            </option>
          ))}
        </select>
      </label>
      {other && (
        <SideBySide {...(isEarlier(other, run) ? { before: other, after: run } : { before: run, after: other })} />
      )}
    </div>
  );
}

/** The earlier one is `before`. */
interface TwoRuns {
  readonly before: RunSummary;
  readonly after: RunSummary;
}

function SideBySide({ before, after }: TwoRuns): React.JSX.Element {
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
      <Code before={before} after={after} />
      <EndFiles before={before} after={after} />
    </>
  );
}

/** The steps whose source differs, each with the lines that do. */
function Code({ before, after }: TwoRuns): React.JSX.Element | null {
  const { client, trans } = usePanel();
  const answer = useAnswer(() => client.compareCode(before.id, after.id), `${before.id} ${after.id}`);
  if (!answer || !('value' in answer) || !answer.value) return null;
  return (
    <>
      <h4 className="jp-Sluice-filesTitle">{trans.__('Code')}</h4>
      {answer.value.length === 0 && <p className="jp-Sluice-note">{trans.__('No changes.')}</p>}
      {/* no list: the items of the list around it are the runs */}
      <div role="group" aria-label={trans.__('Code')}>
        {answer.value.map(change => (
          <ChangedStep key={change.step} change={change} />
        ))}
      </div>
    </>
  );
}

function ChangedStep({ change: { step, change, lines } }: { readonly change: CodeChange }): React.JSX.Element {
  const { trans } = usePanel();
  const [isOpen, setOpen] = React.useState(false);
  if (change !== 'changed')
    return (
      <div className="jp-Sluice-codeStep">
        {change === 'added' ? trans.__('‘%1’ is new', step) : trans.__('‘%1’ is gone', step)}
      </div>
    );
  return (
    <div>
      <button type="button" className="jp-Sluice-foldLine" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
        {step}
        <span className="jp-Sluice-foldAside">{countLines(lines, trans)}</span>
      </button>
      {isOpen && (
        <pre
          className="jp-Sluice-log jp-Sluice-code"
          tabIndex={0}
          role="region"
          aria-label={trans.__('Code of %1', step)}
        >
          {lines.map(({ kind, text }, i) => (
            <span key={i} data-kind={kind}>
              {`${signs[kind]}${text}\n`}
            </span>
          ))}
        </pre>
      )}
    </div>
  );
}

const signs = { same: '  ', removed: '- ', added: '+ ', gap: '  …' } as const;

/** `2 lines added, 1 removed` */
function countLines(lines: readonly CodeLine[], trans: TranslationBundle): string {
  const count = (kind: CodeLine['kind']): number => lines.filter(line => line.kind === kind).length;
  const [added, removed] = [count('added'), count('removed')];
  return [
    ...(added === 0 ? [] : [trans._n('%1 line added', '%1 lines added', added)]),
    ...(removed === 0 ? [] : [trans._n('%1 line removed', '%1 lines removed', removed)])
  ].join(', ');
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
function EndFiles({ before, after }: TwoRuns): React.JSX.Element | null {
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
