// The same proxies as kubectl takes: a sentence, the server, the variables, and the proxy.
import { findProxy } from '../../src/kubernetes/proxies.js';

const https_proxy = 'http://proxy:3128';

test.each<[what: string, server: string, env: NodeJS.ProcessEnv, proxy: string | undefined]>([
  ['nothing is said', 'https://k8s', {}, undefined],
  ['one for https', 'https://k8s', { https_proxy }, https_proxy],
  [
    'in capitals, which come first',
    'https://k8s',
    { https_proxy: 'http://other', HTTPS_PROXY: https_proxy },
    https_proxy
  ],
  ['without a scheme', 'https://k8s', { https_proxy: 'proxy:3128' }, https_proxy],
  ['one for http alone', 'https://k8s', { http_proxy: 'http://proxy' }, undefined],
  ['this computer', 'https://127.0.0.1:6443', { https_proxy }, undefined],
  ['this computer by name', 'https://localhost:6443', { https_proxy }, undefined],
  ['a name that is excepted', 'https://k8s.example.com', { https_proxy, no_proxy: 'a.b, k8s.example.com' }, undefined],
  ['its domain', 'https://k8s.example.com', { https_proxy, NO_PROXY: 'example.com' }, undefined],
  ['its domain with a dot', 'https://k8s.example.com', { https_proxy, no_proxy: '.example.com' }, undefined],
  [
    'a domain with a dot, which is not itself meant',
    'https://example.com',
    { https_proxy, no_proxy: '.example.com' },
    https_proxy
  ],
  ['another name that ends alike', 'https://myexample.com', { https_proxy, no_proxy: 'example.com' }, https_proxy],
  ['another port', 'https://k8s:6443', { https_proxy, no_proxy: 'k8s:443' }, https_proxy],
  ['the same port', 'https://k8s', { https_proxy, no_proxy: 'k8s:443' }, undefined],
  ['a network', 'https://10.2.3.4:6443', { https_proxy, no_proxy: '10.0.0.0/8' }, undefined],
  ['another network', 'https://11.2.3.4:6443', { https_proxy, no_proxy: '10.0.0.0/8,10.0.0.0/99,x/8' }, https_proxy],
  ['an address', 'https://[fd00::1]:6443', { https_proxy, no_proxy: 'fd00::1' }, undefined],
  ['everything', 'https://k8s', { https_proxy, no_proxy: '*' }, undefined]
])('%s', (_, server, env, proxy) => expect(findProxy(server, env)).toBe(proxy));
