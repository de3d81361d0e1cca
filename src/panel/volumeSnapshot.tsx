// A snapshot of a volume, opened: what changed on the volume since another one, a new volume made of it, and the run taken up again on the volume
// as it was. Each says in its place what it is at and what came of it, and the same as commands for a terminal.
import type { RestoredVolume, RunSummary, SnapshotDiff, VolumeSnapshotInfo } from '@sluice/core';
import * as React from 'react';
import { hasValuesFor } from '../cells/menu';
import { divideDiff, listChanges, type VolumeDiff } from '../snapshots';
import { CommandIds } from '../tokens';
import { isActive } from '../words';
import { usePanel } from './context';
import { ChangeMark, mostChanges } from './files';
import { useWork, type Work } from './work';

interface SnapshotProps {
  readonly snapshot: VolumeSnapshotInfo;
  readonly run: RunSummary;
}

export interface VolumeSnapshotProps extends SnapshotProps {
  /** that it can be compared with, by what they are called */
  readonly others: readonly (readonly [words: string, snapshot: VolumeSnapshotInfo])[];
}

export function VolumeSnapshot({ snapshot, run, others }: VolumeSnapshotProps): React.JSX.Element {
  const { trans } = usePanel();
  const { name, claim, kind, error, isReady } = snapshot;
  const [since, setSince] = React.useState('');
  const [volume, setVolume] = React.useState(() => proposeName(snapshot, run));
  return (
    <div className="jp-Sluice-momentBody">
      {error !== undefined && <p className="jp-Sluice-problem">{error}</p>}
      {claim !== undefined && (
        <p className="jp-Sluice-note">
          {kind === 'clone' ? trans.__('A copy of the volume ‘%1’.', claim) : trans.__('Of the volume ‘%1’.', claim)}
        </p>
      )}
      {isReady && (
        <>
          {others.length > 0 && (
            <Comparing snapshot={snapshot} run={run} others={others} since={since} onSince={setSince} />
          )}
          <Restoring snapshot={snapshot} run={run} volume={volume} onVolume={setVolume} />
          <RunAgain snapshot={snapshot} run={run} />
        </>
      )}
      <p className="jp-Sluice-note">{trans.__('The same in a terminal:')}</p>
      <pre className="jp-Sluice-log" tabIndex={0} role="region" aria-label={trans.__('Commands')}>
        {commandsFor(name, since, volume, run).join('\n')}
      </pre>
    </div>
  );
}

interface ComparingProps extends VolumeSnapshotProps {
  /** name of the other one; empty: none yet */
  readonly since: string;
  readonly onSince: (name: string) => void;
}

function Comparing({ snapshot, run, others, since, onSince }: ComparingProps): React.JSX.Element {
  const { client, trans } = usePanel();
  const [work, start] = useWork<SnapshotDiff>();
  const isReady = since !== '' && work?.kind !== 'running';
  const compare = (): void =>
    start((notice, signal) => client.compareVolumes(run.id, [since, snapshot.name], notice, signal));
  const choose = (name: string): void => {
    onSince(name);
    start(undefined);
  };
  return (
    <>
      <div className="jp-Sluice-volumeLine">
        <label className="jp-Sluice-since">
          {trans.__('Changes since')}
          <select className="jp-Sluice-select" value={since} onChange={({ target }) => choose(target.value)}>
            <option value="">–</option>
            {others.map(([words, other]) => (
              <option key={other.name} value={other.name}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          className="jp-Sluice-button"
          title={trans.__('A pod on the cluster looks into both, which takes up to a minute.')}
          aria-disabled={!isReady}
          onClick={() => isReady && compare()}
        >
          {trans.__('Compare')}
        </button>
      </div>
      <Outcome work={work} onStop={() => start(undefined)}>
        {diff => <VolumeChanges {...divideDiff(diff, isOwn(snapshot, run) ? run.remote : undefined)} />}
      </Outcome>
    </>
  );
}

/** By path. The files themselves are on the cluster. */
function VolumeChanges({ files, runFiles }: VolumeDiff): React.JSX.Element {
  const { trans } = usePanel();
  const changes = listChanges(files);
  return (
    <>
      {changes.length === 0 && <div>{trans.__('No file differs.')}</div>}
      <ul className="jp-Sluice-list" aria-label={trans.__('Changed files')}>
        {changes.slice(0, mostChanges).map(change => (
          <li key={change.path} className="jp-Sluice-fileRow">
            <ChangeMark kind={change.kind} />
            <span className="jp-Sluice-fileName" title={change.path}>
              {change.path}
            </span>
          </li>
        ))}
        {changes.length > mostChanges && <li>{trans.__('and %1 more', changes.length - mostChanges)}</li>}
      </ul>
      {runFiles > 0 && (
        <div className="jp-Sluice-note">
          {trans._n(
            'Besides, %1 file of values and notebooks.',
            'Besides, %1 files of values and notebooks.',
            runFiles
          )}
        </div>
      )}
    </>
  );
}

interface RestoringProps extends SnapshotProps {
  /** the new claim's name */
  readonly volume: string;
  readonly onVolume: (name: string) => void;
}

function Restoring({ snapshot, run, volume, onVolume }: RestoringProps): React.JSX.Element {
  const { client, trans } = usePanel();
  const [work, start] = useWork<RestoredVolume>();
  const id = React.useId();
  const name = volume.trim();
  const isNamed = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name);
  const isReady = isNamed && work?.kind !== 'running';
  const restore = (): void => {
    if (isReady) start(notice => client.restoreVolume(run.id, snapshot.name, name, notice));
  };
  return (
    <>
      <div className="jp-Sluice-volumeLine">
        <label className="jp-Sluice-since">
          {trans.__('New volume')}
          <input
            type="text"
            className="jp-mod-styled"
            spellCheck={false}
            value={volume}
            aria-invalid={!isNamed}
            aria-describedby={isNamed ? undefined : `${id}problem`}
            onChange={({ target }) => {
              onVolume(target.value);
              if (work?.kind !== 'running') start(undefined);
            }}
            onKeyDown={event => event.key === 'Enter' && restore()}
          />
        </label>
        <button
          type="button"
          className="jp-Sluice-button"
          title={trans.__('A new volume that holds what the snapshot holds; the one it was taken of is left alone.')}
          aria-disabled={!isReady}
          onClick={restore}
        >
          {trans.__('Restore')}
        </button>
      </div>
      {!isNamed && (
        <p id={`${id}problem`} className="jp-Sluice-problem" role="status">
          {trans.__(
            'A volume’s name has small letters, digits and hyphens, and begins and ends with a letter or digit.'
          )}
        </p>
      )}
      <Outcome work={work}>
        {({ claim, namespace }) =>
          trans.__(
            'The volume ‘%1’ in namespace ‘%2’ holds what the snapshot holds. Attach it to a notebook server, or give it to a step: %1:/path under Volumes in the step’s settings.',
            claim,
            namespace
          )
        }
      </Outcome>
    </>
  );
}

interface OutcomeProps<T> {
  readonly work: Work<T>;
  readonly onStop?: () => void;
  readonly children: (result: T) => React.ReactNode;
}

/** What it is at, what went wrong, or what came of it. */
function Outcome<T>({ work, onStop, children }: OutcomeProps<T>): React.JSX.Element {
  const { trans } = usePanel();
  return (
    <div role="status" className={work?.kind === 'failed' ? 'jp-Sluice-problem' : 'jp-Sluice-outcome'}>
      {work?.kind === 'running' && (
        <>
          {work.notice ?? trans.__('Asking the cluster …')}{' '}
          {onStop && (
            <button type="button" className="jp-Sluice-link" onClick={onStop}>
              {trans.__('Stop')}
            </button>
          )}
        </>
      )}
      {work?.kind === 'failed' && work.message}
      {work?.kind === 'done' && children(work.result)}
    </div>
  );
}

/** Whether it is of the volume that the run itself worked on. */
function isOwn({ claim }: VolumeSnapshotInfo, { remote }: RunSummary): boolean {
  return claim === (remote?.place['claim'] ?? remote?.id);
}

/** Only a snapshot of the run's own volume before a step is what that step found. */
function RunAgain({ snapshot, run }: SnapshotProps): React.JSX.Element | null {
  const { pipeline, commands, trans } = usePanel();
  const { moment, step } = snapshot;
  if (moment !== 'before' || step === undefined || !isOwn(snapshot, run) || isActive(run.state)) return null;
  const args = { step, resume: run.id };
  const obstacle = !pipeline.outline.steps.some(({ name }) => name === step)
    ? trans.__('The notebook has no step ‘%1’ any more.', step)
    : hasValuesFor(pipeline, run, step)
      ? pipeline.obstacle
      : trans.__('Run %1 lacks values that ‘%2’ needs.', run.number, step);
  const isEnabled = obstacle === undefined && commands.isEnabled(CommandIds.runFrom, args);
  return (
    <button
      type="button"
      className="jp-Sluice-button"
      title={obstacle ?? trans.__('The step and all that depend on it, on a copy of the volume as it was then.')}
      aria-disabled={!isEnabled}
      onClick={() => isEnabled && void commands.execute(CommandIds.runFrom, args)}
    >
      {trans.__('Run again from ‘%1’', step)}
    </button>
  );
}

/** `run-3-before-train` */
function proposeName({ moment, step }: VolumeSnapshotInfo, { number }: RunSummary): string {
  return ['run', String(number), moment, step]
    .filter(part => part !== undefined)
    .join('-')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/-+$/, '');
}

function commandsFor(name: string, since: string, volume: string, { remote }: RunSummary): readonly string[] {
  const { context, namespace } = remote?.place ?? {};
  const place = `${context ? ` --context ${context}` : ''}${namespace ? ` -n ${namespace}` : ''}`;
  const snapshots = 'sluice cluster snapshots';
  return [
    since === '' ? `${snapshots} files ${name}${place}` : `${snapshots} diff ${since} ${name}${place}`,
    `${snapshots} restore ${name} --to ${volume.trim()}${place}`
  ];
}
