// Pipelines of other tools, taken over: a notebook of Kale's where it stands, and an Elyra pipeline as a new notebook beside its file.
import { showErrorMessage } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { ServerConnection, type Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import { importElyra, readElyra, type Import } from '@sluice/core';
import type { CommandRegistry } from '@lumino/commands';
import { takeOverKale } from './editing';
import { sluiceIcon } from './icons';
import type { PipelineModel } from './pipelineModel';
import type { Pipelines } from './pipelines';
import { CommandIds } from './tokens';

export interface ImportCommandOptions {
  readonly commands: CommandRegistry;
  readonly pipelines: Pipelines;
  readonly contents: Contents.IManager;
  readonly browsers: IFileBrowserFactory | null;
  readonly trans: TranslationBundle;
}

export function addImportCommands(options: ImportCommandOptions): void {
  const { commands, pipelines, browsers, trans } = options;
  commands.addCommand(CommandIds.takeOverKale, {
    label: trans.__('Take Over From Kale'),
    caption: trans.__(
      'Write what Kale keeps in this notebook in Sluice’s words, so that it can be changed in the panel. Kale no longer finds it; Undo brings it back.'
    ),
    isEnabled: () => isOfKale(pipelines.current),
    execute: () => {
      const pipeline = pipelines.current;
      if (!pipeline || !isOfKale(pipeline)) return;
      const { notes, giveBack } = takeOverKale(pipeline);
      pipeline.notices.say({
        kind: 'succeeded',
        text: trans.__('Taken over from Kale.'),
        detail: notes.length === 0 ? trans.__('All that Kale kept here is kept.') : notes.join('\n'),
        action: {
          label: trans.__('Undo'),
          act: () => {
            pipeline.notices.say(undefined);
            giveBack();
          }
        }
      });
    }
  });
  const chosen = (): string | undefined =>
    [...(browsers?.tracker.currentWidget?.selectedItems() ?? [])].find(item => item.path.endsWith('.pipeline'))?.path;
  commands.addCommand(CommandIds.openElyra, {
    label: trans.__('Open as a Notebook With Steps'),
    caption: trans.__('Make a notebook of this Elyra pipeline, beside it, with a step for each of its nodes.'),
    icon: sluiceIcon,
    isVisible: () => chosen() !== undefined,
    execute: async args => {
      const path = typeof args['path'] === 'string' ? args['path'] : chosen();
      if (path === undefined) return;
      try {
        await openElyra(path, options);
      } catch (error) {
        await showErrorMessage(trans.__('‘%1’ was not opened', PathExt.basename(path)), toMessage(error));
      }
    }
  });
}

export function isOfKale(pipeline: PipelineModel | undefined): boolean {
  const { kubeflow_notebook: kale } = (pipeline?.notebook.metadata ?? {}) as { readonly kubeflow_notebook?: unknown };
  return typeof kale === 'object' && kale !== null;
}

async function openElyra(path: string, { commands, pipelines, contents, trans }: ImportCommandOptions): Promise<void> {
  const { notebooks, notes } = await readPipeline(path, contents, trans);
  const { notebook, steps, name } = notebooks[0]!;
  const target = await unusedPath(contents, PathExt.join(PathExt.dirname(path), name), '.ipynb');
  await contents.save(target, { type: 'notebook', format: 'json', content: notebook });
  const panel = (await commands.execute('docmanager:open', { path: target })) as NotebookPanel;
  await panel.context.ready;
  await commands.execute(CommandIds.showPanel);
  pipelines.of(panel)?.notices.say({
    kind: 'succeeded',
    text: trans._n(
      'Made of ‘%2’: %1 step. Look at it, then run it.',
      'Made of ‘%2’: %1 steps. Look at them, then run them.',
      steps,
      PathExt.basename(path)
    ),
    ...(notes.length === 0 ? {} : { detail: notes.join('\n') })
  });
}

async function readPipeline(path: string, contents: Contents.IManager, trans: TranslationBundle): Promise<Import> {
  const pipeline = readElyra((await readText(contents, path)) ?? '');
  if (typeof pipeline === 'string') throw new Error(pipeline);
  if (pipeline.nodes.length === 0)
    throw new Error([trans.__('No node of it runs a notebook or a Python script.'), ...pipeline.notes].join('\n'));
  const files = new Map<string, string>();
  for (const { file } of pipeline.nodes) {
    const text = await readText(contents, PathExt.join(PathExt.dirname(path), file));
    if (text !== undefined) files.set(file, text);
  }
  return importElyra(pipeline, files, PathExt.basename(path, '.pipeline'));
}

/** Undefined where there is no such file; that a node's file is missing is core's to say. */
async function readText(contents: Contents.IManager, path: string): Promise<string | undefined> {
  try {
    return String((await contents.get(path, { type: 'file', format: 'text', content: true })).content);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The first free one of NAME.ipynb, NAME-2.ipynb, …: nothing is overwritten. */
export async function unusedPath(contents: Contents.IManager, stem: string, extension: string): Promise<string> {
  for (let n = 1; ; n++) {
    const path = `${stem}${n === 1 ? '' : `-${n}`}${extension}`;
    try {
      await contents.get(path, { content: false });
    } catch (error) {
      if (isNotFound(error)) return path;
      throw error;
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ServerConnection.ResponseError && error.response.status === 404;
}

function toMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
