// Mistakes that can be seen before a run: each is one sentence in the panel, and one click from its cell.
import { expect, test } from './fixtures';
import { chain, mistaken } from './notebooks';

test('a diagnostic names the mistake and jumps to its cell', async ({ sluice }) => {
  await sluice.open(mistaken);
  await expect(sluice.diagnostics.filter({ hasText: 'lode' })).toBeVisible();
  const missing = sluice.diagnostics.filter({ hasText: 'missing_name' });
  await expect(missing).toBeVisible();
  await sluice.picture('diagnostics');

  await missing.click();
  await expect(sluice.cell(3)).toHaveClass(/jp-mod-active/);
});

test('a parameter of the wrong type is refused where it is typed', async ({ sluice }) => {
  await sluice.open(chain);
  const rate = sluice.panel.getByLabel('rate');
  await rate.fill('often');
  await sluice.runButton.click();
  await expect(sluice.panel).toContainText(/‘rate’/);
  await sluice.picture('bad-parameter');
});
