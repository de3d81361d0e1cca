// What can build an image on this machine. A program that is installed may still lack its daemon or its rights, so each is asked for something
// that only a working one can answer.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PipelineError } from '../errors.js';

export interface Build {
  /** a folder with a Dockerfile */
  readonly folder: string;
  readonly tag: string;
  readonly isPushed: boolean;
  /** `NAME=VALUE`, for the Dockerfile’s ARGs */
  readonly args: readonly string[];
}

export interface Builder {
  readonly name: string;
  /** answers only where it can build */
  readonly probe: readonly string[];
  /** commands, one after the other */
  commands(build: Build): readonly (readonly string[])[];
  /** the image's digest, as the last command printed it or wrote it into the folder; undefined where it is only here and has none */
  readDigest(folder: string, printed: string): Promise<string | undefined>;
}

const digestFile = '.digest';
const metadataFile = '.metadata.json';

const digestIn = (text: string): string | undefined => /sha256:[0-9a-f]{64}/.exec(text)?.[0];
const readFrom = async (folder: string, file: string): Promise<string | undefined> =>
  digestIn(await readFile(join(folder, file), 'utf8').catch(() => ''));

/** In the order in which they are tried. */
export const builders: readonly Builder[] = [
  {
    name: 'docker',
    probe: ['docker', 'version', '--format', '{{.Server.Version}}'],
    commands: ({ folder, tag, isPushed, args }) => [
      ['docker', 'build', ...args.flatMap(arg => ['--build-arg', arg]), '--tag', tag, folder],
      ...(isPushed ? [['docker', 'push', tag]] : [])
    ],
    readDigest: async (_, printed) => digestIn(/digest: (sha256:\w+)/.exec(printed)?.[1] ?? '')
  },
  {
    name: 'podman',
    probe: ['podman', 'info', '--format', '{{.Host.Arch}}'],
    commands: ({ folder, tag, isPushed, args }) => [
      ['podman', 'build', ...args.flatMap(arg => ['--build-arg', arg]), '--tag', tag, folder],
      ...(isPushed ? [['podman', 'push', '--digestfile', join(folder, digestFile), tag]] : [])
    ],
    readDigest: folder => readFrom(folder, digestFile)
  },
  {
    name: 'buildah',
    probe: ['buildah', 'info'],
    commands: ({ folder, tag, isPushed, args }) => [
      ['buildah', 'build', ...args.flatMap(arg => ['--build-arg', arg]), '--tag', tag, folder],
      ...(isPushed ? [['buildah', 'push', '--digestfile', join(folder, digestFile), tag]] : [])
    ],
    readDigest: folder => readFrom(folder, digestFile)
  },
  {
    name: 'buildkit',
    probe: ['buildctl', 'debug', 'workers'],
    commands: ({ folder, tag, isPushed, args }) => [
      [
        ...['buildctl', 'build', '--frontend', 'dockerfile.v0'],
        ...['--local', `context=${folder}`, '--local', `dockerfile=${folder}`],
        ...args.flatMap(arg => ['--opt', `build-arg:${arg}`]),
        ...['--output', `type=image,name=${tag},push=${isPushed}`, '--metadata-file', join(folder, metadataFile)]
      ]
    ],
    readDigest: async folder => {
      const text = await readFile(join(folder, metadataFile), 'utf8').catch(() => '{}');
      return digestIn(String((JSON.parse(text) as Record<string, unknown>)['containerimage.digest'] ?? ''));
    }
  }
];

const probeMs = 10_000;

/**
 * The first that works, or the one that the user names.
 * @throws PipelineError `usage` which ones there are, and why each does not work
 */
export async function chooseBuilder(name: string | undefined, env: NodeJS.ProcessEnv): Promise<Builder> {
  const candidates = name === undefined ? builders : builders.filter(builder => builder.name === name);
  const problems: string[] = [];
  for (const builder of candidates) {
    const problem = await findProblem(builder, env);
    if (problem === undefined) return builder;
    problems.push(`${builder.name}: ${problem}`);
  }
  const names = [...builders.map(builder => `‘${builder.name}’`), '‘kaniko’'].join(', ');
  if (candidates.length === 0)
    throw new PipelineError(`There is no tool ‘${name}’ that builds images. There are ${names}.`, 'usage');
  throw new PipelineError(
    `No image can be built on this machine (${problems.join('; ')}). Start one of them; build in a cluster with --tool kaniko; or print the Dockerfile with --print and build it elsewhere.`,
    'usage'
  );
}

/** Undefined where it works. */
async function findProblem({ probe }: Builder, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  try {
    const { status, printed } = await execute(probe, { env, timeoutMs: probeMs });
    return status === 0 ? undefined : firstLine(printed) || `ends with status ${status}`;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not installed' : (error as Error).message;
  }
}

const firstLine = (text: string): string =>
  text
    .trim()
    .split('\n')
    .filter(line => !/^(Client|Server|\s)/.test(line))[0]
    ?.replace(/\.$/, '') ?? '';

/**
 * Why a build failed, of all that it printed: that the index is out of reach, what pip or the tool calls an error first, else the last line. The tools’ own last line is that a
 * command ended with some status.
 */
export function findReason(printed: string): string {
  const lines = printed
    .trim()
    .split('\n')
    .map(line => line.replace(/^#\d+ [\d.]+ /, '').trim()); // BuildKit’s step and time
  for (const [pattern, thing] of lackings)
    if (pattern.test(printed)) return `The base image has no ${thing}. Name one that has it with --base.`;
  const [, silence] = /connection broken by .*?\[[^\]]*\] ([^'"(]*[^'"( ])/.exec(printed) ?? [];
  if (silence !== undefined)
    return `pip can’t reach the package index from there: ${silence}. PIP_INDEX_URL names another.`;
  const isError = (line: string) => /^error: /i.test(line) && !line.includes("pip's dependency resolver"); // goes on all the same
  return lines.find(isError) ?? lines.at(-1) ?? '';
}

const lackings = [
  [/python3: (command )?not found|exec: "python3"/, 'python3'],
  [/No module named '?pip'?$/m, 'pip']
] as const;

export interface Execution {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  onOutput?(text: string): void;
}

/** What it printed, on both of its streams. @throws where it is not there, or has not ended within `timeoutMs`, and is ended then */
export function execute(
  [program, ...args]: readonly string[],
  { env, timeoutMs, signal, onOutput }: Execution
): Promise<{ readonly status: number | null; readonly printed: string }> {
  return new Promise((resolve, reject) => {
    // `spawn`'s own timer goes on where there is no such program, and with it this process
    const timeout = timeoutMs === undefined ? undefined : AbortSignal.timeout(timeoutMs);
    const ending = [timeout, signal].filter(found => found !== undefined);
    const child = spawn(program!, args, {
      ...{ env, stdio: ['ignore', 'pipe', 'pipe'] },
      ...(ending.length === 0 ? {} : { signal: AbortSignal.any(ending) })
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        onOutput?.(text);
      });
    child.once('error', error =>
      reject(timeout?.aborted ? new Error(`does not answer within ${timeoutMs! / 1000} seconds`) : error)
    );
    child.once('close', status => resolve({ status, printed }));
  });
}
