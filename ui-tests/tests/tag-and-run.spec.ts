// From a plain notebook to a finished run, with nothing but the keyboard, the cells' menus and one button.
import { expect, RUN, test } from './fixtures';
import { plain } from './notebooks';

test('tag a plain notebook from nothing, take a tag back, and run it', async ({ page, sluice }) => {
  await sluice.open(plain);
  await expect(sluice.panel).toContainText('step');
  await sluice.picture('plain-notebook');

  await sluice.makeStep(1, 'split');
  await sluice.makeStep(2, 'count');
  await sluice.makeStep(3, 'show');
  await expect(sluice.step('split')).toBeVisible();
  await expect(sluice.step('count')).toContainText('words');
  await expect(sluice.step('show')).toContainText('counts');
  await expect(sluice.chip('count')).toBeVisible();
  await sluice.picture('tagged-notebook');

  await sluice.select(3);
  await page.keyboard.press('Control+Z');
  await expect(sluice.step('show')).toHaveCount(0);
  await expect(sluice.step('count')).toBeVisible();
  await page.keyboard.press('Control+Shift+Z');
  await expect(sluice.step('show')).toBeVisible();

  await sluice.runButton.click();
  for (const step of ['split', 'count', 'show']) await sluice.expectState(step, 'succeeded', RUN);
  await expect(sluice.runs).toHaveCount(1);
  await sluice.picture('first-run-succeeded');
});
