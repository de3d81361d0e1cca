// Files as they stand in a snapshot: what changed between two of them, or folder by folder; with ways to open, download and restore each.
import { caretDownIcon, downloadIcon, fileIcon, folderIcon, undoIcon, type LabIcon } from '@jupyterlab/ui-components';
import { formatSize, type RunSummary, type SnapshotDiff, type SnapshotFile, type SnapshotRecord } from '@sluice/core';
import * as React from 'react';
import { listChanges, type Change, type ChangeKind } from '../snapshots';
import { CommandIds } from '../tokens';
import { useAnswer } from './answer';
import { usePanel } from './context';

export function Counts({ diff }: { readonly diff: SnapshotDiff }): React.JSX.Element {
  const { trans } = usePanel();
  const { added, changed, removed } = diff;
  const parts = [
    ...(added.length > 0 ? [trans.__('%1 added', added.length)] : []),
    ...(changed.length > 0 ? [trans.__('%1 changed', changed.length)] : []),
    ...(removed.length > 0 ? [trans.__('%1 removed', removed.length)] : [])
  ];
  return <>{parts.length > 0 ? parts.join(', ') : trans.__('no changes')}</>;
}

export const mostChanges = 100;
const marks = { added: '+', changed: '~', removed: '−' } as const;

interface ChangesProps {
  readonly diff: SnapshotDiff;
  readonly before: SnapshotRecord;
  readonly after: SnapshotRecord;
  readonly run: RunSummary;
}

export function Changes({ diff, before, after, run }: ChangesProps): React.JSX.Element {
  const { trans } = usePanel();
  const changes = React.useMemo(() => listChanges(diff), [diff]);
  return (
    <>
      {changes.length === 0 && <p className="jp-Sluice-note">{trans.__('No changes.')}</p>}
      {changes.slice(0, mostChanges).map(change => (
        // A file that is gone is shown as it was before.
        <ChangedFile
          key={change.path}
          change={change}
          snapshot={change.kind === 'removed' ? before : after}
          run={run}
        />
      ))}
      {changes.length > mostChanges && (
        <p className="jp-Sluice-note">{trans.__('and %1 more', changes.length - mostChanges)}</p>
      )}
    </>
  );
}

interface ChangedFileProps {
  readonly change: Change;
  readonly snapshot: SnapshotRecord;
  readonly run: RunSummary;
}

function ChangedFile({ change: { path, kind }, snapshot, run }: ChangedFileProps): React.JSX.Element {
  return (
    <File path={path} name={path} snapshot={snapshot} run={run}>
      <ChangeMark kind={kind} />
    </File>
  );
}

export function ChangeMark({ kind }: { readonly kind: ChangeKind }): React.JSX.Element {
  const { trans } = usePanel();
  const words = { added: trans.__('added'), changed: trans.__('changed'), removed: trans.__('removed') };
  return (
    <span className="jp-Sluice-fileMark" data-kind={kind} title={words[kind]} aria-label={words[kind]} role="img">
      {marks[kind]}
    </span>
  );
}

interface FolderProps {
  readonly path: string;
  readonly name: string;
  readonly snapshot: SnapshotRecord;
  readonly run: RunSummary;
  readonly startsOpen?: boolean;
}

export function Folder({ path, name, snapshot, run, startsOpen = false }: FolderProps): React.JSX.Element {
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
export function Action({ icon: Icon, label, onClick }: ActionProps): React.JSX.Element {
  return (
    <button type="button" className="jp-Sluice-action" title={label} aria-label={label} onClick={onClick}>
      <Icon.react tag="span" width="12px" height="12px" />
    </button>
  );
}
