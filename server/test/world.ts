// What the server's tests stand on: a folder of their own, notebooks in one line a cell, the real command line with its output caught.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { main } from '../src/cli/main';
import type { Io } from '../src/cli/command';
import type { Install } from '../src/install';

const repository = join(__dirname, '..', '..');

export const install: Install = {
  version: '0.0.0-test',
  runtimeFolder: join(repository, 'jupyterlab_sluice', 'runtime'),
  warmFolder: join(repository, 'jupyterlab_sluice', 'warm'),
  packagesFolder: join(repository, 'jupyterlab_sluice', 'packages'),
  readPrograms: async () => ({
    runtime: readFileSync(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
    grammar: readFileSync(require.resolve('tree-sitter-python/tree-sitter-python.wasm'))
  })
};

const venvPython = join(repository, '.venv', 'bin', 'python');

export const env: NodeJS.ProcessEnv = {
  PATH: process.env.PATH,
  HOME: '/nowhere',
  LANG: 'C.UTF-8',
  SLUICE_PYTHON: existsSync(venvPython) ? venvPython : 'python3'
};

/** `step:load | df = 1` is a tagged cell, `df = 1` an untagged one. */
export function makeNotebook(cells: readonly string[], kernel = 'python3', metadata: object = {}): object {
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: kernel, display_name: kernel }, language_info: { name: 'python' }, ...metadata },
    cells: cells.map((text, i) => {
      const [, tags, source] = /^([\w:-]+(?:,[\w:-]+)*) \| ([^]*)$/.exec(text) ?? [undefined, '', text];
      return {
        cell_type: 'code',
        id: `cell-${i}`,
        metadata: tags === '' ? {} : { tags: tags!.split(',') },
        source,
        outputs: [],
        execution_count: null
      };
    })
  };
}

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** the lines of stdout as JSON */
  readonly events: readonly Record<string, unknown>[];
}

/** A temporary folder in which commands are run; `.sluice` will be in it. */
export class World {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-test-')));
  readonly env: NodeJS.ProcessEnv = { ...env };
  /** call it to press Ctrl+C */
  interrupt: (signal?: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void = () => undefined;

  write(name: string, content: string | readonly string[], kernel?: string): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(makeNotebook(content, kernel)));
    return path;
  }

  async sluice(...argv: string[]): Promise<Outcome> {
    return this.sluiceWith({}, ...argv);
  }

  async sluiceWith(hooks: { readonly onStdout?: (text: string) => void }, ...argv: string[]): Promise<Outcome> {
    let stdout = '';
    let stderr = '';
    const io: Io = {
      stdout: {
        write: text => {
          stdout += text;
          hooks.onStdout?.(text);
          return true;
        }
      },
      stderr: { write: text => ((stderr += text), true) },
      env: this.env,
      cwd: this.folder,
      install,
      onInterrupt: handle => {
        this.interrupt = (signal = 'SIGINT') => handle(signal);
        return () => undefined;
      }
    };
    const status = await main(argv, io);
    return {
      ...{ status, stdout, stderr },
      get events() {
        return stdout.split('\n').flatMap(line => (line === '' ? [] : [JSON.parse(line)]));
      }
    };
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Wait for something that happens soon. */
export async function until(isSo: () => boolean, ms = 20_000): Promise<void> {
  const end = Date.now() + ms;
  while (!isSo()) {
    if (Date.now() > end) throw new Error(`it is not so after ${ms} ms: ${isSo}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
