// Where a pipeline runs is a choice as soon as there is one, and what a run there left can be worked with. That there is a cluster, which does
// not answer, and what is on it, is told here in the server’s place; tests/cluster asks a real one by the same routes.
import { expect, RUN, testAlone as test } from './fixtures';
import { chain } from './notebooks';

const runners = [
  { name: 'local', label: 'This machine', isReady: true },
  {
    name: 'argo',
    label: 'Argo, namespace ‘team-a’ of ‘nowhere’',
    isReady: false,
    isSetUp: true,
    problem: 'The cluster ‘nowhere’ does not answer. Check that it runs.',
    contexts: [
      { name: 'nowhere', namespace: 'team-a' },
      { name: 'elsewhere', namespace: 'default' }
    ]
  },
  { name: 'kubeflow', label: 'Kubeflow Pipelines', isReady: false, problem: 'Nobody has named a Kubeflow.' }
];

const place = { context: 'elsewhere', namespace: 'mine' };
const away = {
  ...{ id: 'away', number: 7, pipeline: 'story', runner: 'argo', state: 'succeeded', createdAt: 0, endedAt: 9000 },
  ...{ parameters: {}, metrics: {}, remote: { id: 'story-away', place } },
  steps: ['load', 'add', 'show'].map(name => ({ name, state: 'succeeded', durationMs: 900 }))
};
const snapshots = ['before', 'after'].map(moment => ({
  ...{ name: `add-${moment}`, kind: 'snapshot', claim: 'story-away', moment, step: 'add', at: 0, isReady: true }
}));

/** As the server streams what takes a while. */
const stream = (...events: readonly object[]) => ({
  contentType: 'text/event-stream',
  body: events.map(event => `data: ${JSON.stringify(event)}\n\n`).join('')
});

test('this computer alone is no choice; once a cluster is found, it can be chosen, and the notebook remembers', async ({
  page,
  sluice
}) => {
  await page.route('**/sluice/api/v1/runs?*', route =>
    route.fulfill(
      route.request().method() === 'POST'
        ? { status: 422, json: { code: 'no-values', message: 'It is gone.' } }
        : { json: { runs: [away] } }
    )
  );
  await sluice.open(chain);
  const choice = sluice.panel.getByRole('combobox', { name: 'Run on' });
  await expect(choice).toHaveCount(0);
  await sluice.panel.getByRole('button', { name: 'Local' }).click();
  await expect(sluice.panel).toContainText('To run on a cluster as well, put its kubeconfig');
  await sluice.panel.getByRole('button', { name: 'Look again' }).click();
  await expect(sluice.panel.getByRole('status').filter({ hasText: 'None was found.' })).toBeVisible();
  await sluice.picture('local');

  await page.route('**/sluice/api/v1/runners*', route => route.fulfill({ json: { runners } }));
  await sluice.panel.getByRole('button', { name: 'Look again' }).click();
  await expect(choice.getByRole('option')).toHaveText(['This computer', 'Kubernetes (Argo)']);
  await choice.selectOption('Kubernetes (Argo)');
  await expect(sluice.panel.getByRole('status').filter({ hasText: '‘nowhere’ does not answer' })).toBeVisible();
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('runner');
  const remembered = () =>
    page.evaluate(() => {
      const panel = window.jupyterapp.shell.currentWidget as unknown as {
        readonly model: { getMetadata(key: string): unknown };
      };
      return panel.model.getMetadata('sluice');
    });
  expect(await remembered()).toEqual({ version: 1, runner: 'argo' });

  await sluice.panel.getByRole('button', { name: 'Change where it runs' }).click();
  const form = sluice.panel.getByRole('group', { name: 'Where it runs' });
  const namespace = form.getByRole('textbox', { name: 'Namespace' });
  await expect(namespace).toHaveAttribute('placeholder', 'team-a');
  const asked = page.waitForRequest(/runners\?.*context=elsewhere/);
  await form.getByRole('combobox', { name: 'Context' }).selectOption('elsewhere');
  await asked;
  await expect(namespace).toHaveAttribute('placeholder', 'default');
  await namespace.fill('Team A');
  await expect(form.getByRole('status')).toContainText('‘Team A’ cannot be a namespace');
  await namespace.fill('mine');
  await namespace.press('Enter');
  await form.getByRole('combobox', { name: 'Snapshots' }).selectOption('around each step');
  expect(await remembered()).toEqual({ version: 1, runner: { name: 'argo', ...place }, snapshots: 'each-step' });
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('place');
  await page.route('**/runners/argo/check?*', route =>
    route.fulfill({
      json: { findings: [{ message: 'A volume may be there.' }, { isOk: false, message: 'You may not.' }] }
    })
  );
  await sluice.panel.getByRole('button', { name: 'Check the cluster' }).click();
  await expect(sluice.panel.getByRole('status').filter({ hasText: '1 thing is missing.' })).toBeVisible();
  await expect(sluice.panel.getByRole('list', { name: 'What was found' })).toContainText('Missing: You may not.');

  await choice.selectOption('This computer');
  expect(await remembered()).toEqual({ version: 1, runner: { name: 'local', ...place }, snapshots: 'each-step' });

  // What a run on the cluster left there.
  const left = '**/runs/away/volume-snapshots';
  await page.route(`${left}*`, route => route.fulfill({ json: { snapshots } }));
  await sluice.panel.getByRole('button', { name: 'Details of run 7' }).click();
  const volumes = sluice.panel.getByRole('group', { name: 'Snapshots of volumes' });
  await volumes.getByRole('button', { name: /Before ‘add’/ }).click();
  const diff = { added: ['values/total'], changed: ['workspace/a.csv'], removed: ['workspace/b.csv'] };
  await page.route(`${left}/add-after/diff/add-before*`, route =>
    route.fulfill(stream({ type: 'notice', text: 'Starting a pod.' }, { type: 'done', result: diff }))
  );
  await volumes.getByRole('combobox', { name: 'Changes since' }).selectOption('After ‘add’');
  await volumes.getByRole('button', { name: 'Compare' }).click();
  await expect(volumes.getByRole('list', { name: 'Changed files' }).getByRole('listitem')).toHaveText([
    '~a.csv',
    '−b.csv'
  ]);
  await expect(volumes).toContainText('Besides, 1 file of values and notebooks.');
  const name = volumes.getByRole('textbox', { name: 'New volume' });
  await expect(name).toHaveValue('run-7-before-add');
  const taken = { type: 'error', code: 'bad-request', message: 'There already is ‘taken’.' };
  await page.route(`${left}/add-before/restore*`, route => {
    const { to: claim } = route.request().postDataJSON() as { to: string };
    return route.fulfill(stream(claim === 'taken' ? taken : { type: 'done', result: { claim, namespace: 'mine' } }));
  });
  await name.fill('Taken');
  await expect(volumes.getByRole('status').filter({ hasText: 'A volume’s name has small letters' })).toBeVisible();
  await name.fill('taken');
  await name.press('Enter');
  await expect(volumes.getByRole('status').filter({ hasText: 'There already is ‘taken’.' })).toBeVisible();
  await name.fill('again');
  await name.press('Enter');
  await expect(volumes.getByRole('status').filter({ hasText: 'The volume ‘again’ in namespace ‘mine’' })).toBeVisible();
  await expect(volumes.getByRole('region', { name: 'Commands' })).toContainText(
    'restore add-before --to again --context elsewhere -n mine'
  );
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('volumes');
  const submitted = page.waitForRequest(request => /\/runs\?/.test(request.url()) && request.method() === 'POST');
  await volumes.getByRole('button', { name: 'Run again from ‘add’' }).click();
  expect((await submitted).postDataJSON()).toMatchObject({
    runner: 'argo',
    target: place,
    resume: 'away',
    selection: { from: 'add' }
  });
  await expect(sluice.panel).toContainText('It is gone.');

  await page.unroute('**/sluice/api/v1/runs?*');
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);
});
