// Code in strings: `eval("x + 1")`, `exec("made = x")`, `df.query("a > @t")`. A constant string is read as the code that it is.
import type { Machine } from './machine.js';
import type { Call } from '../syntax.js';
import { immutable, valueOf } from './thing.js';
import type { Value } from './thing.js';

/** The value of a call that runs code from a string; undefined where the call is no such one. */
export function dynamicCall(machine: Machine, node: Call): Value | undefined {
  const { func } = node;
  if (func.type === 'Attribute' && (func.attr === 'query' || func.attr === 'eval')) readQuery(machine, node);
  if (func.type !== 'Name' || !/^(eval|exec|globals|locals|vars)$/.test(func.id)) return undefined;
  const callee = machine.read(func.id, func);
  if (callee.things[0]?.path !== `builtins.${func.id}`) return undefined;
  if (func.id === 'eval' || func.id === 'exec') return runText(machine, node, func.id);
  if (func.id === 'vars' && node.args.length > 0) return undefined;
  if (func.id !== 'globals' && machine.frame) return undefined;
  opaque(machine, node, `‘${func.id}()’ reaches every name, so Sluice cannot tell which ones are read or changed.`);
  return valueOf(machine.make(node));
}

function opaque(machine: Machine, node: Call, what: string): void {
  machine.remark(
    'opaque-code',
    'warning',
    `${what} Name the variables that it uses in the cell, so that they are there.`,
    node
  );
}

function runText(machine: Machine, node: Call, name: string): Value {
  const [first, ...rest] = node.args;
  const text = first && machine.evaluate(machine, first, 'used').constant?.value;
  for (const argument of rest) machine.evaluate(machine, argument, 'used');
  if (typeof text !== 'string') {
    opaque(
      machine,
      node,
      `‘${name}’ runs text that is known only at run time, so Sluice cannot tell what it reads or changes.`
    );
    return valueOf(machine.make(node));
  }
  const { body } = machine.parse(text.trim());
  const { stand } = machine;
  machine.stand = stand ?? node;
  let value: Value = immutable;
  const only = body.length === 1 ? body[0]! : undefined;
  if (name === 'eval' && only?.type === 'Expression') value = machine.evaluate(machine, only.value, 'kept');
  else machine.execute(machine, body);
  machine.stand = stand;
  return value;
}

/** `df.query("a > @t")` and `df.eval` read t. */
function readQuery(machine: Machine, node: Call): void {
  const [first] = node.args;
  if (!first) return;
  const logged = machine.evaluate(machine, first, 'used').constant?.value;
  if (typeof logged === 'string')
    for (const [, name] of logged.matchAll(/@([A-Za-z_]\w*)/g)) machine.read(name!, first);
}
