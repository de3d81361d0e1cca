// Code in strings: `eval("x + 1")`, `exec("made = x")`, `df.query("a > @t")`. A constant string is read as the code that it is.
import { act } from './acts.js';
import type { Machine } from './machine.js';
import { isGlobals } from './ownNames.js';
import type { Arguments } from './arguments.js';
import { touch } from './functions.js';
import type { Call, Node } from '../syntax.js';
import { readGlobal, readName } from './scopes.js';
import { store } from './targets.js';
import { hold, immutable, inside, unite, valueOf } from './thing.js';
import type { Frame, Value } from './thing.js';

/** The value of a call that runs code from a string; undefined where the call is no such one. */
export function dynamicCall(machine: Machine, node: Call): Value | undefined {
  const { func } = node;
  if (func.type === 'Attribute' && (func.attr === 'query' || func.attr === 'eval')) readQuery(machine, node);
  if (func.type !== 'Name' || !/^(eval|exec|globals|locals|vars|dir)$/.test(func.id)) return undefined;
  const callee = readName(machine, func.id, func);
  if (callee.things[0]?.path !== `builtins.${func.id}`) return undefined;
  if (func.id === 'eval' || func.id === 'exec') return runText(machine, node, func.id);
  if ((func.id === 'vars' || func.id === 'dir') && node.args.length > 0) return undefined;
  if (func.id !== 'globals' && machine.frame) return undefined;
  opaque(machine, node, `‘${func.id}()’ reaches every name, so Sluice cannot tell which ones are read or changed.`);
  return valueOf(machine.make(node));
}

export function opaque(machine: Machine, node: Node, what: string): void {
  machine.remark(
    'opaque-code',
    'warning',
    `${what} Name the variables that it uses in the cell, so that they are there.`,
    node
  );
}

function runText(machine: Machine, node: Call, name: string): Value {
  const [first, ...scopes] = node.args;
  const text = first && machine.evaluate(machine, first, 'used').constant?.value;
  const [own, locals] = scopes.map(scope => (isGlobals(scope) ? undefined : machine.evaluate(machine, scope, 'used')));
  if (own && own.things.length > 0) return runApart(machine, node, unite([own, locals ?? immutable]));
  if (typeof text !== 'string') {
    act(machine);
    opaque(
      machine,
      node,
      `‘${name}’ runs text that is known only at run time, so Sluice cannot tell what it reads or changes.`
    );
    return valueOf(machine.make(node));
  }
  const { frame } = machine;
  if (locals) {
    machine.frame = frameFor(machine, node);
    machine.catchesNameError++; // what is no name of the notebook is in the mapping
  }
  const value = runSource(machine, text, node, name === 'eval');
  if (locals) {
    store(machine, locals, unite([immutable, ...machine.frame!.names.values()]), node);
    machine.catchesNameError--;
  }
  machine.frame = frame;
  return value;
}

/** Run a text as if it stood at `node`; what it gives where it is one expression to be evaluated. */
export function runSource(machine: Machine, text: string, node: Node, isValue = false): Value {
  const { body } = machine.parse(text.trim());
  const { stand } = machine;
  machine.stand = stand ?? node;
  let value: Value = immutable;
  const only = body.length === 1 ? body[0]! : undefined;
  if (isValue && only?.type === 'Expression') value = machine.evaluate(machine, only.value, 'kept');
  else machine.execute(machine, body);
  machine.stand = stand;
  return value;
}

function frameFor(machine: Machine, node: Call): Frame {
  const { frame: parent, depth } = machine;
  const thing = machine.make(node, {}, 'frame');
  return { kind: 'function', names: new Map(), thing, returns: immutable, depth, ...(parent ? { parent } : {}) };
}

/** Code in a namespace of its own knows no other; what it makes stays bound to that. */
function runApart(machine: Machine, node: Call, space: Value): Value {
  act(machine);
  const made = valueOf(machine.make(node, { changes: space }, 'apart'));
  for (const thing of made.things) hold(thing, space);
  store(machine, space, made, node);
  return unite([immutable, made, inside(space)]);
}

/** `df.query("a > @t")` and `df.eval` read t. */
function readQuery(machine: Machine, node: Call): void {
  const [first] = node.args;
  if (!first) return;
  const logged = machine.evaluate(machine, first, 'used').constant?.value;
  if (typeof logged === 'string')
    for (const [, name] of logged.matchAll(/@([A-Za-z_]\w*)/g)) readName(machine, name!, first);
}

const formulas = /^(patsy|statsmodels|formulaic|linearmodels|bambi|lifelines)\./;

/** `smf.ols("y ~ np.log(x) + scaled(z)", df)` evaluates its text where it is called: what is no column is a name of the notebook. */
export function readFormulas(machine: Machine, path: string, { positional, keywords }: Arguments, node: Node): void {
  if (!formulas.test(path)) return;
  for (const { constant } of [...positional, ...keywords.map(({ value }) => value)]) {
    const text = constant?.value;
    if (typeof text !== 'string' || !(text.includes('~') || path.startsWith('patsy.'))) continue;
    for (const [name] of text.matchAll(/(?<![\w.])[A-Za-z_]\w*/g)) {
      const slot = machine.slotOf(name);
      if (slot && !slot.isDeleted) perhapsUsed(machine, name, node);
    }
  }
}

function perhapsUsed(machine: Machine, name: string, node: Node): void {
  machine.depth++;
  touch(machine, readGlobal(machine, name, node));
  machine.depth--;
}
