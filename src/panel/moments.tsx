// The snapshots of a run: the folder as it stood at its start and after each step, what changed in it since another of them, and a way to
// restore it as a whole.
import { caretDownIcon, undoIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunSummary, SnapshotDiff, SnapshotRecord } from '@sluice/core';
import * as React from 'react';
import { toMoments, type Moment } from '../snapshots';
import { CommandIds } from '../tokens';
import { describeFiles, isActive } from '../words';
import { useAnswer } from './answer';
import { usePanel } from './context';
import { Action, Changes, Counts, Folder } from './files';

export function Files({ run }: { readonly run: RunSummary }): React.JSX.Element {
  const { client, trans } = usePanel();
  // A run under way takes snapshots as it goes on: whenever a step ends there may be more.
  const ended = run.steps.filter(step => !isActive(step.state)).length;
  const answer = useAnswer(() => client.listSnapshots(run.id), run.id, `${run.state} ${ended}`);
  const snapshots = answer && 'value' in answer ? answer.value : none;
  const moments = React.useMemo(() => toMoments(snapshots), [snapshots]);
  const id = React.useId();
  return (
    <div className="jp-Sluice-files" role="group" aria-labelledby={id}>
      <h4 id={id} className="jp-Sluice-filesTitle">
        {trans.__('Files')}
      </h4>
      {answer && 'error' in answer && <p className="jp-Sluice-note">{answer.error}</p>}
      {answer && 'value' in answer && moments.length === 0 && (
        <p className="jp-Sluice-note">{trans.__('This run took no snapshot of its files.')}</p>
      )}
      {moments.map(moment => (
        <MomentRow key={`${moment.when} ${moment.step}`} moment={moment} run={run} snapshots={snapshots} />
      ))}
    </div>
  );
}

const none: readonly SnapshotRecord[] = [];

interface MomentProps {
  readonly moment: Moment;
  readonly run: RunSummary;
  /** all that the run has */
  readonly snapshots: readonly SnapshotRecord[];
}

function MomentRow({ moment, run, snapshots }: MomentProps): React.JSX.Element {
  const { commands, trans } = usePanel();
  const { snapshot, earlier } = moment;
  const [isOpen, setOpen] = React.useState(false);
  const { diff } = useDiff(earlier, snapshot);
  const restoreTitle = toRestoreTitle(moment, run, trans);
  const args = { snapshot: snapshot.id, run: run.id, files: snapshot.files, title: restoreTitle };
  return (
    <div className="jp-Sluice-moment">
      <div className="jp-Sluice-fileRow">
        <button
          type="button"
          className="jp-Sluice-momentName"
          aria-expanded={isOpen}
          title={describeFiles(snapshot.files, snapshot.bytes, trans)}
          onClick={() => setOpen(!isOpen)}
        >
          <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
          <span className="jp-Sluice-fileName">{nameOf(snapshot, trans)}</span>
          <span
            className="jp-Sluice-fileAside"
            title={diff && trans.__('What changed in the folder while the step ran')}
          >
            {diff ? <Counts diff={diff} /> : !earlier && describeFiles(snapshot.files, snapshot.bytes, trans)}
          </span>
        </button>
        <Action
          icon={undoIcon}
          label={trans.__('%1…', restoreTitle)}
          onClick={() => void commands.execute(CommandIds.restoreFiles, args)}
        />
      </div>
      {isOpen && <MomentBody moment={moment} run={run} snapshots={snapshots} />}
    </div>
  );
}

/** What changed since the snapshot before it, or another that one chooses; and all its files. */
function MomentBody({ moment, run, snapshots }: MomentProps): React.JSX.Element {
  const { trans } = usePanel();
  const { snapshot, earlier } = moment;
  const groups = useOthers(snapshot, run, snapshots);
  const [chosen, setChosen] = React.useState(earlier?.id ?? '');
  const before = groups.flatMap(group => group.snapshots).find(other => other.id === chosen);
  const { diff, error } = useDiff(before, snapshot);
  return (
    <div className="jp-Sluice-momentBody">
      <label className="jp-Sluice-since">
        {trans.__('Changes since')}
        <select className="jp-Sluice-select" value={chosen} onChange={({ target }) => setChosen(target.value)}>
          <option value="">–</option>
          {groups.map(({ number, snapshots: ofRun }) => (
            <optgroup key={number} label={trans.__('Run %1', number)}>
              {ofRun.map(other => (
                <option key={other.id} value={other.id}>
                  {other.run === run.id ? nameOf(other, trans) : trans.__('%1, run %2', nameOf(other, trans), number)}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </label>
      {error !== undefined && <p className="jp-Sluice-note">{error}</p>}
      {before && diff && <Changes diff={diff} before={before} after={snapshot} run={run} />}
      <Folder path="" name={trans.__('All files')} snapshot={snapshot} run={run} startsOpen={!earlier} />
    </div>
  );
}

interface SnapshotGroup {
  /** of the run */
  readonly number: number;
  readonly snapshots: readonly SnapshotRecord[];
}

const otherRuns = 5;

/** What a snapshot can be compared with: the others of its run, and those of the runs before and after it. */
function useOthers(
  { id }: SnapshotRecord,
  run: RunSummary,
  snapshots: readonly SnapshotRecord[]
): readonly SnapshotGroup[] {
  const { client, pipeline } = usePanel();
  const others = pipeline.runs.all.filter(other => other.id !== run.id && !isActive(other.state)).slice(0, otherRuns);
  const answer = useAnswer(
    () => Promise.all(others.map(other => client.listSnapshots(other.id))),
    others.map(other => other.id).join(' ')
  );
  const lists = answer && 'value' in answer ? answer.value : [];
  return [
    { number: run.number, snapshots: snapshots.filter(other => other.id !== id) },
    ...others.map(({ number }, i) => ({
      number,
      snapshots: toMoments(lists[i] ?? []).map(moment => moment.snapshot)
    }))
  ].filter(group => group.snapshots.length > 0);
}

interface Difference {
  readonly diff?: SnapshotDiff;
  readonly error?: string;
}

function useDiff(before: SnapshotRecord | undefined, after: SnapshotRecord): Difference {
  const { client } = usePanel();
  const answer = useAnswer<SnapshotDiff | undefined>(
    () => (before ? client.compareSnapshots(before.id, after.id) : Promise.resolve(undefined)),
    `${before?.id} ${after.id}`
  );
  if (!answer) return {};
  if ('error' in answer) return answer;
  return answer.value === undefined ? {} : { diff: answer.value };
}

function nameOf({ moment, step = '' }: SnapshotRecord, trans: TranslationBundle): string {
  switch (moment) {
    case 'start':
      return trans.__('At the start');
    case 'before':
      return trans.__('Before ‘%1’', step);
    case 'after':
      return trans.__('After ‘%1’', step);
    case 'safety':
      return trans.__('Before restoring');
  }
}

function toRestoreTitle({ when, step = '' }: Moment, { number }: RunSummary, trans: TranslationBundle): string {
  switch (when) {
    case 'start':
      return trans.__('Restore all files as at the start of run %1', number);
    case 'before':
      return trans.__('Restore all files as before ‘%1’ in run %2', step, number);
    case 'after':
      return trans.__('Restore all files as after ‘%1’ in run %2', step, number);
  }
}
