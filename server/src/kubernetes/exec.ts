// A program in a pod, with its input sent and its output read over the API server's WebSocket. What is sent waits until the connection has
// taken what came before: memory stays bounded whatever the size.
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { PipelineError } from '../errors.js';
import { ask, type Cluster } from './access.js';

export interface Execution {
  readonly pod: string;
  readonly container: string;
  readonly command: readonly string[];
  readonly input?: AsyncIterable<Buffer>;
  onOutput?(chunk: Buffer): void;
  readonly signal?: AbortSignal;
}

const chunkBytes = 64 * 1024;
const bufferedBytes = 1 << 20;

/** Resolves when the program ended well. @throws PipelineError with the end of what it wrote to stderr */
export async function execute(cluster: Cluster, execution: Execution): Promise<void> {
  const { pod, container, command, input, onOutput, signal } = execution;
  const { config, namespace, server } = cluster;
  const { Exec } = await import('@kubernetes/client-node');
  const stdout = new PassThrough();
  stdout.on('data', (chunk: Buffer) => onOutput?.(chunk));
  let said = '';
  const stderr = new PassThrough();
  stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-2000)));
  let end!: (problem: Error | undefined) => void;
  const ended = new Promise<Error | undefined>(resolve => (end = resolve));
  const stdin = input === undefined ? null : new PassThrough(); // we send by ourselves: the library would not wait
  const request = { verb: 'create', resource: 'pods/exec', name: pod, namespace, server } as const;
  const connection = await ask(request, () =>
    new Exec(config).exec(
      namespace,
      pod,
      container,
      [...command],
      stdout,
      stderr,
      stdin,
      false,
      ({ status, message }) => end(status === 'Success' ? undefined : failed(said.trim() || message))
    )
  );
  const onAbort = () => connection.close();
  signal?.addEventListener('abort', onAbort);
  connection.addEventListener('close', () => end(signal?.aborted ? (signal.reason as Error) : cut(said)));
  connection.addEventListener('error', () => end(cut(said)));
  try {
    let hasEnded = false;
    void ended.then(() => (hasEnded = true));
    for await (const block of input ?? [])
      for (let from = 0; from < block.length; from += chunkBytes) {
        while (connection.bufferedAmount > bufferedBytes && !hasEnded) await sleep(5);
        if (hasEnded) break;
        connection.send(Buffer.concat([Buffer.of(0), block.subarray(from, from + chunkBytes)]));
      }
    const problem = await ended;
    if (problem !== undefined) throw problem;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    connection.close();
  }
}

function failed(message = 'no reason given'): PipelineError {
  const lastLine = message.split('\n').at(-1)!;
  return new PipelineError(
    /No space left|Errno 28/.test(message)
      ? 'The run’s volume is full. Give it a larger size (SLUICE_VOLUME_SIZE), or leave files out with .sluiceignore.'
      : `A program in the cluster failed: ${lastLine}`,
    'remote'
  );
}

function cut(said: string): PipelineError {
  const detail = said.trim() === '' ? '' : `: ${said.trim().split('\n').at(-1)}`;
  return new PipelineError(`The connection to a pod was cut${detail}.`, 'unreachable');
}
