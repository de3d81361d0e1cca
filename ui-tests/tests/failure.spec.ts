// A step fails: its error stands at the cell that raised it, what came before stays good, what comes after never starts.
import { expect, RUN, test } from './fixtures';
import { failing } from './notebooks';

test('a step fails and the error is shown at its cell', async ({ sluice }) => {
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
});

test('a corrected notebook runs to its end, and both runs stay in the list', async ({ sluice }) => {
  await sluice.open(failing);
  await sluice.runButton.click();
  await sluice.expectState('look_up', 'failed', RUN);

  await sluice.type(1, 'names = ["alan", "ada"]');
  await sluice.runButton.click();
  await sluice.expectState('report', 'succeeded', RUN);
  await expect(sluice.cell(2)).not.toContainText('KeyError');
  await expect(sluice.runs).toHaveCount(2);
});
