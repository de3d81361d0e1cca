// How fast a notebook becomes a pipeline: medians for a notebook of 70 cells and for one of 2,000, read for the first
// time, again as it was, and with one cell edited. Core is bundled from its source, so nothing must be built.
import { build } from 'esbuild';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

const require = createRequire(new URL('../core/package.json', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
await build({
  entryPoints: [new URL('../core/src/index.ts', import.meta.url).pathname],
  outfile: join(folder, 'core.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" } // for CommonJS inside
});
const core = await import(join(folder, 'core.mjs')).finally(() => rm(folder, { recursive: true }));
const parser = await core.makeParser({
  runtime: await readFile(require.resolve('web-tree-sitter/web-tree-sitter.wasm')),
  grammar: await readFile(require.resolve('tree-sitter-python/tree-sitter-python.wasm'))
});

/** A cell as data scientists write them; each number gives another. */
const bodies = [
  n => `import numpy as np\nimport pandas as pd\nframe_${n} = pd.read_csv('data_${n}.csv')\nframe_${n}.head()`,
  n =>
    `def clean_${n}(frame, columns=("a", "b")):\n    kept = frame.dropna(subset=list(columns))\n    for column in columns:\n        kept[column] = kept[column].map(lambda value: value * ${n})\n    return kept`,
  n =>
    `table_${n} = clean_${n - 1}(frame_${n - 2})\ntable_${n}["sum"] = table_${n}["a"] + table_${n}["b"]\nX_${n}, y_${n} = table_${n}[["a", "b"]], table_${n}["sum"]`,
  n =>
    `from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.linear_model import LogisticRegression\nmodels_${n} = [("forest", RandomForestClassifier(random_state=0)), ("linear", LogisticRegression())]\nscores_${n} = {}\nfor name, model in models_${n}:\n    model.fit(X_${n - 1}, y_${n - 1})\n    scores_${n}[name] = model.score(X_${n - 1}, y_${n - 1})`,
  n =>
    `import matplotlib.pyplot as plt\nfig, axes = plt.subplots(1, 2)\nfor ax, (name, model) in zip(axes, models_${n - 1}):\n    ax.plot(model.predict_proba(X_${n - 2})[:, 0], label=name)\n    ax.set_title(f"{name}: {scores_${n - 1}[name]:.2f}")\nplt.show()`
];

function notebookOf(count) {
  const cells = Array.from({ length: count }, (_, index) => ({
    index,
    id: `c${index}`,
    type: 'code',
    source: bodies[index % bodies.length](index),
    tags: index % 5 === 0 ? [`step:s${index}`] : []
  }));
  return { cells, metadata: {} };
}

const edited = (notebook, pass) => ({
  ...notebook,
  cells: notebook.cells.map(cell =>
    cell.index === notebook.cells.length >> 1 ? { ...cell, source: `${cell.source}\nedited = ${pass}` } : cell
  )
});

const options = { runtime: { boot: '', packed: '' }, image: 'python:3.12' };

function time(run) {
  const begin = performance.now();
  run();
  return performance.now() - begin;
}

const median = numbers => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const repeat = (count, run) => median(Array.from({ length: count }, (_, pass) => time(() => run(pass))));

const small = notebookOf(70);
const large = notebookOf(2000);
const analyzer = core.makeAnalyzer(parser);
const compile = () => core.printIr(core.compilePipeline(analyzer.analyze(small).pipeline, options));
const rows = [
  ['2,000 cells, first time', 1000, time(() => core.makeAnalyzer(parser).analyze(large))],
  ['70 cells, first time', undefined, repeat(5, () => core.makeAnalyzer(parser).analyze(small))],
  ['70 cells, analysed and compiled again', 50, repeat(25, compile)],
  ['70 cells, one cell edited', 16, repeat(25, pass => analyzer.analyze(edited(small, pass)))]
];
for (const [what, budget, taken] of rows)
  console.log(`${taken.toFixed(1).padStart(8)} ms  ${what}${budget === undefined ? '' : `  (budget ${budget} ms)`}`);
