// What Sluice costs in JupyterLab, in a real browser: one server with it and one without, visited in turns. Arguments: an empty folder, how
// often, and a Python. Prints one JSON object: seconds, megabytes, and for edits milliseconds.
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { gzipSync } from 'node:zlib';
import { chromium } from '@playwright/test';
import { notebookOf } from './notebooks.mjs';

const [, , folder, rounds, python] = process.argv;
const edits = 25;
const notebooks = { 'bench.ipynb': 70, 'large.ipynb': 2000 };
const megabyte = 1e6;
const mid = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise(resolve => server.once('listening', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** A JupyterLab of its own with the notebooks, with or without Sluice; times its start. */
async function startServer(name, hasSluice) {
  const home = join(folder, name);
  const config = join(home, 'config');
  const root = join(home, 'root');
  await mkdir(join(config, 'labconfig'), { recursive: true });
  await mkdir(root, { recursive: true });
  for (const [path, cells] of Object.entries(notebooks))
    await writeFile(join(root, path), JSON.stringify(notebookOf(cells)));
  if (!hasSluice) {
    const page = { disabledExtensions: { 'jupyterlab-sluice': true } };
    await writeFile(join(config, 'labconfig', 'page_config.json'), JSON.stringify(page));
    const server = { ServerApp: { jpserver_extensions: { jupyterlab_sluice: false } } };
    await writeFile(join(config, 'jupyter_server_config.json'), JSON.stringify(server));
  }
  const port = await freePort();
  const flags = [
    '--no-browser',
    '--allow-root',
    '--expose-app-in-browser',
    '--IdentityProvider.token=',
    '--ServerApp.ip=127.0.0.1'
  ];
  const begin = performance.now();
  const child = spawn(
    python,
    ['-m', 'jupyterlab', ...flags, `--ServerApp.port=${port}`, `--ServerApp.root_dir=${root}`],
    {
      env: {
        ...process.env,
        JUPYTER_CONFIG_DIR: config,
        JUPYTER_RUNTIME_DIR: join(home, 'run'),
        JUPYTERLAB_WORKSPACES_DIR: join(home, 'w')
      },
      stdio: ['ignore', 'ignore', 'ignore']
    }
  );
  const url = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${url}/api`).catch(() => undefined))?.ok) {
    if (child.exitCode !== null) throw new Error('JupyterLab did not start.');
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  const seconds = (performance.now() - begin) / 1000;
  const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => 'VmRSS: 0');
  const stop = () => new Promise(resolve => child.once('exit', resolve) && child.kill('SIGTERM'));
  return { url, seconds, megabytes: (Number(/VmRSS:\s*(\d+)/.exec(status)[1]) * 1024) / megabyte, stop };
}

/** Keeps the memories of WebAssembly programs and the times of analyses where the benchmark finds them. */
function watchPage() {
  globalThis.benchMemories = new Set();
  globalThis.benchAnalyses = [];
  const keep = result => {
    for (const item of Object.values((result.instance ?? result).exports))
      if (item instanceof WebAssembly.Memory) globalThis.benchMemories.add(item);
    return result;
  };
  for (const name of ['instantiate', 'instantiateStreaming']) {
    const plain = WebAssembly[name];
    WebAssembly[name] = (...given) => plain.apply(WebAssembly, given).then(keep);
  }
  const Memory = WebAssembly.Memory;
  WebAssembly.Memory = function (...given) {
    const memory = new Memory(...given);
    globalThis.benchMemories.add(memory);
    return memory;
  };
  WebAssembly.Memory.prototype = Memory.prototype;
  const take = list =>
    globalThis.benchAnalyses.push(...list.getEntriesByName('sluice-analysis').map(entry => entry.duration));
  new PerformanceObserver(take).observe({ type: 'measure' });
}

/** JavaScript's heap after a collection, and as much of WebAssembly's memories as was ever touched, in megabytes. */
async function memoryOf(page) {
  const session = await page.context().newCDPSession(page);
  for (let pass = 0; pass < 3; pass++) await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  const sizes = await page.evaluate(() => [...globalThis.benchMemories].map(({ buffer }) => buffer.byteLength));
  await session.detach();
  return { heap: usedSize / megabyte, wasm: (await residentBytes(sizes)) / megabyte };
}

/** A WebAssembly memory is a range of addresses, most of them without memory behind; only the system knows how many have some. */
async function residentBytes(sizes) {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  let resident = 0;
  for (const { type, id } of processInfo) {
    if (type !== 'renderer' || sizes.length === 0) continue;
    const maps = await readFile(`/proc/${id}/smaps`, 'utf8');
    for (const [, kilobytes, rss] of maps.matchAll(/ rw-p .*\nSize: +(\d+) kB\n(?:.*\n){2}Rss: +(\d+) kB/g))
      if (sizes.includes(kilobytes * 1024)) resident += rss * 1024;
  }
  return resident;
}

/** Seconds from the visit to JupyterLab's first whole picture. */
async function visit(page, url) {
  await page.goto(`${url}/lab?reset`, { waitUntil: 'commit' });
  await page.waitForFunction(() => globalThis.jupyterapp !== undefined);
  return page.evaluate(() => globalThis.jupyterapp.restored.then(() => performance.now() / 1000));
}

/** Open a notebook and edit its middle cell, as the user of either server would. How long the first analysis and those of the edits took. */
async function work(page, hasSluice, path) {
  const count = () => page.evaluate(() => globalThis.benchAnalyses.length);
  const before = await count();
  await page.evaluate(async path => {
    const panel = await globalThis.jupyterapp.commands.execute('docmanager:open', { path, kernel: { name: null } });
    await panel.context.ready;
    await panel.revealed;
    globalThis.benchNotebook = panel;
  }, path);
  const analyzed = many => page.waitForFunction(many => globalThis.benchAnalyses.length >= many, many);
  if (hasSluice) {
    await page.evaluate(() => globalThis.jupyterapp.shell.activateById('sluice-panel'));
    await analyzed(before + 1);
  }
  const begin = await count();
  for (let pass = 0; pass < edits; pass++) {
    await page.evaluate(pass => {
      const { cells } = globalThis.benchNotebook.model;
      const { sharedModel } = cells.get(cells.length >> 1);
      sharedModel.setSource(`${sharedModel.getSource()}\nedited_${pass} = ${pass}`);
    }, pass);
    if (hasSluice) await analyzed(begin + pass + 1);
    else await page.waitForTimeout(60);
  }
  const [first, ...others] = await page.evaluate(before => globalThis.benchAnalyses.slice(before), before);
  return { first, edits: others.slice(begin - before - 1) };
}

/** Bytes of our scripts, and of scripts and programs, that the page has asked for, plain and compressed. */
function watchScripts(page) {
  const loads = [];
  page.on('response', response => {
    if (!/extensions\/jupyterlab-sluice\/.*\.(js|wasm)/.test(response.url())) return;
    const isScript = /\.js\b/.test(response.url());
    loads.push(
      response.body().then(body => ({ isScript, plain: body.length, packed: gzipSync(body, { level: 9 }).length }))
    );
  });
  return async () => {
    const all = await Promise.all(loads);
    const sum = (kind, some = all) => some.reduce((total, load) => total + load[kind], 0) / megabyte;
    const scripts = all.filter(({ isScript }) => isScript);
    return { plain: sum('plain'), packed: sum('packed'), packedScripts: sum('packed', scripts) };
  };
}

const told = { with: [], without: [] };
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync'
  ]
});
try {
  for (let round = 0; round < Number(rounds); round++)
    for (const kind of ['with', 'without']) {
      const hasSluice = kind === 'with';
      const server = await startServer(`${kind}-${round}`, hasSluice);
      try {
        const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
        await context.addInitScript(watchPage);
        const first = await context.newPage();
        const scriptsBefore = watchScripts(first);
        const firstVisit = await visit(first, server.url);
        const before = { ...(await memoryOf(first)), scripts: await scriptsBefore() };
        await first.close();
        const page = await context.newPage();
        const scripts = watchScripts(page);
        const secondVisit = await visit(page, server.url);
        const few = await work(page, hasSluice, 'bench.ipynb');
        const after = { ...(await memoryOf(page)), scripts: await scripts() };
        const large = hasSluice ? await work(page, hasSluice, 'large.ipynb') : undefined;
        await context.close();
        told[kind].push({
          server: { seconds: server.seconds, megabytes: server.megabytes },
          firstVisit,
          secondVisit,
          before,
          after,
          few,
          large
        });
      } finally {
        await server.stop();
      }
    }
} finally {
  await browser.close();
}

const added = read => mid(told.with.map(read)) - mid(told.without.map(read));
const times = told.with.flatMap(one => one.few.edits);
console.log(
  JSON.stringify({
    edit: mid(times),
    slowestEdit: Math.max(...times),
    largeFirst: mid(told.with.map(one => one.large.first)),
    largeEdit: mid(told.with.flatMap(one => one.large.edits)),
    memory: added(one => one.after.heap + one.after.wasm),
    memoryBefore: added(one => one.before.heap),
    scriptsBefore: told.with[0].before.scripts.plain,
    scripts: told.with[0].after.scripts,
    serverSeconds: {
      with: mid(told.with.map(one => one.server.seconds)),
      without: mid(told.without.map(one => one.server.seconds))
    },
    serverMegabytes: added(one => one.server.megabytes),
    firstVisit: {
      with: mid(told.with.map(one => one.firstVisit)),
      without: mid(told.without.map(one => one.firstVisit))
    },
    secondVisit: {
      with: mid(told.with.map(one => one.secondVisit)),
      without: mid(told.without.map(one => one.secondVisit))
    }
  })
);
