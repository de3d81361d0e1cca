// After a failure one goes on from the step that failed; and in the notebook itself, from the values that the pipeline had reached.
import { writeFileSync } from 'node:fs';

import { expect, RUN, test } from './fixtures';
import { failing } from './notebooks';

test('continue a failed run from its failed step', async ({ sluice }) => {
  await sluice.open(failing);
  await sluice.runButton.click();
  await sluice.expectState('look_up', 'failed', RUN);
  await sluice.type(1, 'names = ["alan", "ada"]');

  await sluice.runs
    .first()
    .getByRole('button', { name: /^Details of run/ })
    .click();
  await sluice.picture('failed-run');
  await sluice.panel.getByRole('button', { name: 'Continue from ‘look_up’' }).click();
  await expect(sluice.runs).toHaveCount(2);
  await sluice.expectState('report', 'succeeded', RUN);
  await sluice.expectState('load', 'cached');
});

test('load a past run’s values into the kernel', async ({ page, sluice }) => {
  await sluice.open(failing);
  await sluice.runButton.click();
  await sluice.expectState('look_up', 'failed', RUN);
  await page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll());

  await sluice.step('load').press('ArrowRight');
  await sluice.step('load').getByRole('button', { name: 'Load the values into the kernel' }).click();
  await expect(sluice.panel.getByRole('status')).toContainText(
    'The kernel now has ages, as they were after ‘load’',
    RUN
  );
  await sluice.picture('loaded');
  expect(await sluice.seriousFaults()).toEqual([]);

  await sluice.type(1, 'names = sorted(ages)');
  await page.keyboard.press('Control+Enter');
  await sluice.type(2, 'print([ages[name] for name in names])');
  await page.keyboard.press('Control+Enter');
  await expect(sluice.cell(2).locator('.jp-OutputArea-output')).toContainText('[36]', RUN);
});

test('a kernel that is busy is not given values unasked', async ({ page, sluice }, info) => {
  const gate = info.outputPath('gate');
  await sluice.open(failing);
  await sluice.runButton.click();
  await sluice.expectState('look_up', 'failed', RUN);
  await sluice.type(3, `import os, time\nwhile not os.path.exists(${JSON.stringify(gate)}): time.sleep(0.2)`);
  await page.keyboard.press('Control+Enter');
  const status = () =>
    page.evaluate(async () => {
      const { kernels } = window.jupyterapp.serviceManager;
      await kernels.refreshRunning();
      return [...kernels.running()].map(kernel => kernel.execution_state);
    });
  await expect.poll(status, RUN).toContain('busy');

  await sluice.step('load').press('ArrowRight');
  await sluice.step('load').getByRole('button', { name: 'Load the values into the kernel' }).click();
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('The kernel is busy');
  await dialog.getByRole('button', { name: 'Load Them Then' }).click();
  writeFileSync(gate, '');
  await expect(sluice.panel.getByRole('status')).toContainText('The kernel now has ages', RUN);
});
