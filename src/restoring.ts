// Restoring files of a snapshot: a dialog says what will happen and asks where to; the panel then says what happened, and how to take it back.
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { Client, Restored } from './client';
import type { PipelineModel } from './pipelineModel';

export interface RestoreOptions {
  readonly snapshot: string;
  /** what is restored, as the dialog's title says it */
  readonly title: string;
  readonly run: number;
  readonly files: number;
  /** undefined: all of them */
  readonly paths?: readonly string[];
}

export async function restoreFiles(pipeline: PipelineModel, client: Client, options: RestoreOptions): Promise<void> {
  const { trans } = pipeline;
  const folder = PathExt.dirname(pipeline.path);
  const suggested = PathExt.join(folder, `restored-${options.run}`);
  const { button, value } = await showDialog({
    title: options.title,
    body: new Destination(describeFolder(folder, trans), suggested, options, trans),
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Restore') })],
    focusNodeSelector: 'input:checked'
  });
  if (!button.accept || value === null || value === undefined) return;
  const { snapshot, paths } = options;
  const what = { ...(value.to === undefined ? {} : { to: value.to }), ...(paths === undefined ? {} : { paths }) };
  await tell(pipeline, client, () => client.restore(snapshot, what));
}

async function tell(pipeline: PipelineModel, client: Client, act: () => Promise<Restored>): Promise<void> {
  const { trans, notices } = pipeline;
  notices.say({ kind: 'running', text: trans.__('Restoring files …') });
  try {
    const restored = await act();
    const { files, to, safety } = restored;
    const where = describeFolder(to, trans);
    const undo = (): void => void tell(pipeline, client, () => client.undoRestore(restored));
    if (files === 0) {
      notices.say({ kind: 'succeeded', text: trans.__('Nothing to restore: the files in %1 are the same.', where) });
      return;
    }
    notices.say({
      kind: 'succeeded',
      text: trans._n('%1 file was restored to %2.', '%1 files were restored to %2.', files, where),
      ...(safety === undefined ? {} : { action: { label: trans.__('Put back what was there'), act: undo } })
    });
  } catch (error) {
    notices.say({ kind: 'failed', text: error instanceof Error ? error.message : String(error) });
  }
}

function describeFolder(folder: string, trans: TranslationBundle): string {
  return folder === '' || folder === '.' ? trans.__('Jupyter’s root folder') : `‘${folder}’`;
}

interface Choice {
  /** undefined: the notebook's own folder */
  readonly to: string | undefined;
}

let count = 0;

class Destination extends Widget implements Dialog.IBodyWidget<Choice> {
  constructor(folder: string, suggested: string, { files, paths }: RestoreOptions, trans: TranslationBundle) {
    super();
    this.addClass('jp-Sluice-restore');
    const name = `jp-Sluice-restore-${++count}`;
    const what = paths
      ? trans.__('The file there is replaced by the one of the snapshot.')
      : trans.__('Files there are replaced by those of the snapshot; others stay.');
    const safety = trans.__('Before that, the folder is kept as a snapshot of its own, so that it can be put back.');
    this.here = radio(name, true);
    this.there = radio(name, false);
    this.node.append(
      option(this.here, trans.__('Back into the notebook’s folder, %1', folder), `${what} ${safety}`),
      option(
        this.there,
        trans.__('Into another folder'),
        trans._n(
          '%1 file is written there. The folder must be new or empty.',
          '%1 files are written there. The folder must be new or empty.',
          files
        )
      ),
      this.path
    );
    this.path.className = 'jp-mod-styled';
    this.path.value = suggested;
    this.path.spellcheck = false;
    this.path.setAttribute('aria-label', trans.__('Folder, from Jupyter’s root'));
    this.path.addEventListener('focus', () => (this.there.checked = true));
  }

  getValue(): Choice {
    return { to: this.there.checked ? this.path.value.trim() : undefined };
  }

  private readonly here: HTMLInputElement;
  private readonly there: HTMLInputElement;
  private readonly path = document.createElement('input');
}

function radio(name: string, isChecked: boolean): HTMLInputElement {
  const input = document.createElement('input');
  input.type = 'radio';
  input.name = name;
  input.checked = isChecked;
  return input;
}

function option(input: HTMLInputElement, text: string, remark: string): HTMLElement {
  const label = document.createElement('label');
  const words = document.createElement('span');
  const small = document.createElement('small');
  words.textContent = text;
  small.textContent = remark;
  words.append(small);
  label.append(input, words);
  return label;
}
