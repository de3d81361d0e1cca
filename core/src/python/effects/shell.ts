// The shell that runs the cells can be asked to run more, and knows all names.
import { act } from './acts.js';
import { opaque, runSource } from './dynamic.js';
import type { Arguments } from './arguments.js';
import type { Machine } from './machine.js';
import { isShell, isShellNamespace } from './ownNames.js';
import type { Node } from '../syntax.js';
import { immutable } from './thing.js';
import type { Value } from './thing.js';

/** `get_ipython().user_ns` */
export function noteShellNames(machine: Machine, base: Value, attr: string, node: Node): void {
  if (isShellNamespace(attr) && base.things.some(isShell))
    opaque(machine, node, '‘user_ns’ reaches every name, so Sluice cannot tell which ones are read or changed.');
}

/** `get_ipython().run_cell("x = 1")`, and magics as nbconvert writes them. */
export function callShell(machine: Machine, base: Value, name: string, args: Arguments, node: Node): Value | undefined {
  if (!base.things.some(isShell)) return undefined;
  const texts = args.positional.map(({ constant }) => constant?.value);
  const write = sources.get(name);
  if (write && texts.length > 0 && texts.every(text => typeof text === 'string'))
    return runSource(machine, write(...texts), node, name === 'ev');
  if (write || binders.has(name))
    opaque(machine, node, `‘${name}’ of the shell runs or binds what is known only at run time.`);
  act(machine);
  return immutable;
}

/** What a method of the shell runs, as source. */
const sources = new Map<string, (...texts: string[]) => string>([
  ['run_cell', text => text],
  ['ex', text => text],
  ['ev', text => text],
  ['run_line_magic', (name, line) => `%${name} ${line ?? ''}`],
  ['magic', line => `%${line}`],
  ['run_cell_magic', (name, line, cell) => `%%${name} ${line ?? ''}\n${cell ?? ''}`]
]);

const binders = new Set(['push', 'del_var', 'drop_by_id', 'reset', 'safe_execfile', 'run_code']);
