// `sluice image`: an image that has the packages of a notebook's kernel, built with what there is.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { didYouMean } from '@sluice/core';
import { PipelineError } from '../errors.js';
import { findHome, openHome } from '../home.js';
import { chooseBuilder, execute, findReason, type Builder } from '../images/builders.js';
import { indexArguments, makeContext, tagOf, type BuildContext } from '../images/dockerfile.js';
import { listImages, recordImage } from '../images/records.js';
import { findNeeds, type Needs } from '../packages.js';
import { storedPath } from '../paths.js';
import { Pipelines } from '../pipelines.js';
import { readPlan } from '../runners/plans.js';
import { Store } from '../store.js';
import { formatTable } from '../words.js';
import { clusterSettingsOf } from './cluster-settings.js';
import { readArgs, type Command, type Io } from './command.js';
import { readNotebookFile, type NamedFile } from './files.js';
import { openRecords } from './records.js';

const help = `sluice image build NOTEBOOK [--name NAME] [--push] [OPTION]...
sluice image list

Build an image that has what the steps of a notebook import, in the versions of its kernel. Steps on a cluster take it once it is pushed, and
install nothing.

  --name NAME        of the image, such as registry.example.com/team/notebook; its tag is a hash of what is in it
  --push             push it, and record its digest
  --base IMAGE       to build on; else the Python of the kernel
  --tool TOOL        docker, podman, buildah, buildkit or kaniko; else the first that works on this machine
  --print            print the Dockerfile and the pinned packages, and build nothing
  --json             for programs

With kaniko, which builds in a cluster and pushes:

  --context CONTEXT  of the kubeconfig
  -n, --namespace NAME
  --secret NAME      of the type kubernetes.io/dockerconfigjson, to push with
  --executor IMAGE   kaniko’s own, where the cluster can’t pull that of its last release
`;

const options = {
  name: { type: 'string' },
  push: { type: 'boolean' },
  base: { type: 'string' },
  tool: { type: 'string' },
  print: { type: 'boolean' },
  context: { type: 'string' },
  namespace: { type: 'string', short: 'n' },
  secret: { type: 'string' },
  executor: { type: 'string' },
  json: { type: 'boolean' }
} as const;

type Values = ReturnType<typeof readArgs<typeof options>>['values'];

async function runImage(args: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = readArgs(args, options, { names: 'build NOTEBOOK or list', least: 1, most: 2 });
  const [action, notebook] = positionals;
  if (action === 'list' && notebook === undefined) return list(values, io);
  if (action === 'build' && notebook !== undefined) return build(await readNotebookFile(notebook, io.cwd), values, io);
  if (action === 'build') throw new PipelineError('Write sluice image build NOTEBOOK.', 'usage');
  throw new PipelineError(
    `‘sluice image’ has no ‘${action}’.${didYouMean(action!, ['build', 'list']) || ' It has build and list.'}`,
    'usage'
  );
}

async function build(file: NamedFile, values: Values, io: Io): Promise<number> {
  const needs = await readNeeds(file, io);
  for (const { text } of needs.problems) io.stderr.write(`${text}\n`);
  const context = makeContext(needs, values.base);
  if (values.print) {
    for (const [name, text] of Object.entries(context.files).reverse()) io.stdout.write(`# ${name}\n${text}\n`);
    return 0;
  }
  const isKaniko = values.tool === 'kaniko';
  const isPushed = values.push === true || isKaniko;
  if (isPushed && !values.name?.includes('/'))
    throw new PipelineError('Name where to push the image: --name registry.example.com/team/notebook.', 'usage');
  const name =
    values.name ??
    `sluice/${basename(file.path, '.ipynb')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')}`;
  const tag = tagOf(name, context);
  const interrupt = new AbortController();
  const stopListening = io.onInterrupt(() => interrupt.abort());
  const given = { context, tag, isPushed, args: indexArguments(io.env), signal: interrupt.signal };
  const built = await (isKaniko ? inCluster(given, values, io) : here(given, values, io))
    .catch((error: unknown) => {
      if (interrupt.signal.aborted) return undefined;
      throw error;
    })
    .finally(stopListening);
  if (built === undefined) return 130;
  const home = openHome(findHome(io.env, dirname(file.path), io.cwd));
  const store = new Store(home);
  try {
    recordImage(store.sql, {
      ...{ hash: context.hash, reference: tag, base: context.base, notebook: storedPath(home, file.path) },
      ...{ ...built, python: needs.python, requirements: needs.requirements, at: Date.now() }
    });
  } finally {
    store.close();
  }
  const at = built.digest === undefined ? '' : ` (${built.digest})`;
  io.stdout.write(values.json ? `${JSON.stringify({ image: tag, hash: context.hash, ...built })}\n` : `${tag}${at}\n`);
  return 0;
}

async function readNeeds({ path, text }: NamedFile, io: Io): Promise<Needs> {
  const pipelines = new Pipelines(io.install, io.env);
  const plan = await readPlan(await pipelines.compile(await pipelines.read(text, path), basename(path)));
  return findNeeds(plan, { env: io.env, packagesFolder: io.install.packagesFolder, folder: dirname(path) });
}

interface Built {
  readonly tool: string;
  readonly digest?: string;
}

interface Given {
  readonly context: BuildContext;
  readonly tag: string;
  readonly isPushed: boolean;
  /** `NAME=VALUE`, for the Dockerfile’s ARGs */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
}

async function here(given: Given, { tool }: Values, io: Io): Promise<Built> {
  const builder = await chooseBuilder(tool, io.env);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-image-'));
  try {
    for (const [name, text] of Object.entries(given.context.files)) await writeFile(join(folder, name), text);
    const digest = await runBuilder(builder, { ...given, folder }, io);
    return { tool: builder.name, ...(digest === undefined ? {} : { digest }) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function runBuilder(
  builder: Builder,
  build: Given & { readonly folder: string },
  { env, stderr }: Io
): Promise<string | undefined> {
  let last = '';
  for (const command of builder.commands(build)) {
    const { status, printed } = await execute(command, {
      env,
      signal: build.signal,
      onOutput: text => void stderr.write(text)
    });
    if (status !== 0)
      throw new PipelineError(
        `${command.slice(0, 2).join(' ')} ended with status ${status}: ${findReason(printed)}`,
        'remote'
      );
    last = printed;
  }
  const digest = build.isPushed ? await builder.readDigest(build.folder, last) : undefined;
  if (build.isPushed && digest === undefined)
    throw new PipelineError(`${builder.name} pushed the image, but did not tell its digest.`, 'remote');
  return digest;
}

async function inCluster({ context, tag, args, signal }: Given, values: Values, io: Io): Promise<Built> {
  const [{ buildWithKaniko }, { openCluster }] = await Promise.all([
    import('../images/kaniko.js'),
    import('../kubernetes/access.js')
  ]);
  const { secret, executor } = values;
  const digest = await buildWithKaniko(context, tag, {
    ...{ args, signal },
    cluster: await openCluster(clusterSettingsOf(values, io), io.env),
    ...(secret === undefined ? {} : { secret }),
    ...(executor === undefined ? {} : { executor }),
    onNotice: text => void io.stderr.write(`${text}\n`)
  });
  return { tool: 'kaniko', digest };
}

async function list(values: Values, io: Io): Promise<number> {
  const store = openRecords(io);
  try {
    const images = listImages(store.sql);
    if (values.json) io.stdout.write(`${JSON.stringify({ images })}\n`);
    else if (images.length === 0) io.stdout.write('No image was built here yet: sluice image build NOTEBOOK.\n');
    else {
      const rows = images.map(({ reference, digest, notebook, python, requirements, at }) => [
        ...[reference, digest ?? '', notebook, python, String(requirements.length)],
        new Date(at).toLocaleString('sv')
      ]);
      const lines = formatTable([['image', 'digest', 'notebook', 'python', 'packages', 'built'], ...rows]);
      io.stdout.write(`${lines.join('\n')}\n`);
    }
    return 0;
  } finally {
    store.close();
  }
}

export const image: Command = { help, run: runImage };
