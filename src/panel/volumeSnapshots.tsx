// The snapshots of volumes that a run left on its cluster, and how one of them becomes a volume again: nothing in the cluster is changed from here.
import { caretDownIcon } from '@jupyterlab/ui-components';
import type { RunSummary, VolumeSnapshotInfo } from '@sluice/core';
import * as React from 'react';
import { formatMoment, isActive } from '../words';
import { useAnswer } from './answer';
import { usePanel } from './context';

export function VolumeSnapshots({ run }: { readonly run: RunSummary }): React.JSX.Element {
  const { client, trans } = usePanel();
  const ended = run.steps.filter(step => !isActive(step.state)).length;
  const answer = useAnswer(() => client.listVolumeSnapshots(run.id), run.id, `${run.state} ${ended}`);
  const [chosen, setChosen] = React.useState<string>();
  const id = React.useId();
  const { context, namespace } = run.remote?.place ?? {};
  const place = [...(context ? [`--context ${context}`] : []), ...(namespace ? [`-n ${namespace}`] : [])].join(' ');
  return (
    <div className="jp-Sluice-files" role="group" aria-labelledby={id}>
      <h4 id={id} className="jp-Sluice-filesTitle">
        {trans.__('Snapshots of volumes')}
      </h4>
      {answer === undefined && <p className="jp-Sluice-note">{trans.__('Asking the cluster …')}</p>}
      {answer && 'error' in answer && <p className="jp-Sluice-note">{answer.error}</p>}
      {answer && 'value' in answer && answer.value.length === 0 && (
        <p className="jp-Sluice-note">{trans.__('There is none of this run on the cluster.')}</p>
      )}
      {answer &&
        'value' in answer &&
        answer.value.map(snapshot => (
          <Row
            key={snapshot.name}
            snapshot={snapshot}
            place={place}
            isOpen={chosen === snapshot.name}
            onToggle={() => setChosen(chosen === snapshot.name ? undefined : snapshot.name)}
          />
        ))}
    </div>
  );
}

interface RowProps {
  readonly snapshot: VolumeSnapshotInfo;
  /** the cluster, as options of a command */
  readonly place: string;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function Row({ snapshot, place, isOpen, onToggle }: RowProps): React.JSX.Element {
  const { trans } = usePanel();
  const { name, claim, kind, size, at, isReady, error } = snapshot;
  const standing = isReady ? (size ?? '') : error === undefined ? trans.__('not ready yet') : trans.__('failed');
  return (
    <div className="jp-Sluice-moment">
      <div className="jp-Sluice-fileRow">
        <button type="button" className="jp-Sluice-momentName" aria-expanded={isOpen} title={name} onClick={onToggle}>
          <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
          <span className="jp-Sluice-fileName">{useWords(snapshot)}</span>
          <span className="jp-Sluice-fileAside">
            {[formatMoment(at, new Date()), standing].filter(text => text !== '').join(' · ')}
          </span>
        </button>
      </div>
      {isOpen && (
        <div className="jp-Sluice-momentBody">
          {error !== undefined && <p className="jp-Sluice-problem">{error}</p>}
          <p className="jp-Sluice-note">
            {claim !== undefined && kind === 'snapshot' && trans.__('Of the volume ‘%1’.', claim)}{' '}
            {trans.__('In a terminal, this makes a volume of it, and the second command lists its files:')}
          </p>
          <pre className="jp-Sluice-log" tabIndex={0} role="region" aria-label={trans.__('Commands')}>
            {`sluice cluster snapshots restore ${name} --to ${trans.__('NEW-VOLUME')} ${place}\nsluice cluster snapshots files ${name} ${place}`}
          </pre>
        </div>
      )}
    </div>
  );
}

function useWords({ moment, step, name }: VolumeSnapshotInfo): string {
  const { trans } = usePanel();
  if (moment === 'start') return trans.__('At the start');
  if (step === undefined) return name;
  return moment === 'before' ? trans.__('Before ‘%1’', step) : trans.__('After ‘%1’', step);
}
