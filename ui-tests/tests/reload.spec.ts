// A run belongs to the server, not to the tab: whoever comes back finds it where it is by now.
import { expect, RUN, test } from './fixtures';
import { slow } from './notebooks';

test('reload the page during a run and find it again', async ({ page, sluice }) => {
  await sluice.open(slow(12));
  await sluice.runButton.click();
  await sluice.expectState('wait', 'running', RUN);

  // Galata would wait for the launcher; the notebook is what comes back. Its type leaves this option out.
  await page.reload({ waitForIsReady: false } as object);
  await sluice.reopen();
  await expect(sluice.cancelButton).toBeVisible();
  await sluice.expectState('begin', 'succeeded');
  await sluice.expectState('wait', 'running');
  await sluice.picture('found-again');

  await sluice.expectState('finish', 'succeeded', RUN);
  await expect(sluice.runs).toHaveCount(1);
});
