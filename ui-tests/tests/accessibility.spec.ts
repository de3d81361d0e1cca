// Axe looks at the panel in each of its moods, in both themes; and everything in it is reached by keyboard.
import { expect, RUN, test } from './fixtures';
import { chain, mistaken, plain } from './notebooks';

const themes = [
  ['light', 'JupyterLab Light'],
  ['dark', 'JupyterLab Dark']
] as const;

for (const [name, theme] of themes) {
  test(`axe finds no serious fault in the ${name} theme`, async ({ page, sluice }) => {
    await page.theme.setTheme(theme);
    await sluice.open(plain, 'plain.ipynb');
    expect(await sluice.seriousFaults()).toEqual([]);
    await sluice.picture(`${name}-plain`);

    await sluice.open(mistaken, 'mistaken.ipynb');
    await expect(sluice.diagnostics.first()).toBeVisible();
    expect(await sluice.seriousFaults()).toEqual([]);
    await sluice.picture(`${name}-mistaken`);

    await sluice.open(chain, 'chain.ipynb');
    await sluice.runButton.click();
    await sluice.expectState('show', 'succeeded', RUN);
    expect(await sluice.seriousFaults()).toEqual([]);
    await sluice.picture(`${name}-succeeded`);
  });
}

test('the keyboard alone runs a pipeline and walks its steps', async ({ page, sluice }) => {
  await sluice.open(chain);
  await sluice.runButton.focus();
  await page.keyboard.press('Enter');
  await sluice.expectState('show', 'succeeded', RUN);

  await sluice.step('load').focus();
  await page.keyboard.press('ArrowDown');
  await expect(sluice.step('add')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(sluice.cell(2)).toHaveClass(/jp-mod-active/);
});
