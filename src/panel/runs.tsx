// The notebook's runs, newest first. A click shows that run's states and metrics in the panel and on the cells.
import type { RunSummary } from '@sluice/core';
import * as React from 'react';
import { stateIcon } from '../icons';
import { formatMoment, summarizeRun } from '../words';
import { usePanel } from './context';
import { Section } from './section';

export function Runs(): React.JSX.Element | null {
  const { pipeline, trans, maxRunsShown } = usePanel();
  const [more, setMore] = React.useState(0);
  const { all } = pipeline.runs;
  const count = maxRunsShown * (more + 1);
  return (
    <Section title={trans.__('Runs')}>
      <ul className="jp-Sluice-list" role="list" aria-label={trans.__('Runs')}>
        {all.slice(0, count).map(run => (
          <Run key={run.id} run={run} />
        ))}
      </ul>
      {all.length === 0 && <p className="jp-Sluice-note">{trans.__('No run yet.')}</p>}
      {all.length > count && (
        <button type="button" className="jp-Sluice-link" onClick={() => setMore(more + 1)}>
          {trans.__('Show older runs')}
        </button>
      )}
    </Section>
  );
}

function Run({ run }: { readonly run: RunSummary }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { runs } = pipeline;
  const isShown = runs.shown?.id === run.id;
  const moment = formatMoment(run.createdAt, new Date());
  const summary = summarizeRun(run);
  const Icon = stateIcon(run.state);
  return (
    <li aria-label={trans.__('Run %1, %2, %3, %4', run.number, run.state, moment, summary)}>
      <button
        type="button"
        className="jp-Sluice-run"
        data-state={run.state}
        aria-pressed={isShown}
        title={[run.reason ?? `${run.state}: ${summary}`, ...changedParameters(run)].join('\n')}
        onClick={() => runs.choose(run.id === runs.all[0]?.id ? undefined : run.id)}
      >
        <Icon.react tag="span" className="jp-Sluice-state" />
        <span className="jp-Sluice-runNumber">{run.number}</span>
        <span className="jp-Sluice-hiddenText"> {run.state} </span>
        <span className="jp-Sluice-runMoment">{moment}</span>
        <span className="jp-Sluice-runSummary">{summary}</span>
      </button>
    </li>
  );
}

function changedParameters(run: RunSummary): readonly string[] {
  return Object.entries(run.parameters).map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
}
