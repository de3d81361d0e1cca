// Building images: the Dockerfile's text, which tool is chosen, and what is remembered. The tools are programs in a folder of the test, which
// do as the real ones do on the command line; docker's own client is asked as well, where this machine has it.
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toManifests } from '../src/images/kaniko';
import { indexArguments, makeContext, tagOf } from '../src/images/dockerfile';
import { chooseBuilder, findReason } from '../src/images/builders';
import { findImage } from '../src/images/records';
import type { Needs } from '../src/packages';
import { Store } from '../src/store';
import { digestOf, Registry } from './registry';
import { World } from './world';

jest.setTimeout(60_000);

const needs: Needs = {
  python: '3.11',
  requirements: ['pandas==2.2.3'],
  constraints: ['numpy==1.26.4', 'pandas==2.2.3'],
  modules: { 'helpers.py': 'x = 1\n' },
  missing: [],
  problems: []
};

test('a Dockerfile pins what the steps import, and modules beside the notebook stay out of it', () => {
  const { files, hash } = makeContext(needs);
  expect(files).toEqual({
    'requirements.txt': 'pandas==2.2.3\n',
    'constraints.txt': 'numpy==1.26.4\n',
    Dockerfile: `# The packages of a notebook’s kernel. Made by \`sluice image build\`; steps bring their source with them.
FROM python:3.11
COPY requirements.txt constraints.txt /tmp/sluice/
ARG PIP_INDEX_URL=
ARG PIP_EXTRA_INDEX_URL=
ARG PIP_TRUSTED_HOST=
RUN python3 -c 'import sys; sys.version_info < (3, 9) and sys.exit("error: The base image has Python %d.%d, and a step needs 3.9 or later. Name one that has it with --base." % sys.version_info[:2])' && PIP_BREAK_SYSTEM_PACKAGES=1 PIP_ROOT_USER_ACTION=ignore python3 -m pip install --no-cache-dir --disable-pip-version-check -r /tmp/sluice/requirements.txt -c /tmp/sluice/constraints.txt
LABEL sluice.dev/packages=${hash} sluice.dev/python=3.11
`
  });
});

test.each<[string, Partial<Needs>, string | undefined, boolean]>([
  ['other modules beside the notebook', { modules: {} }, undefined, true],
  ['another version', { requirements: ['pandas==2.2.4'] }, undefined, false],
  ['another version below', { constraints: ['numpy==2.0', 'pandas==2.2.3'] }, undefined, false],
  ['another Python', { python: '3.12' }, undefined, false],
  ['another base', {}, 'nvcr.io/nvidia/pytorch:24.01', false]
])('the tag is a hash of what is in the image: %s', (_, change, base, isSame) => {
  expect(makeContext({ ...needs, ...change }, base).hash === makeContext(needs).hash).toBe(isSame);
});

test('git comes along where a package is fetched with it', () => {
  const { files } = makeContext({ ...needs, requirements: ['lib @ git+https://git.example.com/lib@abc'] });
  expect(files.Dockerfile).toContain('apt-get install -y --no-install-recommends git');
});

test('pip asks there the indexes that it asks here, and a password is no part of an image', () => {
  const env = { PIP_INDEX_URL: 'https://pypi.example.com/simple', PIP_TRUSTED_HOST: '', PIP_NO_INDEX: '1' };
  expect(indexArguments(env)).toEqual(['PIP_INDEX_URL=https://pypi.example.com/simple']);
  expect(() =>
    indexArguments({ PIP_EXTRA_INDEX_URL: 'https://a.example.com https://me:secret@b.example.com' })
  ).toThrow('PIP_EXTRA_INDEX_URL has a user or a password in it, which everyone who pulls the image could read.');
});

test.each<[string, string, string]>([
  ['a program of its own', 'STEP 3/4: RUN x\nerror: no space left on device\n', 'error: no space left on device'],
  [
    'pip, before kaniko’s last line',
    'Collecting x\nERROR: Could not find a version that satisfies the requirement x==1\nERROR: No matching distribution found for x==1\nerror building image: waiting for process to exit: exit status 1\n',
    'ERROR: Could not find a version that satisfies the requirement x==1'
  ],
  [
    'pip in BuildKit',
    '#8 1.234 ERROR: No matching distribution found for x==1\n#8 ERROR: exit code: 1\n',
    'ERROR: No matching distribution found for x==1'
  ],
  [
    'pip, that goes on',
    "ERROR: pip's dependency resolver does not currently take into account all\nno such host\n",
    'no such host'
  ],
  [
    'no way to the index',
    "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError('<x at 0x7>: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution')': /simple/x/\nERROR: No matching distribution found for x\n",
    'pip can’t reach the package index from there: Temporary failure in name resolution. PIP_INDEX_URL names another.'
  ],
  [
    'a certificate that is not trusted',
    "WARNING: Retrying (Retry(total=4)) after connection broken by 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate in certificate chain (_ssl.c:992)'))': /simple/x/\nERROR: No matching distribution found for x\n",
    'pip can’t reach the package index from there: certificate verify failed: self-signed certificate in certificate chain. PIP_INDEX_URL names another.'
  ],
  ...['/bin/sh: 1: python3: not found', '/bin/sh: python3: not found', 'sh: line 1: python3: command not found'].map(
    (line): [string, string, string] => [
      line,
      `${line}\nError: exit status 127\n`,
      'The base image has no python3. Name one that has it with --base.'
    ]
  ),
  [
    'no pip',
    '/usr/bin/python3: No module named pip\nerror: exit status 1',
    'The base image has no pip. Name one that has it with --base.'
  ],
  ['nothing', '', '']
])('why a build failed: %s', (_, printed, expected) => expect(findReason(printed)).toBe(expected));

test.each([
  ['registry.example.com:5000/team/nb', 'registry.example.com:5000/team/nb:sluice-'],
  ['registry.example.com/team/nb:mine', 'registry.example.com/team/nb:mine']
])('tag of %s', (name, expected) => expect(tagOf(name, makeContext(needs))).toContain(expected));

describe('tools', () => {
  let world: World;
  let bin: string;
  beforeEach(() => {
    world = new World();
    bin = join(world.folder, 'bin');
    mkdirSync(bin);
    world.env.PATH = `${bin}:/usr/bin:/bin`;
  });
  afterEach(() => world.remove());

  function program(name: string, script: string): void {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }

  const digest = `sha256:${'a'.repeat(64)}`;
  const podman = `echo "$@" >> "${'$LOG'}"
case "$1" in
  info) echo amd64 ;;
  build) cp "$4/Dockerfile" "$LOG.Dockerfile" ;;
  push) echo ${digest} > "$3" ;;
esac`;

  test('one that is installed but does not work is passed by', async () => {
    program('docker', 'echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1');
    program('buildah', 'exit 0');
    expect((await chooseBuilder(undefined, world.env)).name).toBe('buildah');
    await expect(chooseBuilder('docker', world.env)).rejects.toThrow(
      'No image can be built on this machine (docker: Cannot connect to the Docker daemon at unix:///var/run/docker.sock).'
    );
  });

  test('none', async () => {
    world.env.PATH = bin;
    await expect(chooseBuilder(undefined, world.env)).rejects.toThrow(
      'No image can be built on this machine (docker: not installed; podman: not installed; buildah: not installed; buildkit: not installed). Start one of them; build in a cluster with --tool kaniko; or print the Dockerfile with --print and build it elsewhere.'
    );
    await expect(chooseBuilder('dokcer', world.env)).rejects.toThrow('There is no tool ‘dokcer’ that builds images.');
  });

  const docker = ['/usr/local/bin/docker', '/usr/bin/docker'].find(existsSync);
  (docker === undefined || existsSync('/var/run/docker.sock') ? test.skip : test)(
    'docker’s own client without a daemon is passed by',
    async () => {
      program('docker', `exec ${docker} "$@"`);
      await expect(chooseBuilder('docker', world.env)).rejects.toThrow('docker: Cannot connect to the Docker daemon');
    }
  );

  test('an image is built, pushed, remembered with its digest, and taken by the next run', async () => {
    world.env.LOG = join(world.folder, 'log');
    program('podman', podman);
    world.write('nb.ipynb', ['step:load | import cloudpickle']);
    const built = await world.sluice(
      'image',
      'build',
      'nb.ipynb',
      '--name',
      'registry.example.com/nb',
      '--push',
      '--json'
    );
    expect(built.stderr).toBe('');
    const [{ image, hash }] = built.events as [{ image: string; hash: string }];
    expect(built.events).toEqual([{ image: `registry.example.com/nb:sluice-${hash}`, hash, tool: 'podman', digest }]);
    const commands = readFileSync(world.env.LOG, 'utf8').trim().split('\n');
    expect(commands[1]).toMatch(new RegExp(`^build --tag ${image} /`));
    expect(commands[2]).toMatch(new RegExp(`^push --digestfile .* ${image}$`));
    expect(readFileSync(`${world.env.LOG}.Dockerfile`, 'utf8')).toMatch(/^FROM python:3\.\d+$/m);
    expect((await world.sluice('image', 'list')).stdout).toContain(digest);
    const store = new Store(join(world.folder, '.sluice'));
    const requirements = JSON.parse((await world.sluice('image', 'list', '--json')).stdout).images[0].requirements;
    const python = /python:(3\.\d+)/.exec(readFileSync(`${world.env.LOG}.Dockerfile`, 'utf8'))![1]!;
    expect(findImage(store.sql, { ...needs, python, requirements })).toBe(`registry.example.com/nb@${digest}`);
    expect(findImage(store.sql, { ...needs, python, requirements: [...requirements, 'pandas==9'] })).toBeUndefined();
    store.close();
  });

  test('a build that fails says so with the tool’s last word, and nothing is remembered', async () => {
    program('podman', 'case "$1" in info) ;; *) echo "ERROR: no space left on device" >&2; exit 125;; esac');
    world.write('nb.ipynb', ['step:load | x = 1']);
    const built = await world.sluice('image', 'build', 'nb.ipynb');
    expect(built.status).toBe(1);
    expect(built.stderr).toContain('sluice: podman build ended with status 125: ERROR: no space left on device');
    expect((await world.sluice('image', 'list')).stdout).toContain('No image was built here yet');
  });

  test('--print needs no tool', async () => {
    world.env.PATH = bin;
    world.write('nb.ipynb', ['step:load | import cloudpickle']);
    const { status, stdout } = await world.sluice('image', 'build', 'nb.ipynb', '--print');
    expect(status).toBe(0);
    expect(stdout).toMatch(/FROM python:3\.\d+\n[^]*cloudpickle==/);
  });
});

/** With a configuration of its own, and storage that any file system has. */
const buildah = ['/usr/bin/buildah', '/usr/local/bin/buildah'].find(existsSync);
(buildah === undefined || process.getuid?.() !== 0 ? test.skip : test)(
  'buildah builds an image, pushes it to a registry, and its digest is the one that is there; a registry that says no is told of',
  async () => {
    const world = new World();
    const registry = new Registry();
    const host = await registry.listen();
    const write = (name: string, text: string) => (
      writeFileSync(join(world.folder, name), text),
      join(world.folder, name)
    );
    const env = {
      CONTAINERS_STORAGE_CONF: write(
        'storage.conf',
        `[storage]\ndriver = "vfs"\ngraphroot = "${world.folder}/graph"\nrunroot = "${world.folder}/run"\n`
      ),
      CONTAINERS_REGISTRIES_CONF: write('registries.conf', `[[registry]]\nlocation = "${host}"\ninsecure = true\n`)
    };
    Object.assign(world.env, { ...env, PATH: `${world.env.PATH}:/usr/sbin:/sbin` });
    try {
      const base = `${host}/base:1`;
      mkdirSync(join(world.folder, 'base'));
      write('base/Dockerfile', 'FROM scratch\nCOPY Dockerfile /about\n');
      const tool = (...args: string[]) =>
        promisify(execFile)(buildah!, args, { env: { ...process.env, ...env }, timeout: 40_000 });
      await tool('build', '--tag', base, join(world.folder, 'base'));
      await tool('push', base);
      await tool('rmi', base);
      world.write('nb.ipynb', ['step:load | x = 1']);
      const build = (name: string) =>
        world.sluice(
          'image',
          'build',
          'nb.ipynb',
          '--name',
          `${host}/${name}`,
          '--base',
          base,
          '--tool',
          'buildah',
          '--push',
          '--json'
        );
      const built = await build('team/nb');
      const [{ image, digest, hash }] = built.events as [Record<string, string>];
      expect([built.status, image]).toEqual([0, `${host}/team/nb:sluice-${hash}`]);
      const manifest = registry.manifests.get(`team/nb:sluice-${hash}`)!.bytes;
      expect(digestOf(manifest)).toBe(digest);
      const { config } = JSON.parse(manifest.toString()) as { config: { digest: string } };
      const { Labels } = JSON.parse(registry.blobs.get(config.digest)!.bytes.toString()).config as { Labels: object };
      expect(Labels).toMatchObject({ 'sluice.dev/packages': hash });
      const { images } = JSON.parse((await world.sluice('image', 'list', '--json')).stdout);
      expect(images).toMatchObject([
        { reference: image, digest, base, notebook: 'nb.ipynb', tool: 'buildah', requirements: [] }
      ]);
      registry.closed.add('closed/nb');
      const refused = await build('closed/nb');
      expect(refused.status).toBe(1);
      expect(refused.stderr).toMatch(/sluice: buildah push ended with status \d+: .*denied/);
      expect(JSON.parse((await world.sluice('image', 'list', '--json')).stdout).images).toHaveLength(1);
    } finally {
      await registry.close();
      world.remove();
    }
  },
  120_000
);

test('kaniko is a Job that says who made it, and pushes with the secret that is named', () => {
  const { job, configMap } = toManifests(makeContext(needs), 'registry.example.com/nb:1', {
    name: 'nb',
    secret: 'push'
  });
  expect(Object.keys(configMap.data!).sort()).toEqual(['Dockerfile', 'constraints.txt', 'requirements.txt']);
  expect(job.metadata!.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'sluice' });
  const { containers, volumes, restartPolicy } = job.spec!.template.spec!;
  expect(restartPolicy).toBe('Never');
  expect(containers[0]!.args).toContain('--destination=registry.example.com/nb:1');
  expect(containers[0]!.volumeMounts).toContainEqual({
    name: 'context',
    mountPath: '/context/Dockerfile',
    subPath: 'Dockerfile'
  });
  expect(volumes!.map(({ name }) => name)).toEqual(['context', 'registry']);
});
