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
    problem: 'The cluster ‘nowhere’ does not answer. Check that it runs.'
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

  await choice.selectOption('This computer');
  expect(await remembered()).toEqual({ version: 1 });
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);
});
