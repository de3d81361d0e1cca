// The files of a run: the folder as it stood at its start and after each step, what each step changed in it, and ways to open, download and
// restore them.
import { caretDownIcon, downloadIcon, fileIcon, folderIcon, undoIcon, type LabIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { formatSize, type RunSummary, type SnapshotDiff, type SnapshotFile, type SnapshotRecord } from '@sluice/core';
import * as React from 'react';
import { listChanges, toMoments, type Change, type Moment } from '../snapshots';
import { CommandIds } from '../tokens';
import { describeFiles, isActive } from '../words';
import { useAnswer } from './answer';
import { usePanel } from './context';

export function Files({ run }: { readonly run: RunSummary }): React.JSX.Element {
  const { client, trans } = usePanel();
  // A run under way takes snapshots as it goes on: whenever a step ends there may be more.
  const ended = run.steps.filter(step => !isActive(step.state)).length;
  const answer = useAnswer(() => client.listSnapshots(run.id), run.id, `${run.state} ${ended}`);
  const moments = React.useMemo(() => (answer && 'value' in answer ? toMoments(answer.value) : []), [answer]);
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
        <MomentRow key={`${moment.when} ${moment.step}`} moment={moment} run={run} />
      ))}
    </div>
  );
}

interface MomentProps {
  readonly moment: Moment;
  readonly run: RunSummary;
}

function MomentRow({ moment, run }: MomentProps): React.JSX.Element {
  const { client, commands, trans } = usePanel();
  const { snapshot, when, step, earlier } = moment;
  const [isOpen, setOpen] = React.useState(false);
  const answer = useAnswer<SnapshotDiff | undefined>(
    () => (earlier ? client.compareSnapshots(earlier.id, snapshot.id) : Promise.resolve(undefined)),
    `${earlier?.id} ${snapshot.id}`
  );
  const diff = answer && 'value' in answer ? answer.value : undefined;
  const { name, restoreTitle } = momentWords(when, step ?? '', run, trans);
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
          <span className="jp-Sluice-fileName">{name}</span>
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
      {isOpen && (
        <div className="jp-Sluice-momentBody">
          {diff && <Changes diff={diff} moment={moment} run={run} />}
          {answer && 'error' in answer && <p className="jp-Sluice-note">{answer.error}</p>}
          <Folder path="" name={trans.__('All files')} snapshot={snapshot} run={run} startsOpen={!earlier} />
        </div>
      )}
    </div>
  );
}

function momentWords(
  when: Moment['when'],
  step: string,
  { number }: RunSummary,
  trans: TranslationBundle
): { readonly name: string; readonly restoreTitle: string } {
  switch (when) {
    case 'start':
      return {
        name: trans.__('At the start'),
        restoreTitle: trans.__('Restore all files as at the start of run %1', number)
      };
    case 'before':
      return {
        name: trans.__('Before ‘%1’', step),
        restoreTitle: trans.__('Restore all files as before ‘%1’ in run %2', step, number)
      };
    case 'after':
      return {
        name: trans.__('After ‘%1’', step),
        restoreTitle: trans.__('Restore all files as after ‘%1’ in run %2', step, number)
      };
  }
}

function Counts({ diff }: { readonly diff: SnapshotDiff }): React.JSX.Element {
  const { trans } = usePanel();
  const { added, changed, removed } = diff;
  const parts = [
    ...(added.length > 0 ? [trans.__('%1 added', added.length)] : []),
    ...(changed.length > 0 ? [trans.__('%1 changed', changed.length)] : []),
    ...(removed.length > 0 ? [trans.__('%1 removed', removed.length)] : [])
  ];
  return <>{parts.length > 0 ? parts.join(', ') : trans.__('no changes')}</>;
}

const mostChanges = 100;
const marks = { added: '+', changed: '~', removed: '−' } as const;

function Changes({ diff, moment, run }: MomentProps & { readonly diff: SnapshotDiff }): React.JSX.Element {
  const { trans } = usePanel();
  const changes = React.useMemo(() => listChanges(diff), [diff]);
  return (
    <>
      {changes.slice(0, mostChanges).map(change => (
        <ChangedFile key={change.path} change={change} moment={moment} run={run} />
      ))}
      {changes.length > mostChanges && (
        <p className="jp-Sluice-note">{trans.__('and %1 more', changes.length - mostChanges)}</p>
      )}
    </>
  );
}

/** A file that is gone is shown as it was before. */
function ChangedFile({ change, moment, run }: MomentProps & { readonly change: Change }): React.JSX.Element {
  const { trans } = usePanel();
  const { path, kind } = change;
  const snapshot = kind === 'removed' ? moment.earlier! : moment.snapshot;
  const words = { added: trans.__('added'), changed: trans.__('changed'), removed: trans.__('removed') };
  return (
    <File path={path} name={path} snapshot={snapshot} run={run}>
      <span className="jp-Sluice-fileMark" data-kind={kind} title={words[kind]} aria-label={words[kind]} role="img">
        {marks[kind]}
      </span>
    </File>
  );
}

interface FolderProps {
  readonly path: string;
  readonly name: string;
  readonly snapshot: SnapshotRecord;
  readonly run: RunSummary;
  readonly startsOpen?: boolean;
}

function Folder({ path, name, snapshot, run, startsOpen = false }: FolderProps): React.JSX.Element {
  const [isOpen, setOpen] = React.useState(startsOpen);
  return (
    <div>
      <div className="jp-Sluice-fileRow">
        <button type="button" className="jp-Sluice-momentName" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <caretDownIcon.react tag="span" className="jp-Sluice-caret" width="14px" height="14px" />
          <folderIcon.react tag="span" className="jp-Sluice-fileIcon" width="14px" height="14px" />
          <span className="jp-Sluice-fileName">{name}</span>
        </button>
      </div>
      {isOpen && <FolderFiles path={path} snapshot={snapshot} run={run} />}
    </div>
  );
}

function FolderFiles({ path, snapshot, run }: Omit<FolderProps, 'name'>): React.JSX.Element {
  const { client, trans } = usePanel();
  const answer = useAnswer(() => client.listFiles(snapshot.id, path), `${snapshot.id} ${path}`);
  const files = React.useMemo(() => (answer && 'value' in answer ? sortFiles(answer.value) : []), [answer]);
  return (
    <div className="jp-Sluice-folderBody">
      {answer && 'error' in answer && <p className="jp-Sluice-note">{answer.error}</p>}
      {answer && 'value' in answer && files.length === 0 && <p className="jp-Sluice-note">{trans.__('Empty.')}</p>}
      {files.map(file => {
        const name = file.path.slice(file.path.lastIndexOf('/') + 1);
        return file.kind === 'folder' ? (
          <Folder key={file.path} path={file.path} name={name} snapshot={snapshot} run={run} />
        ) : (
          <File key={file.path} path={file.path} name={name} snapshot={snapshot} run={run} bytes={file.bytes}>
            <fileIcon.react tag="span" className="jp-Sluice-fileIcon" width="14px" height="14px" />
          </File>
        );
      })}
    </div>
  );
}

/** Folders first, as in JupyterLab's own file browser. */
function sortFiles(files: readonly SnapshotFile[]): readonly SnapshotFile[] {
  const rank = ({ kind }: SnapshotFile): number => (kind === 'folder' ? 0 : 1);
  return [...files].sort((a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path));
}

interface FileProps {
  readonly path: string;
  readonly name: string;
  readonly snapshot: SnapshotRecord;
  readonly run: RunSummary;
  readonly bytes?: number;
  /** the sign before its name */
  readonly children: React.ReactNode;
}

function File({ path, name, snapshot, run, bytes, children }: FileProps): React.JSX.Element {
  const { commands, trans } = usePanel();
  const args = { snapshot: snapshot.id, path, run: run.id };
  return (
    <div className="jp-Sluice-fileRow">
      {children}
      <button
        type="button"
        className="jp-Sluice-fileName jp-Sluice-link"
        title={trans.__('Open ‘%1’ as it was', path)}
        onClick={() => void commands.execute(CommandIds.openFile, args)}
      >
        {name}
      </button>
      {bytes !== undefined && <span className="jp-Sluice-fileAside">{formatSize(bytes)}</span>}
      <Action
        icon={downloadIcon}
        label={trans.__('Download ‘%1’', path)}
        onClick={() => void commands.execute(CommandIds.downloadFile, args)}
      />
      <Action
        icon={undoIcon}
        label={trans.__('Restore ‘%1’…', path)}
        onClick={() =>
          void commands.execute(CommandIds.restoreFiles, {
            ...args,
            files: 1,
            title: trans.__('Restore ‘%1’ of run %2', path, run.number)
          })
        }
      />
    </div>
  );
}

interface ActionProps {
  readonly icon: LabIcon;
  readonly label: string;
  readonly onClick: () => void;
}

/** Shown while its row is pointed at or has the focus. */
function Action({ icon: Icon, label, onClick }: ActionProps): React.JSX.Element {
  return (
    <button type="button" className="jp-Sluice-action" title={label} aria-label={label} onClick={onClick}>
      <Icon.react tag="span" width="12px" height="12px" />
    </button>
  );
}
