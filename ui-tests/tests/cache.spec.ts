// A second run does only what has changed, and says so; before it, the panel and the cells say what that will be.
import { expect, RUN, test } from './fixtures';
import { chain, notebook } from './notebooks';

test('unchanged steps come from cache, changed ones are marked before the run', async ({ sluice }) => {
  await sluice.open(chain);
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);

  await sluice.runButton.click();
  await expect(sluice.runs).toHaveCount(2);
  for (const step of ['load', 'add', 'show']) await sluice.expectState(step, 'cached', RUN);
  await expect(sluice.chip('add')).toContainText(/unchanged since run \d/);
  await sluice.step('add').press('ArrowRight');
  await expect(sluice.step('add')).toContainText(/Cached: unchanged since run \d/);
  await sluice.picture('cached');

  await sluice.type(2, 'total = rate * sum(numbers) + 1');
  await expect(sluice.step('add')).toContainText(/changed since run \d/);
  await expect(sluice.step('show')).toContainText(/changed since run \d/);
  await expect(sluice.chip('add')).toContainText(/changed since run \d/);
  await expect(sluice.step('load')).not.toContainText('changed since');
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('stale');
  await sluice.type(2, 'total = rate * sum(numbers)');
  await expect(sluice.step('show')).not.toContainText('changed since');

  await sluice.panel.getByRole('textbox', { name: 'rate' }).fill('3');
  await expect(sluice.step('add')).toContainText(/changed since run \d/);
  await expect(sluice.step('load')).not.toContainText('changed since');
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);
  await sluice.expectState('load', 'cached');
  await expect(sluice.step('add')).toContainText('rate');
});

test('a step runs again with the values of a run that is not the newest', async ({ page, sluice }) => {
  await sluice.open(
    notebook([
      { source: 'numbers = [10, 20, 30]', tags: ['step:load'] },
      { source: 'print(sum(numbers))', tags: ['step:show'] },
      { source: 'print(sum(numbers))', tags: ['pipeline-metrics'] }
    ])
  );
  await sluice.runButton.click();
  await sluice.expectState('show', 'succeeded', RUN);
  await sluice.type(0, 'numbers = [1, 2]');
  await sluice.runButton.click();
  await expect(sluice.runs).toHaveCount(2);
  await sluice.expectState('show', 'succeeded', RUN);

  await sluice.chip('show').getByRole('button').click();
  await page.getByText('Run Only ‘show’ With Values Of').hover();
  await page
    .getByRole('menuitem', { name: /^Run \d+ ·/ })
    .last()
    .click();
  await expect(sluice.runs).toHaveCount(3);
  await sluice.expectState('show', 'succeeded', RUN);
  await expect(sluice.panel.getByRole('list', { name: 'Metrics' })).toContainText('60');
});
