// A run that takes too long is ended by the button that stands where the other one stood.
import { expect, RUN, test } from './fixtures';
import { slow } from './notebooks';

test('cancel a run', async ({ sluice }) => {
  await sluice.open(slow(100));
  await sluice.runButton.click();
  await sluice.expectState('wait', 'running', RUN);
  await sluice.picture('running');

  await sluice.cancelButton.click();
  await sluice.expectState('wait', 'canceled');
  await sluice.expectState('begin', 'succeeded');
  await expect(sluice.runs.first()).toContainText(/canceled/i);
  await expect(sluice.runButton).toBeEnabled();
  await sluice.picture('canceled');
});
