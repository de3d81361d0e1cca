// Cell magics: those with Python in them are run as Python, those of other languages are none of our business, unknown ones
// are opaque.
import { act, actByShell } from './acts.js';
import { noteFile } from './files.js';
import type { Machine } from './machine.js';
import type { CellMagic } from '../syntax.js';
import { bindName } from './scopes.js';
import { constantValue, valueOf } from './thing.js';

const otherLanguages = /^(bash|sh|script|html|HTML|javascript|js|latex|markdown|svg|SVG|perl|ruby|cmd|system|!|sx)$/;

export function runCellMagic(machine: Machine, node: CellMagic): boolean {
  const head = { from: node.from, to: node.from + node.name.length + 2 };
  const holes = node.holes.map(hole => machine.evaluate(machine, hole, 'used'));
  if (!node.body) actByShell(machine, head);
  else if (node.name !== 'capture') act(machine);
  if (node.name === 'writefile' || node.name === 'file') {
    const isAppending = /^-a\s/.test(node.arguments.trim());
    const path = node.arguments
      .trim()
      .replace(/^(-a|--append)\s+/, '')
      .replace(/^["']|["']$/g, '');
    const isHole = holes.length === 1 && /^(\$[\w.]+|\{[^{}]*\})$/.test(path);
    noteFile(machine, isHole ? holes[0] : constantValue(path), isAppending ? 'changes' : 'writes', head);
    return true;
  }
  let falls = true;
  if (node.body) falls = machine.execute(machine, node.body);
  else if (otherLanguages.test(node.name))
    machine.remark(
      'opaque-code',
      'info',
      `Sluice does not read ‘%%${node.name}’ cells: files that it reads or writes make no edge. Add a ‘prev:’ tag where the order matters.`,
      head
    );
  else
    machine.remark(
      'opaque-code',
      'warning',
      `Sluice does not know the cell magic ‘%%${node.name}’, so it cannot tell what the cell reads or binds. Move the Python in it to a cell of its own.`,
      head
    );
  if (node.name === 'capture') {
    const name = node.arguments.split(/\s+/).find(word => /^[A-Za-z_]\w*$/.test(word));
    if (name) bindName(machine, name, valueOf(machine.make(head)), head);
  }
  return falls;
}
