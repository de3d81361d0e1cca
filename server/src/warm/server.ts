// Starts a fork server. It is nobody's child for long: it outlives this process, and ends by itself when it is idle or its home is gone.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { deflateSync } from 'node:zlib';
import type { ServerSpec } from './address.js';

/** a server that nobody asks for anything ends after so long */
export const idleSeconds = 15 * 60;
const startMs = 30_000;

const packs = new Map<string, string>();

/** The server's program: the Python files of jupyterlab_sluice/warm/, packed as BOOT reads it. It travels nowhere, so it need not be small. */
export function packServer(folder: string): string {
  const pack = packs.get(folder) ?? readPack(folder);
  packs.set(folder, pack);
  return pack;
}

function readPack(folder: string): string {
  const files = readdirSync(folder).filter(file => file.endsWith('.py'));
  const modules = Object.fromEntries(
    files.sort().map(file => [basename(file, '.py'), readFileSync(join(folder, file), 'utf8')])
  );
  return deflateSync(JSON.stringify(modules), { level: 1 }).toString('base64');
}

/**
 * Resolves when a server listens at the address: a new one, or the one that another process has just started.
 * @throws where it ends before it listens
 */
export async function startServer(address: string, spec: ServerSpec, forks: string): Promise<void> {
  mkdirSync(address, { recursive: true, mode: 0o700 });
  const told = {
    ...{ folder: address, env: spec.env, runtime: spec.runtime, idleSeconds },
    secret: readSecret(spec.home), // it throws where the home has gone: before there is a process
    secretFile: secretFile(spec.home),
    unsafe: join(warmFolder(spec.home), `unsafe-${basename(address)}`)
  };
  const log = openSync(join(address, 'log'), 'w', 0o600);
  const child = spawn(spec.python, ['-c', spec.boot, '--runtime', forks], {
    cwd: '/',
    env: spec.env,
    stdio: ['pipe', 'pipe', log],
    detached: true
  });
  closeSync(log);
  child.stdin!.on('error', () => undefined);
  child.stdin!.end(JSON.stringify(told));
  try {
    const said = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      child.stdout!.once('data', data => resolve(String(data)));
      child.stdout!.once('end', () => reject(new Error('The fork server ended while it started.')));
      void setTimeout(startMs, undefined, { ref: false }).then(() =>
        reject(new Error('The fork server takes long to start.'))
      );
    });
    const until = performance.now() + startMs;
    if (said.startsWith('busy'))
      while (!existsSync(join(address, 'socket')) && performance.now() < until) await setTimeout(20);
  } finally {
    child.stdout!.destroy();
    child.unref();
  }
}

/** What lets a client ask for a process; whoever can read it could start one anyway. */
export function readSecret(home: string): string {
  const path = secretFile(home);
  try {
    writeFileSync(path, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch {
    // it is there
  }
  return readFileSync(path, 'utf8');
}

const secretFile = (home: string): string => join(warmFolder(home), 'secret');

function warmFolder(home: string): string {
  const folder = join(home, 'warm');
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  return folder;
}
