// Where a pipeline runs is a choice as soon as there is one. That there is a cluster, which does not answer, is told here in the server’s
// place; that a run is refused is its own word.
import { expect, RUN, test } from './fixtures';
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

test('this computer alone is no choice', async ({ sluice }) => {
  await sluice.open(chain);
  await expect(sluice.panel).toContainText('Local');
  await expect(sluice.panel.getByRole('combobox', { name: 'Run on' })).toHaveCount(0);
});

test('a cluster can be chosen, what it answers is told, and the notebook remembers the choice', async ({
  page,
  sluice
}) => {
  await page.route('**/sluice/api/v1/runners*', route => route.fulfill({ json: { runners } }));
  await sluice.open(chain);
  const choice = sluice.panel.getByRole('combobox', { name: 'Run on' });
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
