// Each entry of a menu has a key of its own: the letter underlined in its label.
import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { menuEntries as cellEntries } from './cells/menu';
import { addCommands } from './commands';
import { addExportCommand } from './exporting';
import { menuEntries as runEntries } from './panel/runMenu';
import { addPastCommands } from './pastCommands';

test('no two entries of a menu have the same key', () => {
  const commands = new CommandRegistry();
  const options = { commands, pipelines: { current: undefined }, trans: nullTranslator.load('jupyterlab_sluice') };
  addCommands(options as never);
  addPastCommands(options as never);
  addExportCommand(options as never);
  for (const entries of [cellEntries, runEntries]) {
    const keys = entries
      .filter(entry => typeof entry === 'string')
      .map(command => commands.label(command)[commands.mnemonic(command)]?.toLowerCase());
    expect(keys).not.toContain(undefined);
    expect(keys).toEqual([...new Set(keys)]);
  }
});
