// The menu beside “Run pipeline”: parts of the pipeline, a run to go on with, and the comparison with the notebook.
import { MenuSvg } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Menu } from '@lumino/widgets';
import { addPastRuns } from '../cells/menu';
import type { PipelineModel } from '../pipelineModel';
import { CommandIds } from '../tokens';

let menu: Menu | undefined;

const pastRuns = Symbol('running with the values of a past run');

export const menuEntries: readonly (string | symbol | undefined)[] = [
  CommandIds.runOnly,
  CommandIds.runFrom,
  CommandIds.runTo,
  pastRuns,
  undefined,
  CommandIds.runAnew,
  CommandIds.resumeRun,
  undefined,
  CommandIds.verify,
  CommandIds.exportPipeline
];

export interface RunMenuOptions {
  readonly pipeline: PipelineModel;
  readonly commands: CommandRegistry;
  readonly anchor: HTMLElement;
  /** the step that it speaks of; undefined where none is chosen */
  readonly step: string | undefined;
  /** whether its first entry is to be active, as it is for those who came by keyboard */
  readonly isByKeyboard: boolean;
  readonly onClosed: () => void;
}

export function openRunMenu({ pipeline, commands, anchor, step, isByKeyboard, onClosed }: RunMenuOptions): void {
  menu?.dispose();
  const opened = (menu = new MenuSvg({ commands }));
  opened.addClass('jp-Sluice-menu');
  const args = { isMenu: true, ...(step === undefined ? {} : { step }) };
  for (const entry of menuEntries)
    if (entry === pastRuns) addPastRuns(opened, pipeline, commands, step);
    else opened.addItem(typeof entry === 'string' ? { command: entry, args } : { type: 'separator' });
  opened.aboutToClose.connect(() => {
    onClosed();
    anchor.focus({ preventScroll: true });
  });
  const { left, bottom } = anchor.getBoundingClientRect();
  opened.open(left, bottom);
  if (isByKeyboard) opened.activateNextItem();
}
