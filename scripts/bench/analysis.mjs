// How fast a notebook becomes a pipeline in Node. Its argument is a folder: each notebook of 70 cells is written there, for others to analyse.
// Prints one JSON object, in milliseconds that the processor worked, so that it tells the same on a busy machine; where a thing can be done more
// than once, the median. `kept` is the memory, in megabytes, that the notebook's analysis keeps for the next edit.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { importSource, readPrograms } from './bundle.mjs';
import { edited, notebookOf } from './notebooks.mjs';

const core = { ...(await importSource('core/src/index.ts')), ...(await importSource('core/src/ir/print.ts')) };
const parser = await core.makeParser(await readPrograms());
const options = { runtime: { boot: '', packed: '' }, image: 'python:3.12' };
const passes = 15;

function time(run) {
  const begin = process.threadCpuUsage();
  run();
  const { user, system } = process.threadCpuUsage(begin);
  return (user + system) / 1000;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

function heap() {
  collectGarbage();
  return process.memoryUsage().heapUsed / 1e6;
}

function repeat(run) {
  const times = Array.from({ length: passes }, (_, pass) => time(() => run(pass)));
  return times.sort((a, b) => a - b)[passes >> 1];
}

const read = json => core.toNotebook(json).notebook;

function measure(json) {
  const analyzer = core.makeAnalyzer(parser);
  const notebook = read(json);
  const edits = Array.from({ length: passes }, (_, pass) => read(edited(json, pass)));
  const before = heap();
  return {
    first: time(() => analyzer.analyze(notebook)),
    kept: heap() - before,
    edit: repeat(pass => analyzer.analyze(edits[pass])),
    again: repeat(() => core.printIr(core.compilePipeline(analyzer.analyze(notebook).pipeline, options)))
  };
}

const notebooks = { few: notebookOf(70), many: notebookOf(70, 1), large: notebookOf(2000) };
const [, , folder] = process.argv;
for (const name of ['few', 'many']) await writeFile(join(folder, `${name}.ipynb`), JSON.stringify(notebooks[name]));
console.log(JSON.stringify(Object.fromEntries(Object.entries(notebooks).map(([name, json]) => [name, measure(json)]))));
