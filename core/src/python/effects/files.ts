// Files that one step writes and another reads, where their path can be worked out from the source.
import { normalPath } from './fold.js';
import type { Arguments } from './arguments.js';
import type { Machine } from './machine.js';
import type { Node } from '../syntax.js';
import { fileFunction, fileMethod } from './tables/files.js';
import type { FileRole } from './tables/files.js';
import type { Value } from './thing.js';

export function noteFileCall(machine: Machine, path: string, args: Arguments, node: Node): void {
  if (path === 'builtins.open' || path === 'io.open' || path === 'gzip.open')
    return noteOpen(
      machine,
      args.positional[0] ?? byName(args, 'file'),
      args.positional[1] ?? byName(args, 'mode'),
      node
    );
  for (const { argument, keyword, role } of fileFunction(path))
    noteFile(machine, args.positional[argument] ?? byName(args, keyword), role, node);
}

export function noteFileMethod(machine: Machine, base: Value, name: string, args: Arguments, node: Node): void {
  if (base.constant?.isPath) {
    if (name === 'open') return noteOpen(machine, base, args.positional[0] ?? byName(args, 'mode'), node);
    if (/^(write_text|write_bytes|touch|mkdir)$/.test(name)) return noteFile(machine, base, 'writes', node);
    if (/^(read_text|read_bytes|exists|is_file|stat|iterdir|glob|rglob)$/.test(name))
      return noteFile(machine, base, 'reads', node);
    if (name === 'unlink') return noteFile(machine, base, 'writes', node);
    return;
  }
  const use = fileMethod(name);
  if (use) noteFile(machine, args.positional[use.argument] ?? byName(args, use.keyword), use.role, node);
}

const byName = (args: Arguments, keyword: string | undefined): Value | undefined =>
  args.keywords.find(({ name }) => name === keyword && name !== undefined)?.value;

function noteOpen(machine: Machine, path: Value | undefined, mode: Value | undefined, node: Node): void {
  const text = mode ? mode.constant?.value : 'r';
  if (typeof text !== 'string') return;
  if (/[wx]/.test(text)) noteFile(machine, path, 'writes', node);
  else if (text.includes('a') || text.includes('+')) noteFile(machine, path, 'changes', node);
  else noteFile(machine, path, 'reads', node);
}

export function noteFile(machine: Machine, path: Value | undefined, role: FileRole, node: Node): void {
  const text = path?.constant?.value;
  if (typeof text !== 'string' || text === '' || /^[a-z][a-z0-9+]*:\/\//i.test(text)) return;
  machine.report.files.push({
    path: normalPath(text),
    role,
    step: machine.step,
    range: machine.place(node),
    certainty: machine.certainty,
    through: machine.through
  });
}
