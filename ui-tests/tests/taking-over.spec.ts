// What people bring along: a notebook of Kale's, a pipeline that Elyra drew, and what the notebook server has at hand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { expect, RUN, test } from './fixtures';
import { chain } from './notebooks';

const kale = readFileSync(join(__dirname, '../../core/test/pipelines/kale-v1/notebook.ipynb'), 'utf8');

test('a notebook of Kale’s is taken over by one click, and given back by another', async ({ page, sluice }) => {
  await sluice.open(kale);
  const metadata = () =>
    page.evaluate(() => {
      const panel = window.jupyterapp.shell.currentWidget as unknown as {
        readonly model: { readonly sharedModel: { getMetadata(): object } };
      };
      return Object.keys(panel.model.sharedModel.getMetadata());
    });
  expect(await metadata()).toContain('kubeflow_notebook');
  await sluice.panel.getByRole('button', { name: 'Take over', exact: true }).click();
  await expect(sluice.panel.getByRole('status')).toContainText('Kale made the volume ‘new’');
  expect(await metadata()).toContain('sluice');
  expect(await metadata()).not.toContain('kubeflow_notebook');
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('kale');

  // The way back stays open after other edits, which it leaves alone.
  await sluice.type(0, '# mine');
  await sluice.panel.getByRole('button', { name: 'Undo' }).click();
  await expect(sluice.cell(0)).toContainText('# mine');
  expect(await metadata()).toContain('kubeflow_notebook');
  await sluice.expectState('sack', 'not run');
});

const node = (id: string, file: string, before: readonly string[]) => ({
  id,
  type: 'execution_node',
  op: file.endsWith('.py') ? 'execute-python-node' : 'execute-r-node',
  app_data: { component_parameters: { filename: file }, label: id },
  inputs: [{ links: before.map(other => ({ node_id_ref: other })) }]
});

test('an Elyra pipeline opens as a notebook with steps, and runs', async ({ page, sluice }) => {
  const nodes = [node('write', 'write.py', []), node('draw', 'draw.r', ['write']), node('read', 'read.py', ['draw'])];
  const drawing = { primary_pipeline: 'p', pipelines: [{ id: 'p', nodes, app_data: {} }] };
  const files = {
    'drawn.pipeline': JSON.stringify(drawing),
    'write.py': 'open("count.txt", "w").write("3")',
    'read.py': 'print(open("count.txt").read())'
  };
  for (const [name, text] of Object.entries(files))
    await page.contents.uploadContent(text, 'text', `${sluice.folder}/${name}`);
  await page.sidebar.openTab('filebrowser');
  await page.filebrowser.openDirectory(sluice.folder);
  await page.locator('.jp-DirListing-item').filter({ hasText: 'drawn.pipeline' }).click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Open as a Notebook With Steps' }).click();
  await expect(sluice.panel.getByRole('status')).toContainText('Made of ‘drawn.pipeline’: 2 steps');
  await expect(sluice.panel.getByRole('status')).toContainText('runs the R script ‘draw.r’');
  await sluice.runButton.click();
  await sluice.expectState('read', 'succeeded', RUN);
  await sluice.picture('elyra');
});

test('the server’s variables are taken over, of secrets their names alone', async ({ page, sluice }) => {
  const told = page.waitForResponse('**/sluice/api/v1/surroundings*');
  await sluice.open(chain);
  await sluice.panel.getByRole('button', { name: 'Settings', exact: true }).click();
  await sluice.panel.getByRole('button', { name: 'Take over from this server…' }).click();
  expect(await (await told).text()).not.toContain('not to be told');
  const offer = sluice.panel.getByRole('group', { name: 'What this server has' });
  await offer.getByRole('checkbox', { name: 'STORY_LEVEL = 3' }).check();
  await offer.getByRole('checkbox', { name: /^STORY_TOKEN/ }).check();
  await offer.getByRole('textbox', { name: 'Kubernetes secret for the one whose value stays here' }).fill('mine');
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('offer');
  await offer.getByRole('button', { name: 'Take over 2' }).click();
  const given = sluice.panel.getByRole('list', { name: 'Given to all steps' }).getByRole('listitem');
  await expect(given).toHaveText([/STORY_LEVEL = 3/, /STORY_TOKEN from secret ‘mine’/]);
  await expect(sluice.panel).toContainText('--from-literal=STORY_TOKEN="$STORY_TOKEN"');

  await sluice.panel.getByRole('button', { name: 'Take ‘STORY_LEVEL’ away' }).click();
  await expect(given).toHaveCount(1);
  await sluice.panel.getByRole('button', { name: 'Take ‘STORY_TOKEN’ away' }).click();
  await expect(sluice.panel).not.toContainText('--from-literal');
});
