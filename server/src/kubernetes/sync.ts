// Files go to a volume as a stream through a pod, one after the other, and only those that are not there yet: beside them the volume has a
// manifest of what was sent to it, with each file's time, size and hash. A volume that is a copy of an earlier run's needs little then.
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { hashFile } from '../cache/hashes.js';
import { PipelineError } from '../errors.js';
import type { Entry, WorkspaceScan } from '../scan.js';
import { at, readLink } from '../snapshots/names.js';
import type { VolumePod } from './transfer.js';

export interface Destination {
  /** where the volume is mounted */
  readonly volume: string;
  /** the folder of it that the files go to */
  readonly folder: string;
  /**
   * `fresh`: afterwards the folder holds what is here and nothing else, and so does the volume but for what is shared by runs. `further`: what
   * steps made of the files stays, unless they were changed here since they were sent.
   */
  readonly mode: 'fresh' | 'further';
}

/** What is to be done with each entry. */
export interface Changes {
  readonly send: readonly Entry[];
  /** there already, as they are here */
  readonly keep: readonly Entry[];
  /** sent once, and not here any more */
  readonly remove: readonly string[];
}

/** One line of the manifest, and whether the volume still has the file like that. */
interface Row {
  readonly path: string;
  readonly kind: Entry['kind'];
  readonly size?: number;
  /** nanoseconds since 1970 */
  readonly mtime?: string;
  readonly sha256?: string;
  readonly target?: string;
  readonly isChanged: boolean;
}

/** Find out what has to be sent. */
export async function findChanges(
  pod: VolumePod,
  { base, entries }: WorkspaceScan,
  { volume, folder, mode }: Destination
): Promise<Changes> {
  const listed: Buffer[] = [];
  await pod.run([lister, volume, folder], undefined, chunk => void listed.push(chunk));
  const lines = Buffer.concat(listed).toString('utf8').split('\n').slice(0, -1);
  const rows = new Map(lines.map(line => JSON.parse(line) as Row).map(row => [row.path, row]));
  const send: Entry[] = [];
  const keep: Entry[] = [];
  for (const entry of entries) {
    const row = rows.get(entry.path);
    const isThere = row !== undefined && !(mode === 'fresh' && row.isChanged) && (await isSame(base, entry, row));
    (isThere ? keep : send).push(entry);
    rows.delete(entry.path);
  }
  const remove = [...rows.values()].filter(({ isChanged }) => mode === 'fresh' || !isChanged).map(({ path }) => path);
  return { send, keep, remove };
}

async function isSame(base: string, { path, kind, stats }: Entry, row: Row): Promise<boolean> {
  if (kind !== row.kind) return false;
  if (kind === 'folder') return true;
  if (kind === 'link') return readLink(at(base, path)) === row.target;
  if (Number(stats.size) !== row.size) return false;
  return String(stats.mtimeNs) === row.mtime || (await hashFile(at(base, path))) === row.sha256;
}

/** Send what has to be sent. `onSent` is told the bytes so far. */
export async function sendChanges(
  pod: VolumePod,
  { base, entries }: WorkspaceScan,
  changes: Changes,
  { volume, folder, mode }: Destination,
  onSent: (bytes: number) => void
): Promise<void> {
  await pod.run([receiver, volume, folder, mode], compress(pack(base, entries, changes, onSent)));
}

// A line of JSON for each entry, then the file's bytes where it is sent; in one gzip stream.
async function* pack(
  base: string,
  entries: readonly Entry[],
  { send, remove }: Changes,
  onSent: (bytes: number) => void
): AsyncIterable<Buffer> {
  const head = (fields: object) => Buffer.from(`${JSON.stringify(fields)}\n`);
  const wanted = new Set(send);
  let sent = 0;
  for (const path of remove) yield head({ path, kind: 'remove' });
  for (const entry of entries) {
    const { path, kind, stats } = entry;
    const place = at(base, path);
    const size = Number(stats.size);
    const mtime = String(stats.mtimeNs);
    if (!wanted.has(entry)) yield head({ path, kind: 'keep', mtime });
    else if (kind === 'folder') yield head({ path, kind });
    else if (kind === 'link') yield head({ path, kind, target: readLink(place) });
    else {
      yield head({ path, kind, size, mode: Number(stats.mode), mtime });
      let read = 0;
      if (size > 0)
        for await (const chunk of createReadStream(place, { end: size - 1 }) as AsyncIterable<Buffer>) {
          read += chunk.length;
          yield chunk;
        }
      if (read < size)
        throw new PipelineError(`‘${path}’ became smaller while it was sent. Run the pipeline again.`, 'storage');
      onSent((sent += size));
    }
  }
  yield head({ kind: 'end' });
}

const compress = (blocks: AsyncIterable<Buffer>): AsyncIterable<Buffer> => {
  const gzip = createGzip({ level: 1 });
  Readable.from(blocks)
    .on('error', error => gzip.destroy(error))
    .pipe(gzip);
  return gzip as AsyncIterable<Buffer>;
};

const manifest = `
import hashlib, json, os, shutil, stat, sys, zlib
volume, root = sys.argv[1:3]
place = os.path.join(volume, ".sluice-sent.json")
try:
    with open(place) as file:
        known = json.load(file)
except (OSError, ValueError):
    known = {}
rows = known.get("rows", {}) if known.get("root") == root else {}
`;

const lister = `${manifest}
def changed(path, row):
    try:
        found = os.lstat(os.path.join(root, path))
    except OSError:
        return True
    if row["kind"] == "folder":
        return not stat.S_ISDIR(found.st_mode)
    if row["kind"] == "link":
        return not stat.S_ISLNK(found.st_mode) or os.readlink(os.path.join(root, path)) != row["target"]
    return not stat.S_ISREG(found.st_mode) or (found.st_size, str(found.st_mtime_ns)) != (row["size"], row["mtime"])
for path, row in rows.items():
    print(json.dumps({"path": path, "isChanged": changed(path, row), **row}))
`;

// Whoever runs in the pod may be another user than the steps are. An interrupted transfer leaves no manifest: then all is sent again.
const receiver = `${manifest}
fresh = sys.argv[3] == "fresh"
os.umask(0)
os.makedirs(root, exist_ok=True)
class Stream:
    # The input does not end: it is read only where nothing is left of what came, which gzip's own reader does not care about.
    def __init__(self):
        self.inflate, self.data = zlib.decompressobj(31), b""
    def more(self):
        block = os.read(0, 8192)
        if not block:
            raise EOFError("the files did not arrive whole")
        self.data += self.inflate.decompress(block)
    def readline(self):
        while b"\\n" not in self.data:
            self.more()
        line, _, self.data = self.data.partition(b"\\n")
        return line
    def read(self, size):
        while not self.data:
            self.more()
        block, self.data = self.data[:size], self.data[size:]
        return block
stream = Stream()
def discard(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)
def receive(path, entry):
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        left = entry["size"]
        while left:
            block = stream.read(left)
            file.write(block)
            digest.update(block)
            left -= len(block)
    os.chmod(path, entry["mode"] & 0o777 | 0o666)
    os.utime(path, ns=(int(entry["mtime"]), int(entry["mtime"])))
    return digest.hexdigest()
try:
    if os.path.lexists(place):
        os.unlink(place)
    now = {}
    while True:
        entry = json.loads(stream.readline())
        kind = entry.pop("kind")
        if kind == "end":
            break
        name = entry.pop("path")
        path = os.path.join(root, name)
        if kind == "remove":
            discard(path)
        elif kind == "keep":
            row = now[name] = dict(rows[name])
            if row["kind"] == "file" and fresh:
                os.utime(path, ns=(int(entry["mtime"]), int(entry["mtime"])))
                row["mtime"] = entry["mtime"]
        else:
            if kind != "folder" or not os.path.isdir(path) or os.path.islink(path):
                discard(path)
            os.makedirs(path if kind == "folder" else os.path.dirname(path), exist_ok=True)
            if kind == "link":
                os.symlink(entry["target"], path)
            elif kind == "file":
                entry["sha256"] = receive(path, entry)
                del entry["mode"]
            now[name] = {"kind": kind, **entry}
    if fresh:
        for folder, folders, files in os.walk(root, topdown=False):
            for name in files + folders:
                path = os.path.join(folder, name)
                if os.path.relpath(path, root) not in now:
                    discard(path)
        for name in os.listdir(volume):
            if name not in ("environments", "lost+found", os.path.basename(root)):
                discard(os.path.join(volume, name))
    with open(place, "w") as file:
        json.dump({"root": root, "rows": now}, file)
except Exception as error:
    sys.exit("%s: %s" % (type(error).__name__, error))
`;
