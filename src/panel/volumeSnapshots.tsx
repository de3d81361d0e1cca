// The snapshots of volumes that a run left on its cluster, in time's order; each can be opened.
import { caretDownIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunSummary, VolumeSnapshotInfo } from '@sluice/core';
import * as React from 'react';
import { formatMoment, isActive } from '../words';
import { useAnswer } from './answer';
import { usePanel } from './context';
import { VolumeSnapshot, type VolumeSnapshotProps } from './volumeSnapshot';

export function VolumeSnapshots({ run }: { readonly run: RunSummary }): React.JSX.Element {
  const { client, trans } = usePanel();
  const ended = run.steps.filter(step => !isActive(step.state)).length;
  const answer = useAnswer(() => client.listVolumeSnapshots(run.id), run.id, `${run.state} ${ended}`);
  const [chosen, setChosen] = React.useState<string>();
  const id = React.useId();
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
            {...{ snapshot, run }}
            others={answer.value
              .filter(other => other.isReady && other.name !== snapshot.name && other.claim === snapshot.claim)
              .map(other => [describeSnapshot(other, trans), other])}
            isOpen={chosen === snapshot.name}
            onToggle={() => setChosen(chosen === snapshot.name ? undefined : snapshot.name)}
          />
        ))}
    </div>
  );
}

interface RowProps extends VolumeSnapshotProps {
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

function Row({ isOpen, onToggle, ...props }: RowProps): React.JSX.Element {
  const { trans } = usePanel();
  const { snapshot } = props;
  const { name, size, at, isReady, error } = snapshot;
  const standing = isReady ? (size ?? '') : error === undefined ? trans.__('not ready yet') : trans.__('failed');
  return (
    <div className="jp-Sluice-moment">
      <div className="jp-Sluice-fileRow">
        <button type="button" className="jp-Sluice-momentName" aria-expanded={isOpen} title={name} onClick={onToggle}>
          <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
          <span className="jp-Sluice-fileName">{describeSnapshot(snapshot, trans)}</span>
          <span className="jp-Sluice-fileAside">
            {[formatMoment(at, new Date()), standing].filter(text => text !== '').join(' · ')}
          </span>
        </button>
      </div>
      {isOpen && <VolumeSnapshot {...props} />}
    </div>
  );
}

function describeSnapshot({ moment, step, name }: VolumeSnapshotInfo, trans: TranslationBundle): string {
  if (moment === 'start') return trans.__('At the start');
  if (step === undefined) return name;
  return moment === 'before' ? trans.__('Before ‘%1’', step) : trans.__('After ‘%1’', step);
}
