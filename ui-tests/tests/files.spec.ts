// A run works in a folder of its own; what it wrote there can be seen, opened and brought back.
import { expect, RUN, test } from './fixtures';
import { notebook } from './notebooks';

const writing = notebook([
  { source: 'lines = open("data.csv").read().splitlines()', tags: ['step:load'] },
  {
    source:
      'import os\nos.makedirs("out", exist_ok=True)\nopen("out/count.csv", "w").write(f"count\\n{len(lines)}\\n")\nopen("data.csv", "w").write("spoiled")',
    tags: ['step:write']
  }
]);

test('see what a step wrote, open it, and restore it', async ({ page, sluice }) => {
  await page.contents.uploadContent('a\n1\n2\n', 'text', `${sluice.folder}/data.csv`);
  await sluice.open(writing);
  await sluice.runButton.click();
  await sluice.expectState('write', 'succeeded', RUN);
  const data = () =>
    page.evaluate(path => window.jupyterapp.serviceManager.contents.get(path), `${sluice.folder}/data.csv`);
  expect((await data()).content).toBe('a\n1\n2\n');

  await sluice.runs
    .first()
    .getByRole('button', { name: /^Details of run/ })
    .click();
  const files = sluice.panel.getByRole('group', { name: 'Files' });
  const after = files.getByRole('button', { name: /^After ‘write’/ });
  await expect(after).toContainText('1 added, 1 changed');
  await after.press('Enter');
  await expect(files.getByRole('img', { name: 'added' })).toBeVisible();
  await files.getByRole('button', { name: 'All files', exact: true }).click();
  await expect(files.getByRole('button', { name: 'story.ipynb', exact: true })).toBeVisible();
  await sluice.picture('files');
  expect(await sluice.seriousFaults()).toEqual([]);

  await files.getByRole('button', { name: 'out/count.csv', exact: true }).click();
  await expect(page.getByRole('main').getByRole('tab', { name: /^count.csv · run \d+$/ })).toBeVisible();
  await expect(page.getByRole('main')).toContainText('read-only');
  await sluice.picture('file-as-it-was');

  await files.getByRole('button', { name: 'Restore ‘data.csv’…' }).first().click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('the folder is kept as a snapshot');
  await sluice.picture('restore');
  await dialog.getByRole('button', { name: 'Restore' }).click();
  await expect(sluice.panel.getByRole('status')).toContainText('1 file was restored');
  expect((await data()).content).toBe('spoiled');

  await sluice.panel.getByRole('button', { name: 'Put back what was there' }).click();
  await expect.poll(async () => (await data()).content).toBe('a\n1\n2\n');
});
