// The menu beside “Run pipeline”: parts of the pipeline, a run to go on with, and the comparison with the notebook.
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';
import { CommandIds } from '../tokens';

let menu: Menu | undefined;

const entries: readonly (string | undefined)[] = [
  CommandIds.runOnly,
  CommandIds.runFrom,
  CommandIds.runTo,
  undefined,
  CommandIds.resumeRun,
  undefined,
  CommandIds.verify
];

export interface RunMenuOptions {
  readonly commands: CommandRegistry;
  readonly anchor: HTMLElement;
  /** the step that it speaks of; undefined where none is chosen */
  readonly step: string | undefined;
  /** whether its first entry is to be active, as it is for those who came by keyboard */
  readonly isByKeyboard: boolean;
  readonly onClosed: () => void;
}

export function openRunMenu({ commands, anchor, step, isByKeyboard, onClosed }: RunMenuOptions): void {
  menu?.dispose();
  const opened = (menu = new Menu({ commands }));
  opened.addClass('jp-Sluice-menu');
  const args = { isMenu: true, ...(step === undefined ? {} : { step }) };
  for (const command of entries) opened.addItem(command ? { command, args } : { type: 'separator' });
  opened.aboutToClose.connect(() => {
    onClosed();
    anchor.focus({ preventScroll: true });
  });
  const { left, bottom } = anchor.getBoundingClientRect();
  opened.open(left, bottom);
  if (isByKeyboard) opened.activateNextItem();
}
