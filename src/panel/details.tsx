// A step opened: what came of it and why, the end of its log, the values that it passed on, its rich outputs, and ways on from here. What is
// past comes from the server when it is asked for; what runs is shown as it comes.
import type { IOutput } from '@jupyterlab/nbformat';
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { ArtifactRecord, Output, StepOutline, StepRun } from '@sluice/core';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { richOutputs } from '../executed';
import { Printed } from '../printed';
import { CommandIds } from '../tokens';
import { describeUsage, hasOutcome, isActive, toPhrase } from '../words';
import { useAnswer } from './answer';
import { usePanel } from './context';
import { StepSettings } from './stepSettings';

export function StepDetails({ step }: { readonly step: StepOutline }): React.JSX.Element {
  return (
    <div className="jp-Sluice-details">
      <Outcome step={step} />
      <StepSettings step={step.name} />
    </div>
  );
}

function Outcome({ step }: { readonly step: StepOutline }): React.JSX.Element {
  const { pipeline, commands, trans } = usePanel();
  const { shown } = pipeline.runs;
  const run = shown?.steps.find(other => other.name === step.name);
  if (!shown || !run) return <p className="jp-Sluice-note">{trans.__('No run of this step yet.')}</p>;
  const live = pipeline.runs.live(shown.id, step.name);
  const hasEnded = hasOutcome(run.state);
  return (
    <>
      <Account run={run} />
      {run.state === 'running' ? (
        <>
          {live && <Log text={live.printed.text} />}
          <Outputs run={shown.id} outputs={live?.outputs ?? noOutputs} />
        </>
      ) : (
        !isActive(run.state) && <PastLog run={shown.id} step={step.name} />
      )}
      {!isActive(run.state) && <Values run={shown.id} step={step.name} />}
      {hasEnded && <PastOutputs run={shown.id} step={step.name} />}
      {hasEnded && (
        <div className="jp-Sluice-links">
          <button
            type="button"
            className="jp-Sluice-link"
            onClick={() => void commands.execute(CommandIds.openOutputs, { step: step.name })}
          >
            {trans.__('Open the executed cells')}
          </button>
          {run.state !== 'failed' && (
            <button
              type="button"
              className="jp-Sluice-link"
              title={commands.caption(CommandIds.loadValues)}
              onClick={() => void commands.execute(CommandIds.loadValues, { step: step.name, run: shown.id })}
            >
              {trans.__('Load the values into the kernel')}
            </button>
          )}
        </div>
      )}
    </>
  );
}

const noOutputs: readonly Output[] = [];

/** What came of it beside its outputs: what has changed since, why it waits, came from cache or did not, and what it used. */
function Account({ run }: { readonly run: StepRun }): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const changed = pipeline.changedSince(run.name)?.reason;
  const reason = run.reason && run.state === 'cached' ? trans.__('Cached: %1.', toPhrase(run.reason)) : run.reason;
  const lines = [
    // said once, where it is also why the step was not from cache
    ...(changed === undefined || changed === run.uncached ? [] : [changed]),
    ...(reason === undefined ? [] : [reason]),
    ...(run.uncached === undefined || run.state === 'cached' ? [] : [trans.__('Not from cache. %1', run.uncached)]),
    ...(run.usage === undefined ? [] : [describeUsage(run.usage, trans)])
  ];
  return (
    <>
      {lines.map(line => (
        <p key={line} className="jp-Sluice-note">
          {line}
        </p>
      ))}
    </>
  );
}

function PastLog({ run, step }: { readonly run: string; readonly step: string }): React.JSX.Element | null {
  const { client } = usePanel();
  const log = useAnswer(() => client.getLogEnd(run, step), `${run} ${step}`);
  const text = React.useMemo(() => (log && 'value' in log ? new Printed(log.value).text : undefined), [log]);
  if (log === undefined) return null;
  return <Log text={'error' in log ? log.error : text!} />;
}

function Log({ text }: { readonly text: string }): React.JSX.Element {
  const { trans } = usePanel();
  const node = React.useRef<HTMLPreElement>(null);
  const follows = React.useRef(true);
  React.useEffect(() => {
    if (node.current && follows.current) node.current.scrollTop = node.current.scrollHeight;
  }, [text]);
  if (text.trim() === '') return <p className="jp-Sluice-note">{trans.__('Nothing printed.')}</p>;
  return (
    <pre
      className="jp-Sluice-log"
      ref={node}
      tabIndex={0}
      role="region"
      aria-label={trans.__('Log')}
      // Who has scrolled up to read stays there.
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        follows.current = scrollHeight - scrollTop - clientHeight < 20;
      }}
    >
      {text}
    </pre>
  );
}

function Values({ run, step }: { readonly run: string; readonly step: string }): React.JSX.Element | null {
  const { client, trans } = usePanel();
  const answer = useAnswer(() => client.getArtifacts(run), run);
  if (!answer || 'error' in answer) return null;
  const variables = answer.value
    .filter(
      (artifact: ArtifactRecord & { readonly step: string }) => artifact.step === step && artifact.kind === 'values'
    )
    .flatMap(artifact => artifact.variables ?? []);
  if (variables.length === 0) return null;
  return (
    <dl className="jp-Sluice-values" aria-label={trans.__('Values')}>
      {variables.map(({ name, type, summary }) => (
        <div key={name} title={`${name}: ${type}\n${summary}`}>
          <dt>{name}</dt>
          <dd>{summary || type}</dd>
        </div>
      ))}
    </dl>
  );
}

function PastOutputs({ run, step }: { readonly run: string; readonly step: string }): React.JSX.Element | null {
  const { client } = usePanel();
  const answer = useAnswer(() => client.getExecutedNotebook(run, step).then(richOutputs), `${run} ${step}`);
  return answer && 'value' in answer ? <Outputs run={run} outputs={answer.value} /> : null;
}

interface OutputsProps {
  readonly run: string;
  readonly outputs: readonly Output[];
}

/** Figures, tables and results, rendered by the notebook's own renderers. Those that come while it is shown are added to the others. */
function Outputs({ run, outputs }: OutputsProps): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const host = React.useRef<HTMLDivElement>(null);
  const model = React.useMemo(() => new OutputAreaModel({ trusted: pipeline.areOutputsTrusted(run) }), [run]);
  const isEmpty = outputs.length === 0;
  // A layout effect, since the area must be taken away while its host is still in the page.
  React.useLayoutEffect(() => {
    if (!host.current) return undefined;
    const area = new SimplifiedOutputArea({ model, rendermime: pipeline.panel.content.rendermime });
    Widget.attach(area, host.current);
    return () => area.dispose();
  }, [model, isEmpty]);
  const given = React.useRef<readonly Output[]>([]);
  React.useEffect(() => {
    const isLonger =
      outputs.length >= given.current.length && given.current.every((output, i) => output === outputs[i]);
    if (!isLonger) model.clear();
    for (const output of isLonger ? outputs.slice(given.current.length) : outputs) model.add(output as IOutput);
    given.current = outputs;
  }, [model, outputs]);
  if (isEmpty) return null;
  return (
    <div className="jp-Sluice-richOutputs" ref={host} tabIndex={0} role="region" aria-label={trans.__('Outputs')} />
  );
}
