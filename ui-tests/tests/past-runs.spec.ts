// Past runs are there to be compared and to be gone on from: two runs side by side, and a step run anew with the values of the one of choice.
import { expect, RUN, test } from './fixtures';
import { chain } from './notebooks';

test('compare two runs, and run a step with the values of the earlier one', async ({ page, sluice }) => {
  await sluice.open(chain);
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);
  await sluice.panel.getByRole('textbox', { name: 'rate' }).fill('3');
  await sluice.type(3, 'print(total, "in all")');
  await sluice.runButton.click();
  await expect(sluice.runs).toHaveCount(2);
  await sluice.expectState('show', 'succeeded', RUN);

  await sluice.runs
    .first()
    .getByRole('button', { name: /^Details of run/ })
    .click();
  const comparison = sluice.panel.getByRole('group', { name: 'Comparison' });
  await comparison.getByRole('combobox', { name: 'Compare with' }).selectOption({ index: 1 });
  await expect(comparison.getByRole('row', { name: 'rate' })).toHaveText('rate23');
  await expect(comparison.getByRole('row', { name: 'total' })).toHaveText('total90135');
  await expect(comparison.getByRole('row', { name: 'load' })).toContainText('cached');
  await comparison.getByRole('group', { name: 'Code' }).getByRole('button').click();
  await expect(comparison.getByRole('region', { name: 'Code of show' })).toContainText(
    /- print\(total\)\s+\+ print\(total, "in all"\)/
  );
  await expect(comparison).toContainText('No changes.');
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('two-runs');

  await sluice.runs
    .last()
    .getByRole('button', { name: /^More about run/ })
    .click();
  await page.getByText('Run Only, With Its Values').hover();
  await page.getByRole('menuitem', { name: 'show', exact: true }).click();
  await expect(sluice.runs).toHaveCount(3);
  await sluice.expectState('show', 'succeeded', RUN);
  await expect(sluice.panel.getByRole('list', { name: 'Metrics' })).toContainText('90');

  const more = sluice.runs.first().getByRole('button', { name: /^More about run/ });
  await more.focus();
  await page.keyboard.press('Enter');
  const menu = page.getByRole('menu').filter({ hasText: 'Load Values Into the Kernel, After' });
  await expect(menu).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(menu).toBeHidden();
  await expect(sluice.runs.first().locator(':focus')).toHaveCount(1);
});
