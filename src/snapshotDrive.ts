// Snapshots as a drive of JupyterLab’s, for reading only: a file of a snapshot opens in whatever viewer JupyterLab has for its kind. Paths are
// `SNAPSHOT/path/in/the/workspace`.
import { PathExt } from '@jupyterlab/coreutils';
import { ServerConnection, type Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Client } from './client';

export class SnapshotDrive implements Contents.IDrive {
  readonly name = 'SluiceSnapshot';
  readonly serverSettings = ServerConnection.makeSettings();

  constructor(
    private readonly client: Client,
    private readonly trans: TranslationBundle
  ) {}

  /** Never emitted: snapshots do not change. */
  get fileChanged(): ISignal<this, Contents.IChangedArgs> {
    return this._fileChanged;
  }

  /** The path by which JupyterLab’s commands open the file. */
  pathOf(snapshot: string, path: string): string {
    return `${this.name}:${snapshot}/${path}`;
  }

  async get(localPath: string, options: Contents.IFetchOptions = {}): Promise<Contents.IModel> {
    const [snapshot, path] = split(localPath);
    if (options.type === 'directory' || path === '') return this.getFolder(snapshot, path);
    const isNotebook = (options.type ?? typeOf(path)) === 'notebook';
    const model = toModel(localPath, isNotebook ? 'notebook' : 'file');
    if (options.content === false) return model;
    const blob = await this.client.getFile(snapshot, path);
    if (isNotebook) return { ...model, format: 'json', content: JSON.parse(await blob.text()) };
    if (options.format === 'base64') return { ...model, format: 'base64', content: await toBase64(blob) };
    return { ...model, format: 'text', content: await blob.text() };
  }

  async getDownloadUrl(localPath: string): Promise<string> {
    return URL.createObjectURL(await this.client.getFile(...split(localPath)));
  }

  listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return Promise.resolve([]);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private async getFolder(snapshot: string, folder: string): Promise<Contents.IModel> {
    const files = await this.client.listFiles(snapshot, folder);
    const content = files.map(({ path, kind }) =>
      toModel(`${snapshot}/${path}`, kind === 'folder' ? 'directory' : typeOf(path))
    );
    return { ...toModel(`${snapshot}/${folder}`, 'directory'), format: 'json', content };
  }

  private readonly refuse = (): Promise<never> =>
    Promise.reject(new Error(this.trans.__('A snapshot cannot be changed. Restore the file, then change it.')));

  newUntitled = this.refuse;
  delete = this.refuse;
  rename = this.refuse;
  save = this.refuse;
  copy = this.refuse;
  createCheckpoint = this.refuse;
  restoreCheckpoint = this.refuse;
  deleteCheckpoint = this.refuse;

  private _isDisposed = false;
  private readonly _fileChanged = new Signal<this, Contents.IChangedArgs>(this);
}

function split(localPath: string): [snapshot: string, path: string] {
  const at = localPath.indexOf('/');
  return at < 0 ? [localPath, ''] : [localPath.slice(0, at), localPath.slice(at + 1)];
}

function typeOf(path: string): 'notebook' | 'file' {
  return PathExt.extname(path) === '.ipynb' ? 'notebook' : 'file';
}

// A snapshot’s own time says nothing of its files’.
function toModel(path: string, type: Contents.ContentType): Contents.IModel {
  const moment = new Date(0).toISOString();
  return {
    name: PathExt.basename(path),
    path,
    type,
    writable: false,
    created: moment,
    last_modified: moment,
    mimetype: '',
    content: null,
    format: null
  };
}

async function toBase64(blob: Blob): Promise<string> {
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result as string);
    reader.onerror = () => reject(reader.error!);
    reader.readAsDataURL(blob);
  });
  return url.slice(url.indexOf(',') + 1);
}
