// Mistakes that can be seen before a run: each is one sentence in the panel, and one click from its cell.
import { expect, RUN, test } from './fixtures';
import { chain, mistaken } from './notebooks';

test('a diagnostic names the mistake, at its cell as well, and jumps there', async ({ page, sluice }) => {
  await sluice.open(mistaken);
  await expect(sluice.diagnostics.filter({ hasText: 'lode' })).toBeVisible();
  const missing = sluice.diagnostics.filter({ hasText: 'missing_name' });
  await expect(missing).toBeVisible();
  await sluice.picture('diagnostics');

  await missing.click();
  await expect(sluice.cell(3)).toHaveClass(/jp-mod-active/);

  await sluice.cell(3).locator('.jp-Sluice-mark').first().hover();
  await expect(page.locator('.jp-Sluice-markTooltip')).toContainText('missing_name');
});

test('a parameter of the wrong type is refused where it is typed', async ({ sluice }) => {
  await sluice.open(chain);
  await sluice.panel.getByRole('textbox', { name: 'rate' }).fill('often');
  await expect(sluice.panel.getByRole('status').filter({ hasText: '‘rate’' })).toBeVisible();
  await expect(sluice.runButton).toBeDisabled();
  await sluice.picture('bad-parameter');

  await sluice.panel.getByRole('button', { name: 'Reset rate' }).click();
  await expect(sluice.runButton).toBeEnabled();
});

test('a changed parameter holds for the run, and the notebook keeps its own', async ({ sluice }) => {
  await sluice.open(chain);
  await sluice.panel.getByRole('textbox', { name: 'rate' }).fill('3');
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);
  await expect(sluice.panel.getByRole('list', { name: 'Metrics' })).toContainText('135');
  await expect(sluice.cell(0)).toContainText('rate = 2');
});
