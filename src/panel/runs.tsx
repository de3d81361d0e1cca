// The notebook's runs, newest first. A click shows that run's states and metrics in the panel and on the cells; the caret opens what else is
// known of it.
import { caretDownIcon, ellipsesIcon } from '@jupyterlab/ui-components';
import type { RunSummary } from '@sluice/core';
import * as React from 'react';
import { stateIcon } from '../icons';
import { localRunner, shortRunnerName } from '../runners';
import { formatMoment, stateWord, summarizeRun } from '../words';
import { Bell } from './bell';
import { usePanel } from './context';
import { openPastRunMenu } from './pastRunMenu';
import { RunDetails } from './runDetails';
import { Section } from './section';

export function Runs(): React.JSX.Element | null {
  const { pipeline, trans, maxRunsShown } = usePanel();
  const [more, setMore] = React.useState(0);
  const [open, setOpen] = React.useState<string>();
  const { all } = pipeline.runs;
  const count = maxRunsShown * (more + 1);
  return (
    <Section title={trans.__('Runs')} aside={<Bell />}>
      <ul className="jp-Sluice-list" role="list" aria-label={trans.__('Runs')}>
        {all.slice(0, count).map(run => (
          <Run
            key={run.id}
            run={run}
            isOpen={run.id === open}
            onToggle={isOpen => setOpen(isOpen ? run.id : undefined)}
          />
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

interface RunProps {
  readonly run: RunSummary;
  readonly isOpen: boolean;
  readonly onToggle: (isOpen: boolean) => void;
}

function Run({ run, isOpen, onToggle }: RunProps): React.JSX.Element {
  const { pipeline, commands, trans } = usePanel();
  const { runs } = pipeline;
  const isShown = runs.shown?.id === run.id;
  const clock = formatMoment(run.createdAt, new Date());
  const moment = run.runner === localRunner ? clock : `${clock} · ${shortRunnerName(run.runner, trans)}`;
  const state = stateWord(run.state, trans);
  const summary = summarizeRun(run, trans);
  const Icon = stateIcon(run.state);
  const choose = (): void => runs.choose(run.id === runs.all[0]?.id ? undefined : run.id);
  const toggle = (opens: boolean): void => {
    if (opens) choose();
    onToggle(opens);
  };
  const button = React.useRef<HTMLButtonElement>(null);
  const openMenu = (at?: { readonly x: number; readonly y: number }): void =>
    openPastRunMenu({ pipeline, commands, run, anchor: button.current!, ...(at === undefined ? {} : { at }) });
  const onContextMenu = (event: React.MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    // The Menu key makes this event as well, with no place of its own.
    openMenu(event.button === 2 ? { x: event.clientX, y: event.clientY } : undefined);
  };
  return (
    <li aria-label={trans.__('Run %1, %2, %3, %4', run.number, state, moment, summary)}>
      <div className="jp-Sluice-runRow" data-state={run.state} data-shown={isShown} onContextMenu={onContextMenu}>
        <button
          type="button"
          className="jp-Sluice-fold"
          title={isOpen ? trans.__('Close') : trans.__('Details and files')}
          aria-label={trans.__('Details of run %1', run.number)}
          aria-expanded={isOpen}
          onClick={() => toggle(!isOpen)}
        >
          <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
        </button>
        <Icon.react tag="span" className="jp-Sluice-state" />
        <button
          type="button"
          ref={button}
          className="jp-Sluice-run"
          aria-pressed={isShown}
          title={run.reason ?? `${state}: ${summary}`}
          onClick={choose}
          onKeyDown={event => {
            if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
            event.preventDefault();
            toggle(event.key === 'ArrowRight');
          }}
        >
          <span className="jp-Sluice-runNumber">{run.number}</span>
          <span className="jp-Sluice-hiddenText"> {state} </span>
          <span className="jp-Sluice-runMoment">{moment}</span>
          <span className="jp-Sluice-runSummary">{summary}</span>
        </button>
        <button
          type="button"
          className="jp-Sluice-action"
          title={trans.__('More about run %1', run.number)}
          aria-label={trans.__('More about run %1', run.number)}
          aria-haspopup="menu"
          onClick={({ clientX, clientY, detail: clicks }) =>
            openMenu(clicks === 0 ? undefined : { x: clientX, y: clientY })
          }
        >
          <ellipsesIcon.react tag="span" width="14px" height="14px" />
        </button>
      </div>
      {isOpen && <RunDetails run={run} />}
    </li>
  );
}
