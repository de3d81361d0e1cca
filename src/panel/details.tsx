// A step opened: the end of its log, the values that it passed on, its rich outputs, and a way to its executed cells. All come from the server when they are asked for.
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { ArtifactRecord, StepOutline } from '@sluice/core';
import { Widget } from '@lumino/widgets';
import * as React from 'react';
import { richOutputs } from '../executed';
import { CommandIds } from '../tokens';
import { isActive, plainLog } from '../words';
import { usePanel } from './context';

const shownLog = 20_000;

export function StepDetails({ step }: { readonly step: StepOutline }): React.JSX.Element {
  const { pipeline, commands, trans } = usePanel();
  const { shown } = pipeline.runs;
  const run = shown?.steps.find(other => other.name === step.name);
  if (!shown || !run) return <p className="jp-Sluice-note">{trans.__('No run of this step yet.')}</p>;
  return (
    <div className="jp-Sluice-details">
      {run.state === 'running' ? (
        <Log text={pipeline.runs.live(shown.id, step.name).log} />
      ) : (
        <PastLog run={shown.id} step={step.name} />
      )}
      {!isActive(run.state) && <Values run={shown.id} step={step.name} />}
      {run.durationMs !== undefined && !isActive(run.state) && <Outputs run={shown.id} step={step.name} />}
      {run.durationMs !== undefined && !isActive(run.state) && (
        <button
          type="button"
          className="jp-Sluice-link"
          onClick={() => void commands.execute(CommandIds.openOutputs, { step: step.name })}
        >
          {trans.__('Open the executed cells')}
        </button>
      )}
    </div>
  );
}

function PastLog({ run, step }: { readonly run: string; readonly step: string }): React.JSX.Element {
  const { client, trans } = usePanel();
  const log = useAnswer(() => client.getLog(run, step), `${run} ${step}`);
  return <Log text={log === undefined ? trans.__('…') : 'error' in log ? log.error : log.value} />;
}

function Log({ text }: { readonly text: string }): React.JSX.Element {
  const { trans } = usePanel();
  const node = React.useRef<HTMLPreElement>(null);
  const shown = plainLog(text.slice(-shownLog));
  React.useEffect(() => {
    if (node.current) node.current.scrollTop = node.current.scrollHeight;
  }, [shown]);
  if (shown.trim() === '') return <p className="jp-Sluice-note">{trans.__('Nothing printed.')}</p>;
  return (
    <pre className="jp-Sluice-log" ref={node} tabIndex={0} role="region" aria-label={trans.__('Log')}>
      {shown}
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

/** Figures, tables and results, rendered by the notebook's own renderers. */
function Outputs({ run, step }: { readonly run: string; readonly step: string }): React.JSX.Element | null {
  const { client, pipeline, trans } = usePanel();
  const host = React.useRef<HTMLDivElement>(null);
  const answer = useAnswer(() => client.getExecutedNotebook(run, step).then(richOutputs), `${run} ${step}`);
  const outputs = answer && 'value' in answer ? answer.value : [];
  React.useEffect(() => {
    if (!host.current || outputs.length === 0) return undefined;
    const model = new OutputAreaModel({ values: [...outputs], trusted: pipeline.areOutputsTrusted(run) });
    const area = new SimplifiedOutputArea({ model, rendermime: pipeline.panel.content.rendermime });
    Widget.attach(area, host.current);
    return () => {
      area.dispose();
      model.dispose();
    };
  }, [outputs.length === 0 ? undefined : outputs]);
  if (outputs.length === 0) return null;
  return (
    <div className="jp-Sluice-richOutputs" ref={host} tabIndex={0} role="region" aria-label={trans.__('Outputs')} />
  );
}

type Answer<T> = { readonly value: T } | { readonly error: string } | undefined;

/** What the server says, once for each `key`. */
function useAnswer<T>(ask: () => Promise<T>, key: string): Answer<T> {
  const [answer, setAnswer] = React.useState<{ readonly key: string; readonly answer: Answer<T> }>();
  React.useEffect(() => {
    let isWanted = true;
    const show = (given: Answer<T>): void => {
      if (isWanted) setAnswer({ key, answer: given });
    };
    ask().then(
      value => show({ value }),
      (error: unknown) => show({ error: error instanceof Error ? error.message : String(error) })
    );
    return () => {
      isWanted = false;
    };
  }, [key]);
  return answer?.key === key ? answer.answer : undefined;
}
