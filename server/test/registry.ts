// A registry of images on this machine, as far as pushing and pulling need one: the OCI distribution protocol with uploads in one piece or in
// several, whose digests are recomputed. https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Content {
  readonly bytes: Buffer;
  readonly type: string;
}

export class Registry {
  /** by digest */
  readonly blobs = new Map<string, Content>();
  /** by `repository:tag` and `repository@digest` */
  readonly manifests = new Map<string, Content>();
  /** nobody may write to these */
  readonly closed = new Set<string>();
  private readonly uploads = new Map<string, Buffer>();
  private readonly server = createServer((request, response) => void this.answer(request, response));

  /** Resolves with its host and port. */
  async listen(): Promise<string> {
    await new Promise<void>(resolve => this.server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise(resolve => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { method = 'GET' } = request;
    const url = new URL(request.url!, 'http://registry');
    const [, name = '', kind = '', reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/([^/]*)$/.exec(url.pathname) ?? [];
    response.setHeader('docker-distribution-api-version', 'registry/2.0');
    if (url.pathname === '/v2/') return void response.end('{}');
    if (method !== 'GET' && method !== 'HEAD' && this.closed.has(name))
      return refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
    if (kind === 'blobs/uploads') return this.upload(response, { method, name, id: reference, url, body });
    if (kind === 'blobs') return give(response, method, this.blobs.get(reference), reference);
    if (kind !== 'manifests') return refuse(response, 404, 'NAME_UNKNOWN', url.pathname);
    if (method === 'PUT')
      return this.keep(response, { name, reference, body, type: String(request.headers['content-type']) });
    const key = reference.startsWith('sha256:') ? `${name}@${reference}` : `${name}:${reference}`;
    const found = this.manifests.get(key);
    give(response, method, found, found && digestOf(found.bytes));
  }

  private upload(
    response: ServerResponse,
    { method, name, id, url, body }: { method: string; name: string; id: string; url: URL; body: Buffer }
  ): void {
    const own = method === 'POST' ? randomUUID() : id;
    const known = method === 'POST' ? Buffer.alloc(0) : this.uploads.get(own);
    if (known === undefined) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', id);
    const bytes = Buffer.concat([known, body]);
    this.uploads.set(own, bytes);
    const digest = url.searchParams.get('digest');
    if (digest === null) {
      const headers = { location: `/v2/${name}/blobs/uploads/${own}`, range: `0-${Math.max(0, bytes.length - 1)}` };
      return void response.writeHead(202, headers).end();
    }
    if (digestOf(bytes) !== digest) return refuse(response, 400, 'DIGEST_INVALID', digest);
    this.uploads.delete(own);
    this.blobs.set(digest, { bytes, type: 'application/octet-stream' });
    response.writeHead(201, { location: `/v2/${name}/blobs/${digest}`, 'docker-content-digest': digest }).end();
  }

  private keep(
    response: ServerResponse,
    { name, reference, body, type }: { name: string; reference: string; body: Buffer; type: string }
  ): void {
    const { config, layers } = JSON.parse(body.toString('utf8')) as Record<'config', Part> & { layers: Part[] };
    const missing = [config, ...layers].find(({ digest }) => !this.blobs.has(digest));
    if (missing !== undefined) return refuse(response, 404, 'MANIFEST_BLOB_UNKNOWN', missing.digest);
    const digest = digestOf(body);
    for (const key of [`${name}@${digest}`, `${name}:${reference}`]) this.manifests.set(key, { bytes: body, type });
    response.writeHead(201, { location: `/v2/${name}/manifests/${digest}`, 'docker-content-digest': digest }).end();
  }
}

interface Part {
  readonly digest: string;
}

export const digestOf = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

function give(response: ServerResponse, method: string, found: Content | undefined, digest = ''): void {
  if (found === undefined) return refuse(response, 404, 'UNKNOWN', 'not here');
  const { bytes, type } = found;
  const headers = { 'content-type': type, 'content-length': bytes.length, 'docker-content-digest': digest };
  response.writeHead(200, headers).end(method === 'HEAD' ? undefined : bytes);
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errors: [{ code, message }] }));
}
