// Who we are to Kubeflow, how we get there, and what is said when we do not: each against a real server, each within seconds.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect as connectTo, createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInside, readAccess } from '../../src/kfp/access';
import { connect } from '../../src/kfp/connect';
import { KfpServer, type KfpServerOptions } from './server';

const folder = mkdtempSync(join(tmpdir(), 'sluice-access-'));
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function serve(options: Partial<KfpServerOptions> = {}): Promise<string> {
  const server = new KfpServer({ folder, python: 'python3', env: {}, ...options });
  closers.push(() => server.close());
  return server.listen();
}

async function listen(server: Server): Promise<number> {
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const serveHttp = async (handle: RequestListener) => `http://127.0.0.1:${await listen(createServer(handle))}`;

/** Where it got to, or what it said; never more than a few seconds later. */
async function attempt(url: string, env: NodeJS.ProcessEnv = {}, namespace?: string): Promise<string> {
  const began = Date.now();
  try {
    const connection = await connect(readAccess({ url, ...(namespace === undefined ? {} : { namespace }) }, env), env);
    await connection.close();
    return `at ${connection.where.replace(/:\d{4,}/, '')} in ${connection.namespace ?? 'no namespace'}`;
  } catch (error) {
    return (error as Error).message.replace(/:\d{4,}/g, '');
  } finally {
    expect(Date.now() - began).toBeLessThan(20_000); // five, and what a busy machine adds
  }
}

const token = (claims: object) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;

describe('four ways to be let in', () => {
  test.each<[string, Partial<KfpServerOptions>, NodeJS.ProcessEnv, string]>([
    ['nobody asks', {}, {}, 'at http://127.0.0.1 in no namespace'],
    ['a bearer token', { token: 't' }, { SLUICE_KFP_TOKEN: 't' }, 'at http://127.0.0.1 in no namespace'],
    [
      'a cookie of Dex',
      { cookie: 'authservice_session=c' },
      { SLUICE_KFP_COOKIE: 'authservice_session=c' },
      'at http://127.0.0.1 in no namespace'
    ],
    ['behind the dashboard', { prefix: '/pipeline' }, {}, 'at http://127.0.0.1/pipeline in no namespace'],
    ['a profile', { isMultiUser: true }, { SLUICE_KFP_NAMESPACE: 'team-a' }, 'at http://127.0.0.1 in team-a'],
    [
      'no profile where there are several',
      { isMultiUser: true },
      {},
      'Kubeflow Pipelines at ‘http://127.0.0.1’ has several users: name your profile’s namespace with --namespace.'
    ],
    [
      'no token',
      { token: 't' },
      {},
      'Kubeflow Pipelines at ‘http://127.0.0.1’ did not accept who we are (Failed to authenticate the user: token review failed). It asks for a login. Put a token in SLUICE_KFP_TOKEN, or a browser’s cookie of it in SLUICE_KFP_COOKIE.'
    ],
    [
      'an expired token',
      { token: 't' },
      { SLUICE_KFP_TOKEN: token({ exp: 1_700_000_000 }), TZ: 'UTC' },
      'Kubeflow Pipelines at ‘http://127.0.0.1’ did not accept who we are (Failed to authenticate the user: token review failed). The token expired on 2023-11-14'
    ],
    [
      'a session that has ended',
      { cookie: 'authservice_session=c' },
      { SLUICE_KFP_COOKIE: 'authservice_session=old' },
      'Kubeflow Pipelines at ‘http://127.0.0.1’ sent us to a login page. The session of the cookie has ended, or it is another server’s. Log in with a browser and put its new cookie in SLUICE_KFP_COOKIE.'
    ]
  ])('%s', async (_, options, env, expected) => {
    expect(await attempt(await serve(options), env)).toContain(expected);
  });

  test('a token in a file is read again for each request', async () => {
    const file = join(folder, 'token');
    writeFileSync(file, 'old\n');
    const url = await serve({ token: 'new' });
    const access = readAccess({ url }, { KF_PIPELINES_SA_TOKEN_PATH: file });
    await expect(connect(access, {})).rejects.toThrow('did not accept who we are');
    writeFileSync(file, 'new\n');
    await (await connect(access, {})).close();
  });

  test('in a pod, the service and the token with the audience of pipelines', () => {
    const access = readAccess(
      {},
      { KUBERNETES_SERVICE_HOST: '10.96.0.1', KF_PIPELINES_SA_TOKEN_PATH: join(folder, 'token') }
    );
    expect(access).toMatchObject({
      way: 'cluster',
      url: 'http://ml-pipeline.kubeflow.svc.cluster.local:8888',
      credential: 'token'
    });
  });
});

test.each([
  ['http://ml-pipeline.kubeflow:8888', true],
  ['ml-pipeline-ui.kubeflow.svc/pipeline', true],
  ['http://istio.mesh.svc.cluster.local/pipeline', true],
  ['http://ml-pipeline:8888', true],
  ['https://kubeflow.example.org/pipeline', false],
  ['https://ml-pipeline.example.org', false],
  ['http://127.0.0.1:8888', false]
])('whether only pods of its cluster know ‘%s’: %s', (url, isSo) => expect(isInside(url)).toBe(isSo));

describe('servers that are not what they should be', () => {
  const json =
    (status: number, body: object): RequestListener =>
    (_, response) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  test.each<[string, RequestListener, string]>([
    [
      'a web page',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>It works!</h1>'),
      '‘http://127.0.0.1’ answered with a web page and not with Kubeflow’s API. Write the URL up to what comes before /apis, such as https://HOST/pipeline.'
    ],
    [
      'a login page',
      (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Sign in</title>'),
      'Kubeflow Pipelines at ‘http://127.0.0.1’ answered with a login page.'
    ],
    [
      'another host',
      (_, response) =>
        void response.writeHead(308, { location: 'https://kubeflow.example.com/apis/v2beta1/healthz' }).end(),
      '‘http://127.0.0.1’ sends requests elsewhere. It names ‘https://kubeflow.example.com’ instead: write that URL.'
    ],
    [
      'version 1',
      (request, response) =>
        request.url === '/apis/v1beta1/healthz'
          ? json(200, { tag_name: '1.8.5' })(request, response)
          : json(404, { message: 'Not Found' })(request, response),
      '‘http://127.0.0.1’ is Kubeflow Pipelines 1. Sluice needs version 2, whose API is v2beta1.'
    ],
    [
      'something else',
      (_, response) => void response.writeHead(404).end(),
      '‘http://127.0.0.1’ has no API of Kubeflow Pipelines 2. Check the URL.'
    ],
    [
      'a busy one',
      (_, response) => void response.writeHead(503).end('upstream'),
      'Kubeflow Pipelines at ‘http://127.0.0.1’ is too busy or not ready (status 503). Try again later.'
    ],
    [
      'no right',
      json(403, { message: 'User alice is not authorized' }),
      'Kubeflow Pipelines at ‘http://127.0.0.1’ does not allow us to say how it is: User alice is not authorized. Use a namespace that you may work in (--namespace), or ask for the right.'
    ],
    [
      'one that never answers',
      () => undefined,
      'Kubeflow Pipelines at ‘http://127.0.0.1’ can’t be reached: it did not answer in time. Is the URL right, and the network up?'
    ],
    [
      'one that hangs up',
      request => void request.socket.destroy(),
      'Kubeflow Pipelines at ‘http://127.0.0.1’ can’t be reached: the connection was cut. Try again.'
    ]
  ])(
    '%s',
    async (_, handle, expected) => {
      expect(await attempt(await serveHttp(handle))).toContain(expected);
    },
    15_000
  );

  test.each([
    ['nothing listens', 'http://127.0.0.1:1025', 'nothing listens there. Is it running, and the port right?'],
    ['no such host', 'http://kubeflow.invalid', 'there is no host of that name. Check the URL.'],
    ['no URL', 'http://', '‘http://’ is not the URL of a server.'],
    ['a password in it', 'https://me:secret@kubeflow.example.com', 'has a user’s name or a password in it']
  ])('%s', async (_, url, expected) => {
    const said = await attempt(url);
    expect(said).toContain(expected);
    expect(said).not.toContain('secret');
  });
});

describe('TLS and proxies', () => {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  beforeAll(() => {
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        key,
        '-out',
        cert,
        '-subj',
        '/CN=kubeflow',
        '-addext',
        'subjectAltName=IP:127.0.0.1'
      ],
      { stdio: 'ignore' }
    );
  });

  const healthy: RequestListener = (_, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  const serveTls = async () => {
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, healthy);
    return `https://127.0.0.1:${await listen(server)}`;
  };

  test('an authority of one’s own', async () => {
    const url = await serveTls();
    expect(await attempt(url)).toBe(
      'Kubeflow Pipelines at ‘https://127.0.0.1’ can’t be reached: its certificate is signed by an authority that this machine does not know. Put the authority’s certificate in a file and name it in SLUICE_KFP_CA (or set SLUICE_KFP_INSECURE=1 to trust whoever answers).'
    );
    expect(await attempt(url, { SLUICE_KFP_CA: cert })).toBe('at https://127.0.0.1 in no namespace');
    expect(await attempt(url, { SLUICE_KFP_INSECURE: '1' })).toBe('at https://127.0.0.1 in no namespace');
    expect(await attempt(url, { SLUICE_KFP_CA: key })).toContain('is not a file with a certificate in PEM.');
    expect(await attempt(url.replace('https', 'http'))).toContain('can’t be reached');
    expect(await attempt((await serve()).replace('http', 'https'))).toContain('it does not speak TLS as we do');
  });

  test('a proxy is asked where the environment names one, and passed by where it says so', async () => {
    const asked: string[] = [];
    const proxy = createServer((_, response) => void response.writeHead(500).end());
    proxy.on('connect', (request, socket) => {
      asked.push(request.url!.replace(/:\d+$/, ''));
      const [host, port] = request.url!.split(':');
      const target = connectTo(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        target.pipe(socket).pipe(target);
      });
      for (const end of [socket, target]) end.on('error', () => undefined);
    });
    const url = await serveTls();
    const https_proxy = `http://127.0.0.1:${await listen(proxy)}`;
    expect(await attempt(url, { SLUICE_KFP_CA: cert, https_proxy })).toBe('at https://127.0.0.1 in no namespace');
    expect(asked).toContain('127.0.0.1');
    const before = asked.length;
    await attempt(url, { SLUICE_KFP_CA: cert, https_proxy, no_proxy: '127.0.0.1' });
    expect(asked).toHaveLength(before);
  });

  test('a server that takes the connection and says nothing', async () => {
    const server = createTcpServer(socket => void socket.on('error', () => undefined));
    closers.push(() => server.close());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    expect(await attempt(`https://127.0.0.1:${port}`)).toContain('it did not answer in time');
  }, 15_000);
});
