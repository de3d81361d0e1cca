// What the page knows of a notebook's runs, whoever started them.
import { startRun, type RunSummary } from '@sluice/core';
import type { Client } from './client';
import { RunsModel } from './runs';

function ended(number: number): RunSummary {
  const run = startRun({
    ...{ id: `run-${number}`, number, pipeline: 'p', runner: 'local', createdAt: number, parameters: {} },
    steps: ['a']
  });
  return { ...run, state: 'succeeded' };
}

/** Whose list is told when it is told to. */
function makeClient() {
  const asked: ((runs: readonly RunSummary[] | Error) => void)[] = [];
  const client = {
    listRuns: () =>
      new Promise((resolve, reject) =>
        asked.push(answer => (answer instanceof Error ? reject(answer) : resolve(answer)))
      ),
    submit: async () => 'run-2',
    getRun: async () => ended(2),
    watch: async function* () {}
  };
  return { client: client as unknown as Client, asked };
}

const numbers = (runs: RunsModel): readonly number[] => runs.all.map(run => run.number);

test('a run of somebody else is found, and a list from before a submission does not hide what was submitted', async () => {
  const { client, asked } = makeClient();
  const runs = new RunsModel(client, () => 'a.ipynb');
  const first = runs.refresh();
  asked[0]!([ended(1)]);
  await first;
  expect(numbers(runs)).toEqual([1]);
  const late = runs.refresh();
  await runs.submit({ notebook: 'a.ipynb' });
  asked[1]!([ended(1)]);
  await late;
  expect(numbers(runs)).toEqual([2, 1]);
  const again = runs.refresh();
  asked[2]!([ended(3), ended(2), ended(1)]);
  await again;
  expect(numbers(runs)).toEqual([3, 2, 1]);
  runs.dispose();
});

test('a refused submission stays told while the list is asked for anew; a server that was away is forgotten', async () => {
  const { client, asked } = makeClient();
  const runs = new RunsModel(client, () => 'a.ipynb');
  const refresh = async (answer: readonly RunSummary[] | Error): Promise<void> => {
    const asking = runs.refresh();
    asked.at(-1)!(answer);
    await asking;
  };
  client.submit = async () => Promise.reject(new Error('No step.'));
  await runs.submit({ notebook: 'a.ipynb' });
  await refresh([]);
  expect(runs.problem).toBe('No step.');
  runs.dismissProblem();
  await refresh(new Error('Away.'));
  expect(runs.problem).toBe('Away.');
  await refresh([]);
  expect(runs.problem).toBeUndefined();
  runs.dispose();
});
