// Where a pipeline runs is a choice as soon as there is one. That there is a cluster, which does not answer, is told here in the server’s
// place; that a run is refused is its own word.
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

test('this computer alone is no choice; once a cluster is found, it can be chosen, and the notebook remembers', async ({
  page,
  sluice
}) => {
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
  const place = { context: 'elsewhere', namespace: 'mine' };
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
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);
});
