// Each folder in test/pipelines is a notebook, the IR that it compiles to, and the Argo Workflow that comes from the IR. `npm run golden`
// writes both anew; a person reads the difference.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { makeAnalyzer } from '../../src/analyze.js';
import { compileWorkflow } from '../../src/argo/index.js';
import { compilePipeline } from '../../src/ir/compile.js';
import type { Ir } from '../../src/ir/ir.js';
import { planIr } from '../../src/ir/plan.js';
import { printIr, printYaml } from '../../src/ir/print.js';
import { readIr } from '../../src/ir/read.js';
import { readNotebook } from '../../src/notebook.js';
import { parser } from '../python/python.js';
import { options } from './pipelines.js';

const folder = `${__dirname}/../pipelines`;
const names = readdirSync(folder).sort();

const compiled = new Map<string, Promise<Ir>>();

function compile(name: string): Promise<Ir> {
  if (!compiled.has(name)) compiled.set(name, compileNotebook(name));
  return compiled.get(name)!;
}

async function compileNotebook(name: string): Promise<Ir> {
  const path = `${folder}/${name}/notebook.ipynb`;
  const { notebook } = readNotebook(readFileSync(path, 'utf8'), path);
  const { pipeline } = makeAnalyzer(await parser()).analyze(notebook!);
  expect(pipeline.diagnostics.filter(diagnostic => diagnostic.severity === 'error')).toEqual([]);
  return compilePipeline(pipeline, { ...options, notebook: 'notebook.ipynb', cells: notebook!.cells });
}

test('there are golden pairs', () => expect(names.length).toBeGreaterThan(60));

describe.each(names)('%s', name => {
  const file = `${folder}/${name}/pipeline.yaml`;

  test('compiles to its IR', async () => {
    const text = printIr(await compile(name));
    if (process.env.SLUICE_GOLDEN === 'rewrite') writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });

  test('is read again as it was, and can be planned', async () => {
    const ir = readIr(readFileSync(file, 'utf8'));
    expect(readIr(printIr(ir))).toEqual(ir);
    const { executors } = ir.pipeline.deploymentSpec as { executors: object };
    const ofSteps = Object.keys(executors).filter(key => key !== 'exec-sluice-snapshot');
    expect(planIr(ir).tasks.length).toBe(ofSteps.length);
  });

  test('makes the same Argo Workflow, from what was compiled and from what is read', async () => {
    const workflow = `${folder}/${name}/workflow.yaml`;
    const text = printYaml(compileWorkflow(await compile(name)));
    if (process.env.SLUICE_GOLDEN === 'rewrite') writeFileSync(workflow, text);
    expect(text).toBe(readFileSync(workflow, 'utf8'));
    expect(printYaml(compileWorkflow(readIr(readFileSync(file, 'utf8'))))).toBe(text);
  });

  test('is planned alike whether it is read or has just been compiled', async () => {
    const ir = await compile(name);
    expect(planIr(ir)).toEqual(planIr(readIr(printIr(ir))));
  });
});
