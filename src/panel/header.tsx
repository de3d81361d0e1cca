// The panel's head: the pipeline's name, edited in place; where it runs; the two buttons; and how much is wrong.
import { caretDownIcon, closeIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';
import { setPipelineName } from '../editing';
import { CommandIds } from '../tokens';
import { usePanel } from './context';
import { Notice } from './notice';
import { openRunMenu } from './runMenu';
import { RunnerChoice, RunnerHelp, RunnerState } from './runner';
import { TakeOver } from './takeOver';
import { Verifying } from './verifying';

export function Header(): React.JSX.Element {
  const [isExplained, setExplained] = React.useState(false);
  return (
    <div className="jp-Sluice-header">
      <div className="jp-Sluice-titleRow">
        <PipelineName />
        <RunnerChoice isExplained={isExplained} onExplain={setExplained} />
      </div>
      <RunButtons />
      {isExplained && <RunnerHelp />}
      <RunnerState />
      <TakeOver />
      <ServerProblem />
      <Notice />
      <Verifying />
    </div>
  );
}

function PipelineName(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { name } = pipeline.outline;
  const [typed, setTyped] = React.useState<string>();
  const revert = React.useRef(false);
  const commit = (): void => {
    const wanted = typed?.trim();
    if (!revert.current && wanted !== undefined && wanted !== '' && wanted !== name) setPipelineName(pipeline, wanted);
    revert.current = false;
    setTyped(undefined);
  };
  return (
    <input
      className="jp-Sluice-pipelineName"
      aria-label={trans.__('Pipeline name')}
      title={typed === undefined ? name : undefined}
      spellCheck={false}
      value={typed ?? name}
      onChange={event => setTyped(event.target.value)}
      onBlur={commit}
      onKeyDown={event => {
        if (event.key === 'Escape') revert.current = true;
        if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
      }}
    />
  );
}

function RunButtons(): React.JSX.Element {
  const { pipeline, commands, trans } = usePanel();
  const { runs } = pipeline;
  const isBusy = runs.active !== undefined || runs.isSubmitting;
  const { obstacle } = pipeline;
  const title = isBusy
    ? trans.__('The pipeline runs. Cancel it, or wait for its end.')
    : (obstacle ?? trans.__('Run the notebook’s steps as a pipeline, as they stand now.'));
  return (
    <div className="jp-Sluice-buttons">
      <button
        type="button"
        className="jp-Sluice-button jp-mod-run"
        title={title}
        aria-disabled={isBusy || obstacle !== undefined}
        onClick={() => void executeIfEnabled(commands, CommandIds.runPipeline)}
      >
        <runIcon.react tag="span" width="14px" height="14px" />
        <span className="jp-Sluice-buttonText">{trans.__('Run pipeline')}</span>
      </button>
      <RunMenuButton />
      <button
        type="button"
        className="jp-Sluice-button jp-mod-icon"
        title={trans.__('Cancel run')}
        aria-label={trans.__('Cancel run')}
        aria-disabled={runs.active === undefined || runs.isCanceling}
        onClick={() => void executeIfEnabled(commands, CommandIds.cancelRun)}
      >
        <stopIcon.react tag="span" width="14px" height="14px" />
      </button>
      <ProblemCount />
    </div>
  );
}

function RunMenuButton(): React.JSX.Element {
  const { pipeline, commands, trans } = usePanel();
  const [isOpen, setOpen] = React.useState(false);
  const label = trans.__('More ways to run');
  const open = (event: React.MouseEvent<HTMLElement>): void => {
    const { currentTarget: anchor, detail: clicks } = event;
    const onClosed = (): void => setOpen(false);
    openRunMenu({ pipeline, commands, anchor, step: pipeline.chosenStep, isByKeyboard: clicks === 0, onClosed });
    setOpen(true);
  };
  return (
    <button
      type="button"
      className="jp-Sluice-button jp-mod-menu"
      title={label}
      aria-label={label}
      aria-haspopup="menu"
      aria-expanded={isOpen}
      onClick={open}
      onKeyDown={event => {
        if (event.key !== 'ArrowDown') return;
        event.preventDefault();
        event.currentTarget.click();
      }}
    >
      <caretDownIcon.react tag="span" width="14px" height="14px" />
    </button>
  );
}

// A button that says why it cannot be used must stay reachable, so it is `aria-disabled` and does nothing.
async function executeIfEnabled(commands: CommandRegistry, id: string): Promise<void> {
  if (commands.isEnabled(id)) await commands.execute(id);
}

function ProblemCount(): React.JSX.Element | null {
  const { pipeline, trans } = usePanel();
  const errors = pipeline.diagnostics.filter(diagnostic => diagnostic.severity === 'error').length;
  const warnings = pipeline.diagnostics.filter(diagnostic => diagnostic.severity === 'warning').length;
  const words = [
    ...(errors > 0 ? [trans._n('%1 error', '%1 errors', errors)] : []),
    ...(warnings > 0 ? [trans._n('%1 warning', '%1 warnings', warnings)] : [])
  ];
  if (words.length === 0) return null;
  const show = (event: React.MouseEvent): void =>
    event.currentTarget
      .closest('.jp-Sluice')
      ?.querySelector('.jp-Sluice-diagnostics')
      ?.scrollIntoView({ block: 'nearest' });
  return (
    <button
      type="button"
      className="jp-Sluice-count"
      data-severity={errors > 0 ? 'error' : 'warning'}
      title={words.join(', ')}
      aria-label={words.join(', ')}
      onClick={show}
    >
      <SeverityIcon severity={errors > 0 ? 'error' : 'warning'} /> {errors + warnings}
    </button>
  );
}

export function SeverityIcon({ severity }: { readonly severity: 'error' | 'warning' | 'info' }): React.JSX.Element {
  return (
    <svg
      className="jp-Sluice-severity"
      data-severity={severity}
      width="12"
      height="12"
      viewBox="0 0 12 12"
      aria-hidden="true"
    >
      {severity === 'warning' ? <path d="M6 .8 11.6 11H.4z" /> : <circle cx="6" cy="6" r="5.4" />}
      <path
        className="jp-Sluice-severityMark"
        d={
          severity === 'warning' ? 'M6 4.2v3.4M6 8.8v1' : severity === 'error' ? 'M4 4l4 4m0-4-4 4' : 'M6 5.4v3.4M6 3v1'
        }
      />
    </svg>
  );
}

function ServerProblem(): React.JSX.Element {
  const { pipeline, trans } = usePanel();
  const { runs } = pipeline;
  return (
    <div className="jp-Sluice-serverProblem" data-empty={runs.problem === undefined}>
      {/* always there, so that what comes into it is read aloud */}
      <div role="alert">{runs.problem}</div>
      {runs.problem !== undefined && (
        <button
          type="button"
          className="jp-Sluice-dismiss"
          title={trans.__('Dismiss')}
          aria-label={trans.__('Dismiss')}
          onClick={() => runs.dismissProblem()}
        >
          <closeIcon.react tag="span" width="14px" height="14px" />
        </button>
      )}
    </div>
  );
}
