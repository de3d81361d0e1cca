// When the server is asked what `import *` binds, and what its answers change.
import type { StarNames, StarNamesRequest } from '@sluice/core';
import { StarNamesModel } from './starNames';

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

function open(): {
  model: StarNamesModel;
  asked: StarNamesRequest[];
  told: () => number;
  answers: Map<string, string[]>;
} {
  const asked: StarNamesRequest[] = [];
  const answers = new Map([['math', ['sqrt']]]);
  const getStarNames = async (request: StarNamesRequest): Promise<StarNames> => {
    asked.push(request);
    if (request.modules.includes('broken')) throw new Error('no server');
    return new Map([...answers].filter(([module]) => request.modules.includes(module)));
  };
  const model = new StarNamesModel({ getStarNames }, () => ({ notebook: 'nb.ipynb', kernel: 'python3' }));
  let told = 0;
  model.changed.connect(() => told++);
  return { model, asked, told: () => told, answers };
}

test('the server is asked once for the same modules, and not at all for none', async () => {
  const { model, asked, told } = open();
  model.want([]);
  model.want(['math']);
  model.want(['math']);
  await settled();
  model.want(['math']);
  expect(asked).toEqual([{ notebook: 'nb.ipynb', kernel: 'python3', modules: ['math'] }]);
  expect(model.names).toEqual(new Map([['math', ['sqrt']]]));
  expect(told()).toBe(1);
});

test('it is asked again when the notebook is saved, and only another answer changes the names', async () => {
  const { model, asked, told, answers } = open();
  model.askAnew();
  model.want(['math']);
  await settled();
  const { names } = model;
  model.askAnew();
  await settled();
  expect(asked).toHaveLength(2);
  expect(model.names).toBe(names);
  answers.set('math', ['sqrt', 'pow']);
  model.askAnew();
  await settled();
  expect(model.names?.get('math')).toEqual(['sqrt', 'pow']);
  expect(told()).toBe(2);
});

test('where it cannot say, what was known stays; after the end nothing is told', async () => {
  const { model, told } = open();
  model.want(['math']);
  await settled();
  model.want(['math', 'broken']);
  await settled();
  expect(model.names?.get('math')).toEqual(['sqrt']);
  model.want(['math', 'other']);
  model.dispose();
  await settled();
  expect(told()).toBe(1);
});
