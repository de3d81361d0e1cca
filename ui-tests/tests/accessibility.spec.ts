// Axe looks at the panel in each of its moods, in both themes; and everything in it is reached by keyboard.
import { expect, RUN, test, type Sluice } from './fixtures';
import { chain, mistaken, plain } from './notebooks';

const themes = [
  ['dark', 'JupyterLab Dark'],
  ['light', 'JupyterLab Light']
] as const;

async function lookAt(sluice: Sluice, mood: string): Promise<void> {
  for (const [name, theme] of themes) {
    await sluice.page.theme.setTheme(theme);
    expect(await sluice.seriousFaults()).toEqual([]);
    await sluice.picture(`${name}-${mood}`);
  }
}

test('axe finds no serious fault, and the keyboard alone runs a pipeline and walks its steps', async ({
  page,
  sluice
}) => {
  await sluice.open(plain, 'plain.ipynb');
  await lookAt(sluice, 'plain');

  await sluice.open(mistaken, 'mistaken.ipynb');
  await expect(sluice.diagnostics.first()).toBeVisible();
  await lookAt(sluice, 'mistaken');

  await sluice.open(chain, 'chain.ipynb');
  await sluice.runButton.focus();
  await page.keyboard.press('Enter');
  await sluice.expectState('show', 'succeeded', RUN);
  await lookAt(sluice, 'succeeded');

  await sluice.step('load').focus();
  await page.keyboard.press('ArrowDown');
  await expect(sluice.step('add')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(sluice.cell(2)).toHaveClass(/jp-mod-active/);

  const toggle = sluice.panel.getByRole('button', { name: 'Graph', exact: true });
  await toggle.press('Enter');
  const graph = sluice.panel.getByRole('group', { name: 'Graph of steps' });
  await graph.getByRole('button', { name: /^load, succeeded/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await expect(graph.getByRole('button', { name: /^show, succeeded/ })).toBeFocused();
  expect(await sluice.seriousFaults()).toEqual([]);
  await sluice.picture('graph');
  await page.keyboard.press('Enter');
  await expect(sluice.cell(3)).toHaveClass(/jp-mod-active/);
  await toggle.press('Enter');
  await expect(sluice.step('show')).toBeVisible();
});
