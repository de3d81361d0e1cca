// Commands on what past runs left: go on with a run that failed, run a step with the values of a run that one chooses, load values into the
// notebook's kernel, and open, download and restore files as they were.
import { Dialog, showDialog, type ISessionContext } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { RunSummary } from '@sluice/core';
import type { CommandRegistry } from '@lumino/commands';
import type { Widget } from '@lumino/widgets';
import type { Client } from './client';
import { loadValues } from './loading';
import type { PipelineModel } from './pipelineModel';
import type { Pipelines } from './pipelines';
import { restoreFiles } from './restoring';
import type { SnapshotDrive } from './snapshotDrive';
import { canRun, labelOf, runOf, stepOf, type Arguments } from './targets';
import { CommandIds } from './tokens';
import { resumableRun, resumesAt } from './words';

export interface PastCommandOptions {
  readonly commands: CommandRegistry;
  readonly pipelines: Pipelines;
  readonly client: Client;
  readonly drive: SnapshotDrive;
  readonly dialogs: ISessionContext.IDialogs;
  readonly trans: TranslationBundle;
}

export function addPastCommands(options: PastCommandOptions): void {
  addResumeCommand(options);
  addLoadCommand(options);
  addFileCommands(options);
}

/** `{run: id}`, else the newest run that there is something to go on with. */
function addResumeCommand({ commands, pipelines, trans }: PastCommandOptions): void {
  const past = (args: Arguments): RunSummary | undefined => {
    const all = pipelines.current?.runs.all ?? [];
    return typeof args['run'] === 'string' ? all.find(run => run.id === args['run']) : resumableRun(all);
  };
  commands.addCommand(CommandIds.resumeRun, {
    label: args => {
      const run = past(args);
      if (!run) return trans.__('Continue the Last Failed Run');
      const step = resumesAt(run);
      return step === undefined
        ? trans.__('Continue Run %1', run.number)
        : trans.__('Continue Run %1 From ‘%2’', run.number, step);
    },
    mnemonic: 0,
    caption: trans.__('Run what did not succeed there or has changed since; the rest is taken from that run.'),
    isEnabled: args => canRun(pipelines.current) && past(args) !== undefined,
    execute: args => {
      const run = past(args);
      return run && pipelines.current?.run({ resume: run.id });
    }
  });
}

/** `{step: name, run: id}`, else the selected cell's step and the run that is shown. */
function addLoadCommand({ commands, pipelines, client, dialogs, trans }: PastCommandOptions): void {
  const askToWait = async (): Promise<boolean> => {
    const { button } = await showDialog({
      title: trans.__('The kernel is busy'),
      body: trans.__('The values can be loaded as soon as it has done what it is at.'),
      buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Load Them Then') })]
    });
    return button.accept;
  };
  commands.addCommand(CommandIds.loadValues, {
    label: args => {
      const [label, step, run] = [labelOf(args), stepOf(pipelines.current, args), runOf(pipelines.current, args)];
      if (label !== undefined) return label;
      return step === undefined || !run
        ? trans.__('Load the Step’s Values Into the Kernel')
        : trans.__('Load Values After ‘%1’ of Run %2 Into the Kernel', step, run.number);
    },
    mnemonic: args => (labelOf(args) === undefined ? 0 : -1),
    caption: trans.__('Continue from here in the notebook: its kernel gets the values as they were after this step.'),
    isEnabled: args => {
      const step = stepOf(pipelines.current, args);
      const state = runOf(pipelines.current, args)?.steps.find(other => other.name === step)?.state;
      return state === 'succeeded' || state === 'cached';
    },
    execute: async args => {
      const pipeline = pipelines.current;
      const run = runOf(pipeline, args);
      const step = stepOf(pipeline, args);
      if (pipeline && run && step !== undefined) await loadValues(pipeline, run, step, { client, dialogs, askToWait });
    }
  });
}

/** The panel's own; they have no place in the palette. */
function addFileCommands({ commands, pipelines, client, drive, trans }: PastCommandOptions): void {
  const attempt = async (pipeline: PipelineModel, act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      pipeline.notices.say({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
    }
  };
  commands.addCommand(CommandIds.openFile, {
    label: trans.__('Open a File as It Was'),
    execute: async ({ snapshot, path, run }) => {
      const pipeline = pipelines.current;
      const from = pipeline?.runs.all.find(other => other.id === run);
      if (!pipeline || !from) return;
      await attempt(pipeline, async () => {
        const opened = drive.pathOf(String(snapshot), String(path));
        const widget = (await commands.execute('docmanager:open', { path: opened })) as Widget | undefined;
        if (widget) widget.title.label = trans.__('%1 · run %2', PathExt.basename(String(path)), from.number);
      });
    }
  });
  commands.addCommand(CommandIds.downloadFile, {
    label: trans.__('Download a File as It Was'),
    execute: async ({ snapshot, path }) => {
      const pipeline = pipelines.current;
      if (!pipeline) return;
      await attempt(pipeline, async () => download(await client.getFile(String(snapshot), String(path)), String(path)));
    }
  });
  commands.addCommand(CommandIds.restoreFiles, {
    label: trans.__('Restore Files as They Were…'),
    execute: async ({ snapshot, path, run, files, title }) => {
      const pipeline = pipelines.current;
      const from = pipeline?.runs.all.find(other => other.id === run);
      if (!pipeline || !from) return;
      await restoreFiles(pipeline, client, {
        snapshot: String(snapshot),
        title: String(title),
        run: from.number,
        files: Number(files),
        ...(typeof path === 'string' ? { paths: [path] } : {})
      });
    }
  });
}

function download(blob: Blob, path: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = PathExt.basename(path);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
