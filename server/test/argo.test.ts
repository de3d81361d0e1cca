// What comes back from Argo: events between the lines of a log, told apart from what was printed; and how steps stand, as a Workflow's
// status says it.
import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { MarkReader, type Piece } from '../src/runners/marks';
import { readStandings, type ArgoNode, type ArgoWorkflow } from '../src/argo/status';
import { env, install } from './world';

jest.setTimeout(60_000);

/** A real step, as it runs in a pod; both streams in one log. */
function log(source: string): Piece[] {
  const step = {
    ...{ version: 1, pipeline: 'p', step: 's', parameters: [], setup: [], outputs: [] },
    cells: [{ index: 0, source, metrics: true }]
  };
  const boot = `import sys; sys.path.insert(0, ${JSON.stringify(`${install.runtimeFolder}/..`)}); from runtime import main; sys.exit(main.main(sys.argv[1:]))`;
  const ran = spawnSync(
    'sh',
    ['-c', '"$@" 2>&1', 'sh', env.SLUICE_PYTHON!, '-c', boot, '--step', JSON.stringify(step), '--executor-input', '{}'],
    { env: { ...env, SLUICE_EVENTS: 'log:MARK' }, encoding: 'utf8', maxBuffer: 1e8 }
  );
  const reader = new MarkReader('MARK');
  return ran.stdout
    .replace(/\n$/, '')
    .split('\n')
    .flatMap(line => reader.read(line));
}

const printed = (pieces: readonly Piece[], stream: string) =>
  pieces.flatMap(piece => (piece.kind === 'text' && piece.stream === stream ? [piece.text] : [])).join('');
const events = (pieces: readonly Piece[]) =>
  pieces.flatMap(piece => (piece.kind === 'event' ? [piece.event as Record<string, unknown>] : []));

test('what a step prints comes back as it was printed, and its events beside it', () => {
  const pieces = log(
    'import sys\nprint("a", end=" ")\nx = 1.5\nprint("b\\nc")\nprint("two\\nlines", file=sys.stderr)\nx'
  );
  expect(printed(pieces, 'stdout')).toBe('a b\nc\n');
  expect(printed(pieces, 'stderr')).toBe('two\nlines\n');
  expect(events(pieces).map(event => event.type)).toEqual(['cell', 'metric', 'output', 'cell', 'ended']);
  expect(events(pieces)[1]).toEqual({ type: 'metric', name: 'x', value: 1.5 });
});

test('an event of megabytes comes whole, while another process prints all the time', () => {
  const pieces = log(
    'import subprocess, sys, random\nnoise = subprocess.Popen([sys.executable, "-c", "import sys\\nfor i in range(20000): sys.stdout.write(\'noise %d\\\\n\' % i); sys.stdout.flush()"])\nfrom sys import displayhook\nbig = "".join(random.choice("abcdefgh") for _ in range(900_000))\nnoise.poll()\nraise ValueError(big)'
  );
  const failure = events(pieces).find(event => event.type === 'failure') as { failure: { message: string } };
  expect(failure.failure.message.length).toBeGreaterThan(100_000);
});

test.each<[what: string, line: string, text: string]>([
  ['Argo’s own lines are left out', 'time="2026-01-02T03:04:05.006Z" level=info msg="capturing logs" argo=true', ''],
  ['and the one at the end', 'Error: exit status 1', ''],
  ['not what looks alike', 'Error: exit status unknown', 'Error: exit status unknown\n'],
  ['another run’s mark is text', '\x1eOTHER.{"type":"cell"}', '\x1eOTHER.{"type":"cell"}\n'],
  ['an event cut in two is nothing', '\x1eMARK.{"type":"ce', '']
])('%s', (_, line, text) => expect(printed(new MarkReader('MARK').read(line), 'stdout')).toBe(text));

const node = (name: string, phase: string, more: Partial<ArgoNode> = {}): ArgoNode => ({
  ...{ id: name, name, type: 'Pod', templateName: name.replace(/\(\d\)$/, ''), phase },
  ...more
});
function workflow(nodes: readonly ArgoNode[], more: ArgoWorkflow = {}): ArgoWorkflow {
  const templates = [
    { name: 'dag' },
    { name: 'a', metadata: { annotations: { 'sluice.dev/step': 'A step' } }, retryStrategy: { limit: '2' } }
  ];
  const { spec, status } = more;
  const byId = Object.fromEntries(nodes.map(each => [each.id, each]));
  return { spec: { templates, ...spec }, status: { nodes: byId, ...status } };
}

test.each<[what: string, workflow: ArgoWorkflow, standings: readonly string[]]>([
  ['nothing yet', workflow([]), []],
  ['a pod', workflow([node('a', 'Pending')]), ['pending, 1 of 3']],
  ['one that runs', workflow([node('a', 'Running')]), ['running, 1 of 3']],
  [
    'attempts, in their order',
    workflow([node('a(1)', 'Running'), node('a(0)', 'Failed'), node('a', 'Running', { type: 'Retry' })]),
    ['running, 2 of 3']
  ],
  ['an error of Argo’s', workflow([node('a', 'Error')]), ['failed, 1 of 3']],
  ['left out, as another one failed', workflow([node('a', 'Omitted', { type: 'Skipped' })]), ['skipped, 0 of 3']],
  [
    'left out, as the run was ended',
    workflow([node('a', 'Omitted', { type: 'Skipped' })], { spec: { shutdown: 'Terminate' } }),
    ['canceled, 0 of 3']
  ],
  [
    'ended with the run',
    workflow([node('a', 'Failed', { message: 'workflow shutdown with strategy:  Terminate' })], {
      spec: { shutdown: 'Terminate' }
    }),
    ['canceled, 1 of 3']
  ],
  [
    'failed by itself before that',
    workflow([node('a', 'Failed', { message: 'Error (exit code 1)' })], { spec: { shutdown: 'Terminate' } }),
    ['failed, 1 of 3']
  ],
  [
    'many nodes, packed',
    workflow([], {
      status: { compressedNodes: gzipSync(JSON.stringify({ a: node('a', 'Succeeded') })).toString('base64') }
    }),
    ['succeeded, 1 of 3']
  ]
])('%s', (_, given, expected) =>
  expect(readStandings(given).map(({ state, attempts, most }) => `${state}, ${attempts.length} of ${most}`)).toEqual(
    expected
  )
);
