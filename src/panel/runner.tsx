// Where the pipeline runs. While there is this computer only, that is said, and a click tells how there would be more; else it is a choice,
// remembered in the notebook, and what the chosen place answers is told in words.
import { homeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';
import { setRunner } from '../editing';
import { localRunner, offeredRunners, runnerName } from '../runners';
import { usePanel } from './context';
import { ClusterCheck, PlaceForm } from './place';
import { useSignal } from './signals';

interface RunnerChoiceProps {
  /** whether it is told how there would be more to choose from */
  readonly isExplained: boolean;
  readonly onExplain: (isExplained: boolean) => void;
}

export function RunnerChoice({ isExplained, onExplain }: RunnerChoiceProps): React.JSX.Element {
  const { pipeline, runners, trans } = usePanel();
  useSignal(runners.changed);
  const { runner, place } = pipeline;
  React.useEffect(() => void runners.ask(runner, place), [runners, runner, JSON.stringify(place)]);
  const offered = offeredRunners(runners.all, pipeline.runner);
  if (offered.length === 1) {
    return (
      <button
        type="button"
        className="jp-Sluice-runner"
        title={trans.__('Runs on this computer, in the notebook’s own environment.')}
        aria-expanded={isExplained}
        onClick={() => onExplain(!isExplained)}
      >
        <homeIcon.react tag="span" width="12px" height="12px" />
        {trans.__('Local')}
      </button>
    );
  }
  return (
    <select
      className="jp-Sluice-select jp-Sluice-runnerChoice"
      aria-label={trans.__('Run on')}
      title={trans.__('Run on %1', runnerName(pipeline.runner, trans))}
      value={pipeline.runner}
      onChange={({ target }) => setRunner(pipeline, target.value === localRunner ? undefined : target.value)}
    >
      {offered.map(name => (
        <option key={name} value={name}>
          {runnerName(name, trans)}
        </option>
      ))}
    </select>
  );
}

/** How there would be more than this computer. */
export function RunnerHelp(): React.JSX.Element | null {
  const { pipeline, runners, trans } = usePanel();
  const [hasLooked, setLooked] = React.useState(false);
  useSignal(runners.changed);
  if (offeredRunners(runners.all, pipeline.runner).length > 1) return null;
  return (
    <div className="jp-Sluice-headerNote">
      {trans.__(
        'Runs on this computer. To run on a cluster as well, put its kubeconfig at ~/.kube/config and look again; or start Jupyter with SLUICE_KFP_URL set to the address of a Kubeflow.'
      )}{' '}
      <button
        type="button"
        className="jp-Sluice-link"
        aria-disabled={runners.isAsking}
        onClick={() => void runners.askAgain(pipeline.runner, pipeline.place).then(() => setLooked(true))}
      >
        {runners.isAsking ? trans.__('Looking …') : trans.__('Look again')}
      </button>{' '}
      <span role="status">{hasLooked && !runners.isAsking && trans.__('None was found.')}</span>
    </div>
  );
}

/** Whether the chosen place can be reached; nothing where that is here. */
export function RunnerState(): React.JSX.Element | null {
  const { pipeline, runners, trans } = usePanel();
  const [isOpen, setOpen] = React.useState(false);
  const [isChecked, setChecked] = React.useState(false);
  useSignal(runners.changed);
  const { runner, place } = pipeline;
  const isKnown = runners.isAsking || runners.all.length > 0;
  if (runner === localRunner || !isKnown) return null;
  const info = runners.all.find(({ name }) => name === runner);
  const problem = info
    ? info.problem
    : trans.__('The notebook wants to run on ‘%1’, which Sluice does not know. Choose another place.', runner);
  const text = runners.isAsking
    ? trans.__('Asking %1 …', runnerName(runner, trans))
    : info?.isReady
      ? trans.__('Ready: %1.', info.label)
      : problem;
  return (
    <>
      <div className="jp-Sluice-headerNote" data-ready={runners.isAsking || info?.isReady === true}>
        <span role="status">{text}</span>{' '}
        <span className="jp-Sluice-links">
          {!runners.isAsking && !info?.isReady && (
            <button type="button" className="jp-Sluice-link" onClick={() => void runners.askAgain(runner, place)}>
              {trans.__('Try again')}
            </button>
          )}
          {info && (
            <>
              <Toggle
                text={trans.__('Change')}
                label={trans.__('Change where it runs')}
                title={trans.__('Context, namespace, volume and snapshots')}
                isOn={isOpen}
                set={setOpen}
              />
              <Toggle
                text={trans.__('Check')}
                label={trans.__('Check the cluster')}
                title={trans.__('Whether it has what a run needs, and whether you may use it')}
                isOn={isChecked}
                set={setChecked}
              />
            </>
          )}
        </span>
      </div>
      {info && isOpen && <PlaceForm info={info} />}
      {isChecked && <ClusterCheck key={JSON.stringify([runner, place])} runner={runner} place={place} />}
    </>
  );
}

interface ToggleProps {
  readonly text: string;
  readonly label: string;
  readonly title: string;
  readonly isOn: boolean;
  readonly set: (isOn: boolean) => void;
}

/** A link that shows something below, and hides it again. */
function Toggle({ text, label, title, isOn, set }: ToggleProps): React.JSX.Element {
  return (
    <button
      type="button"
      className="jp-Sluice-link"
      aria-label={label}
      title={title}
      aria-expanded={isOn}
      onClick={() => set(!isOn)}
    >
      {text}
    </button>
  );
}
