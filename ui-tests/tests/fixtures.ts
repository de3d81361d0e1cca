// What every story has at hand: JupyterLab with the Sluice panel open on one notebook, and words for what a user sees in it. Stories share one
// page, each with a folder of its own, since loading JupyterLab takes longer than most of them.
import { join } from 'node:path';

import { AxeBuilder } from '@axe-core/playwright';
import { galata as helpers, test as galata } from '@jupyterlab/galata';
import type { IJupyterLabPageFixture } from '@jupyterlab/galata';
import { JupyterLabPage } from '@jupyterlab/galata/lib/jupyterlabpage';
import { expect } from '@playwright/test';
import type { Locator } from '@playwright/test';

export { expect };

// Galata gives JupyterLab 15 seconds to start, which is too short on a busy machine.
const { waitForCondition } = JupyterLabPage.prototype;
JupyterLabPage.prototype.waitForCondition = function (condition, timeout = 120_000) {
  return waitForCondition.call(this, condition, timeout);
};

/** How long a run of three small steps may take on a machine that does much else. */
export const RUN = { timeout: 120_000 };

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

  /** A step in the panel: a tree's item that begins with its name and then says its state. */
  step(name: string): Locator {
    return this.panel.getByRole('tree', { name: 'Steps' }).getByRole('treeitem', { name: new RegExp(`^${name},`) });
  }

  async expectState(step: string, state: string, options?: { timeout: number }): Promise<void> {
    await expect(this.step(step)).toHaveAccessibleName(new RegExp(`^${step}, ${state}`), options);
  }

  /** The runs of this notebook, newest first. */
  get runs(): Locator {
    return this.panel.getByRole('list', { name: 'Runs' }).getByRole('listitem');
  }

  /** What is wrong with the notebook; each is a button that leads to its place. */
  get diagnostics(): Locator {
    return this.panel.getByRole('list', { name: 'Problems' }).getByRole('button');
  }

  /** The notebook in front. */
  get notebook(): Locator {
    return this.page.locator('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook');
  }

  /** The chip at the head of a step's first cell; its words say the state. */
  chip(step: string): Locator {
    return this.notebook.getByRole('group', { name: `Step ${step}`, exact: true });
  }

  cell(index: number): Locator {
    return this.notebook.locator('.jp-Cell').nth(index);
  }

  /** Put a notebook on the server, open it, and open the panel. */
  async open(content: string, name = 'story.ipynb'): Promise<void> {
    const path = `${this.folder}/${name}`;
    await this.page.contents.uploadContent(content, 'text', path);
    await this.reopen(name);
  }

  async reopen(name = 'story.ipynb'): Promise<void> {
    // Galata's own way leads through the file browser, whose tab ours may hide.
    const path = `${this.folder}/${name}`;
    await this.page.evaluate(async path => {
      const { commands, shell } = window.jupyterapp;
      const widget = (await commands.execute('docmanager:open', { path })) as { readonly id: string };
      shell.activateById(widget.id);
    }, path);
    const tab = this.page.getByRole('main').getByRole('tab', { name, exact: true });
    await expect(tab).toHaveAttribute('aria-selected', 'true');
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

  /** Select a cell as one does before a notebook's one-key commands. */
  async select(index: number): Promise<void> {
    await this.cell(index).locator('.jp-InputPrompt').click();
    await this.page.keyboard.press('Escape');
    await expect(this.cell(index)).toHaveClass(/jp-mod-active/);
  }

  /** Make a cell a step: its shortcut, a name, Enter. */
  async makeStep(index: number, name: string): Promise<void> {
    await this.select(index);
    await this.page.keyboard.press('Control+Alt+n');
    await this.cell(index).getByRole('textbox', { name: 'Name of the new step' }).fill(name);
    await this.page.keyboard.press('Enter');
    await expect(this.chip(name)).toBeVisible();
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

/** With a page of its own: for stories that need other settings, or leave the page changed. */
export const testAlone = galata.extend<{ sluice: Sluice }>({
  sluice: async ({ page, tmpPath }, use) => {
    await use(new Sluice(page, tmpPath));
  }
});

export const test = testAlone.extend<object, { lab: IJupyterLabPageFixture }>({
  lab: [
    async ({ browser }, use, { project }) => {
      const { page } = await helpers.newPage({
        browser,
        baseURL: project.use.baseURL!,
        autoGoto: false,
        mockKernels: false,
        mockSessions: false,
        waitForApplication: async page => page.locator('#jupyterlab-splash').waitFor({ state: 'detached' })
      });
      await page.setViewportSize(project.use.viewport!);
      page.setDefaultTimeout(project.use.actionTimeout!);
      await page.goto();
      await use(page);
      await page.context().close();
    },
    { scope: 'worker', timeout: 300_000 }
  ],
  page: async ({ lab }, use) => use(lab),
  sluice: async ({ page, tmpPath }, use) => {
    await use(new Sluice(page, tmpPath));
    // What a story opened is closed before its folder goes. After one that failed there is a new page anyway.
    await page.evaluate(async () => {
      const { commands, serviceManager, shell } = window.jupyterapp;
      for (const widget of [...shell.widgets('main')]) (widget as unknown as { dispose(): void }).dispose();
      await commands.execute('filebrowser:go-to-path', { path: '/', dontShowBrowser: true });
      await commands.execute('apputils:change-theme', { theme: 'JupyterLab Light' });
      await serviceManager.sessions.shutdownAll();
    });
  }
});
