// When the server is asked what only modules can tell, and what its answers change.
import type { ModulesAnswer, ModulesRequest } from '@sluice/core';
import { ModulesModel } from './modules';

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve));

const own = { kept: { 'mine.count': '' }, members: { 'mine.tick': { reads: [], changes: ['mine.count'] } } };

function open(): {
  model: ModulesModel;
  asked: ModulesRequest[];
  told: () => number;
  answers: Map<string, string[]>;
} {
  const asked: ModulesRequest[] = [];
  const answers = new Map([['math', ['sqrt']]]);
  const getModules = async (request: ModulesRequest): Promise<ModulesAnswer> => {
    asked.push(request);
    if (request.stars.includes('broken')) throw new Error('no server');
    const names = Object.fromEntries([...answers].filter(([module]) => request.stars.includes(module)));
    return { names, ...(request.imports.includes('mine') && { own }) };
  };
  const model = new ModulesModel({ getModules }, () => ({ notebook: 'nb.ipynb', kernel: 'python3' }));
  let told = 0;
  model.changed.connect(() => told++);
  return { model, asked, told: () => told, answers };
}

test('the server is asked once for the same modules, and not at all for none', async () => {
  const { model, asked, told } = open();
  model.want({ stars: [], imports: [] });
  model.want({ stars: ['math'], imports: [] });
  model.want({ stars: ['math'], imports: [] });
  await settled();
  model.want({ stars: ['math'], imports: [] });
  expect(asked).toEqual([{ notebook: 'nb.ipynb', kernel: 'python3', stars: ['math'], imports: [] }]);
  expect(model.names).toEqual(new Map([['math', ['sqrt']]]));
  expect(told()).toBe(1);
});

test('it is asked again when the notebook is saved, and only another answer changes the names', async () => {
  const { model, asked, told, answers } = open();
  model.askAnew();
  model.want({ stars: ['math'], imports: [] });
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
  model.want({ stars: ['math'], imports: [] });
  await settled();
  model.want({ stars: ['math', 'broken'], imports: [] });
  await settled();
  expect(model.names?.get('math')).toEqual(['sqrt']);
  model.want({ stars: ['math', 'other'], imports: [] });
  model.dispose();
  await settled();
  expect(told()).toBe(1);
});

test('what modules beside the notebook keep is told with it, and is the same while nothing changes', async () => {
  const { model, told } = open();
  model.want({ stars: [], imports: ['numpy'] });
  await settled();
  expect([model.own, told()]).toEqual([undefined, 0]);
  model.want({ stars: [], imports: ['numpy', 'mine'] });
  await settled();
  const before = model.own;
  expect(before).toEqual(own);
  model.askAnew();
  await settled();
  expect(model.own).toBe(before);
  expect(told()).toBe(1);
});
