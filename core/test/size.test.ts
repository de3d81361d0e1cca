// What the browser loads in order to analyse a notebook: the parser's two programs, and the code of the analysis with all that it uses.
import { build } from 'esbuild';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const packed = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length;

test('what analyses a notebook is at most 250 kB, compressed', async () => {
  const { outputFiles } = await build({
    stdin: {
      contents: "export { makeAnalyzer, makeParser, toNotebook } from './src/index.ts'",
      resolveDir: `${__dirname}/..`
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    external: ['fs/promises', 'module'], // web-tree-sitter's, in Node only
    write: false
  });
  const programs = ['web-tree-sitter/web-tree-sitter.wasm', 'tree-sitter-python/tree-sitter-python.wasm'];
  const parts = [...programs.map(name => readFileSync(require.resolve(name))), outputFiles[0]!.contents];
  const size = parts.map(packed).reduce((sum, part) => sum + part, 0);
  expect(size).toBeGreaterThan(150_000); // else a part is missing
  expect(size).toBeLessThanOrEqual(250_000);
});
