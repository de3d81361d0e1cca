// How fast the list of runs opens when there are a thousand of twenty steps each. Its argument is an empty folder. Prints milliseconds.
import { performance } from 'node:perf_hooks';
import { importSource } from './bundle.mjs';

const { Store } = await importSource('server/src/store.ts');
const [, , home] = process.argv;
const steps = Array.from({ length: 20 }, (_, index) => `step-${index}`);

const store = new Store(home);
for (let number = 0; number < 1000; number++)
  store.sql.transaction(() => {
    const notebook = `notebook-${number % 10}.ipynb`;
    const { id: run } = store.create({ pipeline: 'bench', notebook, runner: 'local', parameters: { rounds: 10 } });
    store.append(run, { type: 'run-started', run, steps });
    for (const step of steps) {
      store.append(run, { type: 'step', step, state: 'running' });
      store.append(run, { type: 'log', step, stream: 'stdout', text: 'one line of what it says\n' });
      store.append(run, { type: 'step', step, state: 'succeeded', durationMs: 12 });
    }
    store.append(run, { type: 'run-ended', run, state: 'succeeded', metrics: { accuracy: 0.9 } });
  });
store.close();

function open(filter) {
  const begin = performance.now();
  const opened = new Store(home);
  const text = JSON.stringify(opened.list(filter));
  const taken = performance.now() - begin;
  opened.close();
  const runs = JSON.parse(text);
  const isWhole = runs.length === (filter.notebook ? 100 : 1000) && runs[0].steps.length === 20;
  if (!isWhole) throw new Error('The list is not whole.');
  return taken;
}

const median = filter => Array.from({ length: 9 }, () => open(filter)).sort((a, b) => a - b)[4];
console.log(JSON.stringify({ all: median({}), notebook: median({ notebook: 'notebook-3.ipynb' }) }));
