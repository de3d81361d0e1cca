// With windowing mode `full` JupyterLab takes cells out of the page as they scroll away. Their chips must come back with them.
import { galata } from '@jupyterlab/galata';

import { expect, RUN, testAlone as test } from './fixtures';
import { notebook } from './notebooks';

test.use({
  mockSettings: {
    ...galata.DEFAULT_SETTINGS,
    '@jupyterlab/notebook-extension:tracker': {
      ...galata.DEFAULT_SETTINGS['@jupyterlab/notebook-extension:tracker'],
      windowingMode: 'full'
    }
  }
});

const long = notebook([
  { source: 'words = ["a", "b"]', tags: ['step:first'] },
  ...Array.from({ length: 60 }, (_, line) => ({ source: `# Paragraph ${line}\n\ntext`, type: 'markdown' as const })),
  { source: 'print(words)', tags: ['step:last'] }
]);

test('windowing mode full: chips and states return with their cells', async ({ sluice }) => {
  await sluice.open(long);
  await expect(sluice.chip('first')).toBeVisible();
  await expect(sluice.chip('last')).toHaveCount(0);

  await sluice.runButton.click();
  await sluice.expectState('last', 'succeeded', RUN);

  await sluice.step('last').press('Enter');
  await expect(sluice.chip('last')).toBeVisible();
  await expect(sluice.chip('last')).toContainText(/succeeded/);
  await sluice.picture('windowing-full');

  await sluice.step('first').press('Enter');
  await expect(sluice.chip('first')).toBeVisible();
  await expect(sluice.chip('first')).toContainText(/succeeded/);
});
