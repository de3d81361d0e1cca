// The pictures in the README and the guide: the classifier of examples/ after a run. `SLUICE_PICTURES=1` puts them into docs/images/.
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from './fixtures';
import { example } from './notebooks';

const images = join(__dirname, '../../docs/images');
const screens = join(__dirname, '../test-results/screens');

for (const [theme, name] of [
  ['JupyterLab Light', 'sluice'],
  ['JupyterLab Dark', 'sluice-dark']
] as const) {
  test(`the classifier after a run, in ${theme}`, async ({ page, sluice }) => {
    await page.theme.setTheme(theme);
    await sluice.open(example('tumours.ipynb'), 'tumours.ipynb');
    await page.sidebar.setWidth(340, 'left');
    await sluice.runButton.click();
    await sluice.expectState('evaluate', 'succeeded', { timeout: 100_000 });
    await expect(sluice.panel).toContainText('accuracy');
    await sluice.chip('prepare').scrollIntoViewIfNeeded();
    await sluice.picture(name);
    if (process.env.SLUICE_PICTURES) {
      mkdirSync(images, { recursive: true });
      copyFileSync(join(screens, `${name}.png`), join(images, `${name}.png`));
    }
  });
}
