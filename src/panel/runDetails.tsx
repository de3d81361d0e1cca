// A run opened: why it ended, what it was given, where it worked, how to go on from it, and the files as they stood at its steps.
import { formatDuration, formatMetric, type RunSummary } from '@sluice/core';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';
import { CommandIds } from '../tokens';
import { describeWorkspace, isActive, isResumable, resumesAt, stateWord } from '../words';
import { localRunner, runnerName } from '../runners';
import { usePanel } from './context';
import { Comparison } from './comparison';
import { Files } from './moments';
import { useNow } from './signals';
import { VolumeSnapshots } from './volumeSnapshots';

export function RunDetails({ run }: { readonly run: RunSummary }): React.JSX.Element {
  const { pipeline, commands, trans } = usePanel();
  const step = resumesAt(run);
  const args = { run: run.id };
  const facts = useFacts(run);
  return (
    <div className="jp-Sluice-runDetails">
      <dl className="jp-Sluice-facts">
        {facts.map(([name, text]) => (
          <div key={`${name} ${text}`}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      {isResumable(run) && (
        <button
          type="button"
          className="jp-Sluice-button"
          aria-disabled={!commands.isEnabled(CommandIds.resumeRun, args)}
          title={pipeline.obstacle ?? commands.caption(CommandIds.resumeRun, args)}
          onClick={() =>
            commands.isEnabled(CommandIds.resumeRun, args) && void commands.execute(CommandIds.resumeRun, args)
          }
        >
          {step === undefined ? trans.__('Continue this run') : trans.__('Continue from ‘%1’', step)}
        </button>
      )}
      <Comparison run={run} />
      {run.remote === undefined ? <Files run={run} /> : <VolumeSnapshots run={run} />}
    </div>
  );
}

/** `Kubernetes (Argo) · context prod, namespace team-a · tumours-x7k2p`; what is kept there for programs is left out. */
function describeRunner({ runner, remote }: RunSummary, trans: TranslationBundle): string {
  const told = ['url', 'context', 'namespace', 'experiment'];
  const place = told.flatMap(key => (remote?.place[key] === undefined ? [] : [`${key} ${remote.place[key]}`]));
  return [runnerName(runner, trans), place.join(', '), remote?.id ?? ''].filter(text => text !== '').join(' · ');
}

/** What was said before it began holds as long as the run is looked at. */
function messagesOf({ remote }: RunSummary): readonly string[] {
  return JSON.parse(remote?.place['messages'] ?? '[]') as readonly string[];
}

/** In the order in which one asks: how it went, with what, on what, and from where. */
function useFacts(run: RunSummary): readonly (readonly [name: string, text: string])[] {
  const { pipeline, trans } = usePanel();
  const now = useNow(isActive(run.state));
  const parent = pipeline.runs.all.find(other => other.id === run.parent);
  const cached = run.steps.filter(step => step.state === 'cached').length;
  const parameters = Object.entries(run.parameters).map(([name, value]) => `${name} ${formatMetric(value ?? 'None')}`);
  const took = formatDuration((run.endedAt ?? now) - run.createdAt);
  return [
    [trans.__('State'), `${stateWord(run.state, trans)} · ${took}`],
    ...(run.notice === undefined ? [] : [[trans.__('Now'), run.notice] as const]),
    ...(run.runner === localRunner
      ? []
      : [[isActive(run.state) ? trans.__('Runs on') : trans.__('Ran on'), describeRunner(run, trans)] as const]),
    ...(run.remote?.isFound ? [[trans.__('Started'), trans.__('elsewhere, not from here')] as const] : []),
    ...messagesOf(run).map(text => [trans.__('Note'), text] as const),
    ...(run.reason === undefined ? [] : [[trans.__('Reason'), run.reason] as const]),
    ...(cached === 0 ? [] : [[trans.__('From cache'), trans.__('%1 of %2 steps', cached, run.steps.length)] as const]),
    ...(parent === undefined ? [] : [[trans.__('Values of'), trans.__('run %1', parent.number)] as const]),
    ...(parameters.length === 0 ? [] : [[trans.__('Parameters'), parameters.join(', ')] as const]),
    ...(run.workspace === undefined ? [] : [[trans.__('Worked in'), describeWorkspace(run.workspace, trans)] as const])
  ];
}
