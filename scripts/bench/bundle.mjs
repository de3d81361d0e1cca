// Our TypeScript as a module that Node can import, bundled from its source, so that nothing must be built before; minified as the page's is.
import { build } from 'esbuild';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));
const require = createRequire(join(root, 'core/package.json'));

/** Import a file of this repository, with all that it imports. */
export async function importSource(path) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  try {
    await build({
      entryPoints: [join(root, path)],
      outfile: join(folder, 'source.mjs'),
      bundle: true,
      alias: { '@sluice/core': join(root, 'core/src/index.ts') },
      platform: 'node',
      format: 'esm',
      minify: true,
      banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" } // for CommonJS inside
    });
    return await import(join(folder, 'source.mjs'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The parser's two WebAssembly programs. */
export async function readPrograms() {
  return {
    runtime: await readFile(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
    grammar: await readFile(require.resolve('tree-sitter-python/tree-sitter-python.wasm'))
  };
}
