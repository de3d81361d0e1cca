// After a first run, one step is run again alone, the pipeline is held to the notebook, and it is exported; all from the menu beside the button.
import { expect, RUN, test } from './fixtures';
import { chain } from './notebooks';

test('run one step only, then verify against the notebook', async ({ page, sluice }) => {
  await sluice.open(chain);
  const menuButton = sluice.panel.getByRole('button', { name: 'More ways to run' });
  const menu = page.getByRole('menu').filter({ hasText: 'Verify Against the Notebook' });

  await sluice.step('show').focus();
  await menuButton.click();
  await menu.getByRole('menuitem', { name: 'Run Only ‘show’' }).click();
  await expect(sluice.panel.getByRole('alert')).toContainText('Run the whole pipeline once');
  await sluice.panel.getByRole('button', { name: 'Dismiss' }).click();
  await expect(sluice.panel.getByRole('alert')).toBeEmpty();
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);

  await sluice.step('add').focus();
  await menuButton.focus();
  await page.keyboard.press('Enter');
  await expect(menu.getByRole('menuitem', { name: 'Run Only ‘add’' })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(sluice.runs).toHaveCount(2);
  await sluice.expectState('add', 'succeeded', RUN);
  await sluice.expectState('load', 'cached');
  await sluice.expectState('show', 'skipped');

  await menuButton.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('v');
  await expect(sluice.panel.getByRole('status')).toContainText(
    'The pipeline does as the notebook does: 2 values and 2 outputs are equal.',
    RUN
  );
  await expect(sluice.runs).toHaveCount(3);
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('verified');
  await sluice.panel.getByRole('button', { name: 'Dismiss' }).click();
  await expect(sluice.panel.getByRole('status')).toBeHidden();

  await menuButton.click();
  await menu.getByRole('menuitem', { name: 'Export for Kubeflow' }).click();
  await expect(sluice.panel.getByRole('status')).toContainText('Exported as ‘story.yaml’.');
  await sluice.panel.getByRole('button', { name: 'Open', exact: true }).click();
  await expect(page.getByRole('main').getByRole('tab', { name: 'story.yaml', exact: true })).toBeVisible();
});
