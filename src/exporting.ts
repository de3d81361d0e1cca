// The pipeline as a file beside the notebook, for Kubeflow's own UI, the kfp client, or whoever wants to read it.
import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { Client } from './client';
import { unusedPath } from './importing';
import type { Pipelines } from './pipelines';
import { canRun } from './targets';
import { CommandIds } from './tokens';

export interface ExportCommandOptions {
  readonly commands: CommandRegistry;
  readonly pipelines: Pipelines;
  readonly client: Client;
  readonly contents: Contents.IManager;
  readonly trans: TranslationBundle;
}

export function addExportCommand({ commands, pipelines, client, contents, trans }: ExportCommandOptions): void {
  commands.addCommand(CommandIds.exportPipeline, {
    label: trans.__('Export for Kubeflow'),
    mnemonic: 0,
    caption: trans.__(
      'Write the pipeline beside the notebook as a YAML file, which Kubeflow’s own UI and client take.'
    ),
    isEnabled: () => canRun(pipelines.current),
    execute: async () => {
      const pipeline = pipelines.current;
      if (!pipeline) return;
      try {
        const ir = await client.compile(pipeline.toSubmit());
        const { path } = pipeline.panel.context;
        const target = await unusedPath(contents, path.replace(/\.ipynb$/, ''), '.yaml');
        await contents.save(target, { type: 'file', format: 'text', content: ir });
        pipeline.notices.say({
          kind: 'succeeded',
          text: trans.__('Exported as ‘%1’.', PathExt.basename(target)),
          action: {
            label: trans.__('Open'),
            act: () => void commands.execute('docmanager:open', { path: target })
          }
        });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        pipeline.notices.say({ kind: 'failed', text });
      }
    }
  });
}
