// The menu of a cell's role, on its chip, in its toolbar and on the Menu key alike. One key each: the labels' mnemonics.
import type { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';
import { CommandIds } from '../tokens';

let menu: Menu | undefined;

const entries: readonly (string | undefined)[] = [
  CommandIds.makeStep,
  CommandIds.joinStepAbove,
  CommandIds.renameStep,
  undefined,
  CommandIds.markImports,
  CommandIds.markFunctions,
  CommandIds.markParameters,
  CommandIds.markMetrics,
  CommandIds.markSkip,
  undefined,
  CommandIds.openOutputs,
  CommandIds.runPipeline,
  CommandIds.runOnly,
  CommandIds.runFrom,
  CommandIds.runTo
];

export function openCellMenu(commands: CommandRegistry, anchor: Element): void {
  menu?.dispose();
  menu = new Menu({ commands });
  menu.addClass('jp-Sluice-menu');
  for (const command of entries) menu.addItem(command ? { command, args: { isMenu: true } } : { type: 'separator' });
  const { left, bottom } = anchor.getBoundingClientRect();
  menu.open(left, bottom);
}
