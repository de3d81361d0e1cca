// What a step needs follows from its text, so the panel follows the typing; no kernel has to run for that.
import { expect, test } from './fixtures';
import { chain } from './notebooks';

test('typing in a cell changes what its step needs, without a kernel', async ({ page, sluice }) => {
  await sluice.open(chain);
  const kernels = () =>
    page.evaluate(async () => {
      await window.jupyterapp.serviceManager.kernels.refreshRunning();
      return [...window.jupyterapp.serviceManager.kernels.running()].length;
    });
  // JupyterLab tells in a dialog of one that is shut down while it starts
  await page.waitForFunction(() => {
    const panel = window.jupyterapp.shell.currentWidget as unknown as {
      readonly sessionContext: { readonly session: { readonly kernel: { readonly status: string } | null } | null };
    };
    return panel.sessionContext.session?.kernel?.status === 'idle';
  });
  await page.evaluate(() => window.jupyterapp.serviceManager.sessions.shutdownAll());
  await expect.poll(kernels).toBe(0);

  await expect(sluice.step('show')).toContainText('total');
  await sluice.type(3, 'print(numbers[0])');
  await expect(sluice.step('show')).toContainText('numbers');

  await sluice.type(3, 'print(nubmers)');
  await expect(sluice.diagnostics.filter({ hasText: 'nubmers' })).toBeVisible();
  await sluice.picture('live-diagnostic');

  await sluice.type(3, 'print(numbers)');
  await expect(sluice.diagnostics.filter({ hasText: 'nubmers' })).toHaveCount(0);
  await sluice.step('show').getByRole('button', { name: 'numbers' }).click();
  const reason = sluice.panel.getByRole('group', { name: 'numbers' });
  await expect(reason).toContainText('show reads numbers (cell 4, line 1) — made in load (cell 2, line 1)');
  await reason.getByRole('button', { name: 'cell 2, line 1' }).click();
  await expect(sluice.cell(1)).toHaveClass(/jp-mod-active/);
  await sluice.step('show').getByRole('button', { name: 'numbers' }).press('Escape');
  await expect(reason).toHaveCount(0);

  await sluice.type(3, 'print(numbers');
  await expect(sluice.step('show')).toContainText('as last read before cell 4, line 1 broke');
  await expect(sluice.step('show')).toContainText('numbers');
  await sluice.type(3, 'from math import *\nprint(numbers)');
  await expect(sluice.step('show')).not.toContainText('broke');
  await expect(sluice.diagnostics.filter({ hasText: 'those that ‘math’ has now' })).toBeVisible();
  expect(await kernels()).toBe(0);
});
