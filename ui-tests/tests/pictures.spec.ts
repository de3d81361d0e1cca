// The pictures in the README and the guide: the classifier of examples/, run and run again. `SLUICE_PICTURES=1` puts them into docs/images/.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, RUN, test } from './fixtures';
import type { Sluice } from './fixtures';
import { example } from './notebooks';

const images = join(__dirname, '../../docs/images');
const screens = join(__dirname, '../test-results/screens');

async function take(sluice: Sluice, name: string, of: 'page' | 'panel'): Promise<void> {
  if (of === 'page') await sluice.picture(name);
  else await sluice.panel.screenshot({ path: join(screens, `${name}.png`), animations: 'disabled' });
  if (!process.env.SLUICE_PICTURES) return;
  mkdirSync(images, { recursive: true });
  copyFileSync(join(screens, `${name}.png`), join(images, `${name}.png`));
}

test('the classifier after a run, and what has changed since; and two runs side by side', async ({ page, sluice }) => {
  await sluice.open(example('tumours.ipynb'), 'tumours.ipynb');
  await page.sidebar.setWidth(340, 'left');
  await sluice.runButton.click();
  await sluice.expectState('evaluate', 'succeeded', RUN);
  await expect(sluice.panel).toContainText('accuracy');
  await sluice.chip('prepare').scrollIntoViewIfNeeded();
  await page.theme.setDarkTheme();
  await take(sluice, 'sluice-dark', 'page');
  await page.theme.setLightTheme();
  await take(sluice, 'sluice', 'page');

  await sluice.panel.getByRole('textbox', { name: 'n_trees' }).fill('20');
  await expect(sluice.step('train_forest')).toContainText(/changed since run \d/);
  await take(sluice, 'panel-changed', 'panel');

  await sluice.runButton.click();
  await expect(sluice.runs).toHaveCount(2);
  await sluice.expectState('evaluate', 'succeeded', RUN);
  await sluice.panel.getByRole('button', { name: 'Parameters', exact: true }).click();
  await sluice.panel.getByRole('button', { name: 'Steps', exact: true }).click();
  await sluice.panel.getByRole('button', { name: 'Metrics', exact: true }).click();
  await sluice.runs
    .first()
    .getByRole('button', { name: /^Details of run/ })
    .click();
  await sluice.panel.getByRole('combobox', { name: 'Compare with' }).selectOption({ index: 1 });
  await expect(sluice.panel.getByRole('row', { name: 'n_trees' })).toBeVisible();
  await expect(sluice.panel.getByRole('group', { name: 'Files' })).toContainText('no changes');
  await take(sluice, 'panel-runs', 'panel');
});
