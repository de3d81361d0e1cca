// A run that takes too long is ended by the button that stands where the other one stood.
import { expect, RUN, test } from './fixtures';
import { waitingFor } from './notebooks';

test('cancel a run', async ({ sluice }) => {
  await sluice.open(waitingFor('/no/such/file'));
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
