// A step may be forked from a server only where it would be the same process if it were started by itself: the same Python, runtime and
// variables, the same user, limits, namespaces and control groups. All of that together gives a server its address.
import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

/** What all steps of one server have in common. */
export interface ServerSpec {
  readonly home: string;
  readonly python: string;
  /** the program after `-c`, and the packed runtime, as the IR has them */
  readonly boot: string;
  readonly runtime: string;
  readonly env: NodeJS.ProcessEnv;
}

/** variables that differ from terminal to terminal, and that nothing reads while it is imported; template.py has the same list */
const harmless = new Set(
  (
    'PWD OLDPWD SHLVL _ TERM_SESSION_ID WINDOWID COLUMNS LINES SLUICE_FINGERPRINTS SLUICE_LAB_HINT SSH_CLIENT SSH_CONNECTION ' +
    'SSH_TTY SSH_AUTH_SOCK GPG_TTY TMUX TMUX_PANE STY XDG_SESSION_ID DBUS_SESSION_BUS_ADDRESS VSCODE_IPC_HOOK_CLI ' +
    'VSCODE_GIT_IPC_HANDLE MAKEFLAGS MAKELEVEL MFLAGS'
  ).split(' ')
);

/** The server's folder: its socket is in there. */
export function addressOf(spec: ServerSpec, forks: string): string {
  const variables = Object.entries(spec.env)
    .filter(([name]) => !harmless.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const parts = [spec.home, spec.python, spec.boot, spec.runtime, forks, variables, surroundings()];
  const key = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);
  return join(ownFolder(spec.env), key);
}

/** What a process inherits from its starter besides variables, its folder and its mask. */
export function surroundings(pid = process.pid): unknown[] {
  const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8');
  return [
    read('limits').replace(/^(Max open files +)\d+ +/m, '$1'), // Node raises its own to what it may have
    read('cgroup'),
    read('status').match(/^(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|Cpus_allowed|Mems_allowed):.*$/gm),
    ['cgroup', 'ipc', 'mnt', 'net', 'pid', 'user', 'uts'].map(name => readlinkSync(`/proc/${pid}/ns/${name}`)),
    getPriority(pid)
  ];
}

/**
 * A folder that only we may enter, with a short path: a socket's path has at most 107 characters.
 * @throws where somebody else has made it
 */
function ownFolder(env: NodeJS.ProcessEnv): string {
  const uid = process.getuid!();
  const parent = [env.XDG_RUNTIME_DIR, tmpdir()].find(folder => folder && folder.length < 50) ?? '/tmp';
  const folder = join(parent, `sluice-${uid}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const stats = lstatSync(folder);
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o077) !== 0)
    throw new Error(`The folder ‘${folder}’ is not ours alone.`);
  return folder;
}
