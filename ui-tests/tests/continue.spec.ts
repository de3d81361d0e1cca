// After a failure one goes on from the step that failed; and in the notebook itself, from the values that the pipeline had reached.
import { writeFileSync } from 'node:fs';

import { expect, RUN, test } from './fixtures';
import { failing } from './notebooks';

test('a step fails, its error is shown at its cell, and the run goes on from there', async ({ sluice }) => {
  await sluice.open(failing);
  await sluice.runButton.click();
  await sluice.expectState('look_up', 'failed', RUN);
  await sluice.expectState('load', 'succeeded');
  await sluice.expectState('report', 'skipped');

  // Cell 3 (index 2) is the step's second cell; its second line raised.
  await expect(sluice.cell(2)).toContainText('KeyError');
  await expect(sluice.cell(2)).toContainText('alan');
  await expect(sluice.runs.first()).toContainText(/failed|KeyError/);
  await expect(sluice.runButton).toBeEnabled();
  await sluice.picture('step-failed');

  await sluice.type(1, 'names = ["alan", "ada"]');
  await sluice.runs
    .first()
    .getByRole('button', { name: /^Details of run/ })
    .click();
  await expect(sluice.panel.getByRole('button', { name: 'Continue from ‘look_up’' })).toBeVisible();
  await sluice.picture('failed-run');
  await sluice.step('look_up').getByRole('button', { name: 'Continue from here' }).click();
  await expect(sluice.runs).toHaveCount(2);
  await sluice.expectState('report', 'succeeded', RUN);
  await sluice.expectState('load', 'cached');
  await expect(sluice.cell(2)).not.toContainText('KeyError');
});

test('load a past run’s values into the kernel, which is asked for while it is busy', async ({
  page,
  sluice
}, info) => {
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
  const said = sluice.panel.getByRole('status');
  await expect(said).toContainText('The kernel now has ages, as they were after ‘load’', RUN);
  await sluice.picture('loaded');
  expect(await sluice.seriousFaults()).toEqual([]);

  await sluice.type(1, 'names = sorted(ages)');
  await page.keyboard.press('Control+Enter');
  await sluice.type(2, 'print([ages[name] for name in names])');
  await page.keyboard.press('Control+Enter');
  await expect(sluice.cell(2).locator('.jp-OutputArea-output')).toContainText('[36]', RUN);

  // Without a kernel, one is started.
  await page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll());
  await sluice.panel.getByRole('button', { name: 'Dismiss' }).click();
  await sluice.step('load').getByRole('button', { name: 'Load the values into the kernel' }).click();
  await expect(said).toContainText('The kernel now has ages', RUN);
});
