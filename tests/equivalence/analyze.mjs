// Reads notebooks as JSON (a list of cells {tags, source}, and the files beside it) and prints their pipelines, one JSON line each.
import { build } from 'esbuild';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const core = new URL('../../core/', import.meta.url);
const require = createRequire(new URL('package.json', core));
const folder = await mkdtemp(join(tmpdir(), 'sluice-analyze-'));
const outfile = join(folder, 'core.mjs');
await build({
  stdin: {
    contents: `export { makeAnalyzer } from './analyze.ts'; export { makeParser } from './python/parser.ts';`,
    resolveDir: fileURLToPath(new URL('src/', core))
  },
  bundle: true,
  outfile,
  platform: 'node',
  format: 'esm',
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" }
});
const { makeAnalyzer, makeParser } = await import(outfile);
await rm(folder, { recursive: true });
const analyzer = makeAnalyzer(
  await makeParser({
    runtime: await readFile(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
    grammar: await readFile(require.resolve('tree-sitter-python/tree-sitter-python.wasm'))
  })
);
let text = '';
for await (const chunk of process.stdin) text += chunk;
for (const [cells, files] of JSON.parse(text)) {
  const notebook = { cells: cells.map((cell, index) => ({ index, type: 'code', ...cell })), metadata: {} };
  const modules = Object.entries(files).map(([path, source]) => [
    path.replace(/(\/__init__)?\.py$/, '').replaceAll('/', '.'),
    { source, isPackage: path.endsWith('__init__.py') }
  ]);
  const own = modules.length === 0 ? undefined : analyzer.ownModules(new Map(modules)).found;
  console.log(JSON.stringify(analyzer.analyze(notebook, undefined, own).pipeline));
}
