// What an image is built from where there is no internet: a registry with an image of Python and pip, and an index with a wheel of one package
// of the tests' own Python. Both listen on the loopback; the pods and their node see them at the address of the API server, through netforward.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, Registry } from '../../server/test/registry.js';
import { folder, port } from './cluster.js';

/** of lib.sh */
const address = '10.96.0.1';
const layerType = 'application/vnd.oci.image.layer.v1.tar';
const manifestType = 'application/vnd.oci.image.manifest.v1+json';

export class Mirror {
  readonly registry = new Registry();
  /** what pip has asked for */
  readonly asked: string[] = [];
  /** as the pods know them: host and port */
  registryHost = '';
  indexHost = '';
  private readonly scratch = mkdtempSync(join(tmpdir(), 'sluice-mirror-'));
  private readonly index = createServer((request, response) => this.answer(request, response));
  private readonly forwards: ChildProcess[] = [];
  private hosts = '';

  constructor(
    private readonly python: string,
    /** the package that the index has */
    private readonly name: string
  ) {}

  async start(): Promise<void> {
    this.registryHost = this.forward(await this.registry.listen());
    await new Promise<void>(resolve => this.index.listen(0, '127.0.0.1', resolve));
    this.indexHost = this.forward(`127.0.0.1:${(this.index.address() as AddressInfo).port}`);
    this.hosts = join(folder, 'run/registries', this.registryHost);
    mkdirSync(this.hosts, { recursive: true });
    const server = `http://${this.registryHost}`;
    writeFileSync(join(this.hosts, 'hosts.toml'), `server = "${server}"\n[host."${server}"]\n`);
    this.run(wheelOf, this.name, this.scratch);
  }

  async stop(): Promise<void> {
    for (const forward of this.forwards) forward.kill();
    this.index.closeAllConnections();
    await new Promise(resolve => this.index.close(resolve));
    await this.registry.close();
    for (const path of [this.hosts, this.scratch]) rmSync(path, { recursive: true, force: true });
  }

  /** The cluster's image of Python with the tests' own pip on top, in the registry. */
  addBase(name: string, tag: string): string {
    const archive = join(folder, 'image/python.tar');
    const read = (path: string) => execFileSync('tar', ['-xOf', archive, path], { maxBuffer: 1 << 30 });
    const blob = (digest: string) => read(`blobs/${digest.replace(':', '/')}`);
    const [{ digest }] = JSON.parse(read('index.json').toString()).manifests;
    const below = JSON.parse(blob(digest).toString());
    const config = JSON.parse(blob(below.config.digest).toString());
    const layers = [...below.layers.map((layer: { digest: string }) => blob(layer.digest)), this.run(pipLayer, '-')];
    config.rootfs.diff_ids = layers.map(digestOf);
    const parts = [Buffer.from(JSON.stringify(config)), ...layers].map((bytes, i) => {
      const part = { mediaType: i === 0 ? below.config.mediaType : layerType, digest: digestOf(bytes), size: bytes.length };
      this.registry.blobs.set(part.digest, { bytes, type: 'application/octet-stream' });
      return part;
    });
    const manifest = { schemaVersion: 2, mediaType: manifestType, config: parts[0], layers: parts.slice(1) };
    const bytes = Buffer.from(JSON.stringify(manifest));
    for (const key of [`${name}:${tag}`, `${name}@${digestOf(bytes)}`]) this.registry.manifests.set(key, { bytes, type: manifestType });
    return `${this.registryHost}/${name}:${tag}`;
  }

  private run(program: string, ...args: string[]): Buffer {
    return execFileSync(this.python, ['-c', program, ...args], { maxBuffer: 1 << 28 });
  }

  private forward(target: string): string {
    const there = `${address}:${target.split(':')[1]}`;
    this.forwards.push(spawn(join(folder, 'bin/netforward'), [`/run/netns/sluice-${port}`, there, target], { stdio: 'ignore' }));
    return there;
  }

  private readonly answer: RequestListener = (request, response) => {
    this.asked.push(request.url!);
    const [, folder, name] = request.url!.split('/');
    if (folder === 'wheels') return void response.end(readFileSync(join(this.scratch, name!)));
    if (name !== this.name) return void response.writeHead(404).end();
    const wheel = execFileSync('ls', [this.scratch], { encoding: 'utf8' }).trim();
    response.setHeader('content-type', 'text/html').end(`<!DOCTYPE html><a href="/wheels/${wheel}">${wheel}</a>`);
  };
}

/** The files of an installed package, as the wheel that they came from. */
const wheelOf = `import importlib.metadata, sys, zipfile
name, folder = sys.argv[1:]
package = importlib.metadata.distribution(name)
with zipfile.ZipFile(f"{folder}/{name}-{package.version}-py3-none-any.whl", "w") as wheel:
    for file in package.files:
        if ".." not in file.parts and file.suffix != ".pyc" and file.name not in ("INSTALLER", "REQUESTED", "direct_url.json"):
            wheel.write(file.locate(), str(file))`;

/** A tar of pip, where Debian's Python looks for packages. */
const pipLayer = `import os, pip, sys, tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as layer:
    layer.add(os.path.dirname(pip.__file__), "usr/lib/python3/dist-packages/pip", filter=lambda item: None if "__pycache__" in item.name else item)`;
