// What every story has at hand: JupyterLab with the Sluice panel open on one notebook, and words for what a user sees in it.
import { join } from 'node:path';

import { AxeBuilder } from '@axe-core/playwright';
import { test as galata } from '@jupyterlab/galata';
import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import { JupyterLabPage } from '@jupyterlab/galata/lib/jupyterlabpage';
import { expect } from '@playwright/test';
import type { Locator } from '@playwright/test';

export { expect };

// Galata gives JupyterLab 15 seconds to start, which is too short on a busy machine.
const { waitForCondition } = JupyterLabPage.prototype;
JupyterLabPage.prototype.waitForCondition = function (condition, timeout = 60_000) {
  return waitForCondition.call(this, condition, timeout);
};

/** How long a run of three small steps may take on a machine that does much else. */
export const RUN = { timeout: 60_000 };

export class Sluice {
  constructor(
    readonly page: IJupyterLabPageFixture,
    readonly folder: string
  ) {}

  get panel(): Locator {
    return this.page.locator('#sluice-panel');
  }

  get runButton(): Locator {
    return this.panel.getByRole('button', { name: 'Run pipeline', exact: true });
  }

  get cancelButton(): Locator {
    return this.panel.getByRole('button', { name: 'Cancel run', exact: true });
  }

  get steps(): Locator {
    return this.panel.getByLabel('Steps', { exact: true });
  }

  get runs(): Locator {
    return this.panel.getByLabel('Runs', { exact: true });
  }

  /** The chip at the head of a step's first cell; its words say the state. */
  chip(step: string): Locator {
    return this.page.locator('.jp-Notebook').getByRole('group', { name: `Step ${step}`, exact: true });
  }

  cell(index: number): Locator {
    return this.page.locator('.jp-Notebook .jp-Cell').nth(index);
  }

  /** Put a notebook on the server, open it, and open the panel. */
  async open(content: string, name = 'story.ipynb'): Promise<void> {
    const path = `${this.folder}/${name}`;
    await this.page.contents.uploadContent(content, 'text', path);
    await this.reopen(name);
  }

  async reopen(name = 'story.ipynb'): Promise<void> {
    await this.page.notebook.openByPath(`${this.folder}/${name}`);
    await this.page.notebook.activate(name);
    await this.page.sidebar.openTab('sluice-panel');
    await expect(this.panel).toBeVisible();
  }

  /** Replace a cell's text by typing, as a person would; no kernel is asked. */
  async type(index: number, source: string): Promise<void> {
    const editor = this.cell(index).locator('.cm-content');
    await editor.click();
    await this.page.keyboard.press('Control+A');
    await this.page.keyboard.insertText(source);
  }

  async execute(command: string, args: Record<string, unknown> = {}): Promise<void> {
    await this.page.evaluate(([id, rest]) => window.jupyterapp.commands.execute(id, rest), [command, args] as const);
  }

  /** A picture for people to look at, in test-results/screens/. */
  async picture(name: string): Promise<void> {
    await this.page.screenshot({
      path: join(__dirname, `../test-results/screens/${name}.png`),
      animations: 'disabled'
    });
  }

  /** What axe finds wrong in the panel and at the cells, serious or worse. */
  async seriousFaults(): Promise<string[]> {
    const { violations } = await new AxeBuilder({ page: this.page }).include('#sluice-panel').analyze();
    return violations
      .filter(one => one.impact === 'serious' || one.impact === 'critical')
      .flatMap(one => one.nodes.map(node => `${one.id}: ${one.help}: ${node.html}`));
  }
}

export const test = galata.extend<{ sluice: Sluice }>({
  sluice: async ({ page, tmpPath }, use) => {
    await use(new Sluice(page, tmpPath));
  }
});
