// Each folder in test/pipelines is a notebook and the IR that it compiles to. `npm run golden` writes the IR anew; a person reads the difference.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { makeAnalyzer } from '../../src/analyze.js';
import { compilePipeline } from '../../src/ir/compile.js';
import type { Ir } from '../../src/ir/ir.js';
import { planIr } from '../../src/ir/plan.js';
import { printIr } from '../../src/ir/print.js';
import { readIr } from '../../src/ir/read.js';
import { readNotebook } from '../../src/notebook.js';
import { parser } from '../python/python.js';
import { options } from './pipelines.js';

const folder = `${__dirname}/../pipelines`;
const names = readdirSync(folder).sort();

async function compile(name: string): Promise<Ir> {
  const path = `${folder}/${name}/notebook.ipynb`;
  const { notebook } = readNotebook(readFileSync(path, 'utf8'), path);
  const { pipeline } = makeAnalyzer(await parser()).analyze(notebook!);
  expect(pipeline.diagnostics.filter(diagnostic => diagnostic.severity === 'error')).toEqual([]);
  return compilePipeline(pipeline, { ...options, notebook: 'notebook.ipynb', cells: notebook!.cells });
}

test('there are golden pairs', () => expect(names.length).toBeGreaterThan(4));

describe.each(names)('%s', name => {
  const file = `${folder}/${name}/pipeline.yaml`;

  test('compiles to its IR', async () => {
    const compiled = printIr(await compile(name));
    if (process.env.SLUICE_GOLDEN === 'rewrite') writeFileSync(file, compiled);
    expect(compiled).toBe(readFileSync(file, 'utf8'));
  });

  test('is read again as it was, and can be planned', async () => {
    const ir = readIr(readFileSync(file, 'utf8'));
    expect(readIr(printIr(ir))).toEqual(ir);
    expect(planIr(ir).tasks.length).toBe(Object.keys(ir.pipeline.components!).length);
  });

  test('is planned alike whether it is read or has just been compiled', async () => {
    const compiled = await compile(name);
    expect(planIr(compiled)).toEqual(planIr(readIr(printIr(compiled))));
  });
});
