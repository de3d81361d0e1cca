// A run belongs to the server, not to the tab: whoever comes back finds it where it is by now.
import { writeFileSync } from 'node:fs';

import { expect, RUN, testAlone as test } from './fixtures';
import { waitingFor } from './notebooks';

test('reload the page during a run and find it again', async ({ page, sluice }, info) => {
  const gate = info.outputPath('gate');
  await sluice.open(waitingFor(gate));
  await sluice.runButton.click();
  await sluice.expectState('wait', 'running', RUN);

  // Galata would wait for the launcher; the notebook is what comes back. Its type leaves this option out.
  await page.reload({ waitForIsReady: false } as object);
  await sluice.reopen();
  await sluice.expectState('begin', 'succeeded');
  await sluice.expectState('wait', 'running');
  await expect(sluice.step('wait')).toContainText(/line \d+/);
  await expect(sluice.step('wait')).toContainText('1 of 2 cells');
  await expect(sluice.cancelButton).toBeEnabled();
  await sluice.picture('found-again');

  writeFileSync(gate, '');
  await sluice.expectState('finish', 'succeeded', RUN);
  await expect(sluice.runs).toHaveCount(1);
});
