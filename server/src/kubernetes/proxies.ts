// Which proxy leads to a server, as kubectl decides where the kubeconfig names none: by the variables that Go's programs read.
// https://pkg.go.dev/golang.org/x/net/http/httpproxy
import { BlockList, isIP } from 'node:net';

/** Undefined where the server is reached without one. */
export function findProxy(server: string, env: NodeJS.ProcessEnv): string | undefined {
  if (!URL.canParse(server)) return undefined;
  const { protocol, hostname, port } = new URL(server);
  const proxy = protocol === 'https:' ? env.HTTPS_PROXY || env.https_proxy : env.HTTP_PROXY || env.http_proxy;
  if (!proxy) return undefined;
  const host = hostname.replace(/^\[|\]$/g, '');
  const isExcepted =
    isLoopback(host) ||
    (env.NO_PROXY || env.no_proxy || '')
      .split(',')
      .map(entry => entry.trim().toLowerCase())
      .some(entry => entry !== '' && matches(entry, host, port || (protocol === 'https:' ? '443' : '80')));
  if (isExcepted) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true;
  const [, address, bits] = /^(.*)\/(\d+)$/.exec(entry) ?? [];
  if (address !== undefined) return isIn(address, Number(bits), host);
  const [, name = entry, only] = (isIP(entry) === 0 && /^\[?(.*?)\]?:(\d+)$/.exec(entry)) || [];
  if (only !== undefined && only !== port) return false;
  const domain = name.replace(/^\*?\./, '');
  return (host === domain && !name.startsWith('.')) || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

function isIn(address: string, bits: number, host: string): boolean {
  const kind = isIP(address);
  if (kind === 0 || isIP(host) !== kind || bits > (kind === 4 ? 32 : 128)) return false;
  const type = kind === 4 ? 'ipv4' : 'ipv6';
  const block = new BlockList();
  block.addSubnet(address, bits, type);
  return block.check(host, type);
}
