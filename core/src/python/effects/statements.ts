// Running statements, one after the other: which names they bind, on which paths, and what they change.
import { note } from './ambient.js';
import { elementOf } from './attributes.js';
import { applyChanges, capture, join } from './branches.js';
import type { Outcome } from './branches.js';
import { callValue } from './calls.js';
import { act } from './acts.js';
import { change } from './change.js';
import { defineClass, defineFunction, defineTypeAlias, hasLateAnnotations } from './definitions.js';
import { combine, evaluate } from './expressions.js';
import { readKept } from './kept.js';
import type { Machine } from './machine.js';
import { runCellMagic } from './magics.js';
import type {
  Assign,
  AugmentedAssign,
  Expression,
  For,
  If,
  Import,
  ImportFrom,
  Match,
  Node,
  Statement,
  Try,
  While,
  With
} from '../syntax.js';
import { readModuleAttribute } from './moduleAttributes.js';
import { bindName, removeName } from './scopes.js';
import { prelude } from './slot.js';
import type { Slot, SlotKind } from './slot.js';
import { isImportedForEffect, isProcessOwn } from './tables/ambient.js';
import { builtinNames } from './tables/builtins.js';
import { isTypeMaker } from './tables/functions.js';
import { bindTarget, deleteTarget } from './targets.js';
import { contentsOf, elementsIn, immutable, mayHold, unite, valueOf } from './thing.js';
import type { Value } from './thing.js';

/** False where control surely does not come out at the end. */
export function execute(machine: Machine, body: readonly Statement[]): boolean {
  for (const statement of body) if (!executeStatement(machine, statement)) return false;
  return true;
}

function executeStatement(machine: Machine, node: Statement): boolean {
  if (machine.frame) machine.fuel--;
  switch (node.type) {
    case 'Assign': {
      const value = evaluate(machine, node.value, 'kept');
      const kind = repeatedKind(machine, node, value);
      if (kind) bindRepeated(machine, node, value, kind);
      else for (const target of node.targets) bindTarget(machine, target, value);
      return true;
    }
    case 'AugmentedAssign':
      augment(machine, node);
      return true;
    case 'AnnotatedAssign':
      if (!hasLateAnnotations(machine)) evaluate(machine, node.annotation, 'used');
      if (node.value) bindTarget(machine, node.target, evaluate(machine, node.value, 'kept'));
      return true;
    case 'Delete':
      for (const target of node.targets) deleteTarget(machine, target);
      return true;
    case 'Expression': {
      machine.dropped = node.value;
      const value = evaluate(machine, node.value, 'used');
      if (!machine.frame) machine.shown = value;
      return !exits(machine, node.value);
    }
    case 'Return': {
      const value = node.value ? evaluate(machine, node.value, 'kept') : immutable;
      if (machine.frame) machine.frame.returns = unite([machine.frame.returns, value]);
      return machine.frame ? machine.depth > machine.frame.depth : true;
    }
    case 'Raise':
      act(machine);
      if (node.exception) machine.raised = [...machine.raised, evaluate(machine, node.exception, 'used')];
      if (node.cause) evaluate(machine, node.cause, 'used');
      return false;
    case 'Assert':
      act(machine);
      evaluate(machine, node.test, 'used');
      if (node.message) perhaps(machine, () => void evaluate(machine, node.message!, 'used'));
      return true;
    case 'Import':
      runImport(machine, node);
      noteImports(
        machine,
        node,
        node.names.map(({ module }) => module)
      );
      return true;
    case 'ImportFrom':
      runImportFrom(machine, node);
      noteImports(machine, node, [node.module]);
      return true;
    case 'If':
      return runIf(machine, node);
    case 'For':
    case 'While':
      return runLoop(machine, node);
    case 'Try':
      return runTry(machine, node);
    case 'With':
      return runWith(machine, node);
    case 'Match':
      return runMatch(machine, node);
    case 'FunctionDefinition':
      defineFunction(machine, node, callValue);
      return true;
    case 'ClassDefinition':
      defineClass(machine, node, callValue);
      return true;
    case 'TypeAlias':
      defineTypeAlias(machine, node);
      return true;
    case 'CellMagic':
      return runCellMagic(machine, node);
    case 'Global':
    case 'Nonlocal':
    case 'Help':
    case 'Pass':
    case 'Break':
    case 'Continue':
      return true;
  }
}

/** `ctx = decimal.getcontext()` names what each process has one of; `T = TypeVar("T")` defines as `class` does. */
function repeatedKind(machine: Machine, { targets }: Assign, { things }: Value): SlotKind | undefined {
  const [thing] = things;
  if (!thing || things.length > 1 || machine.frame || machine.depth > 0) return undefined;
  if (targets.some(({ type }) => type !== 'Name')) return undefined;
  if (machine.unitReads.some(({ kind, step }) => kind === 'value' && step !== prelude)) return undefined;
  return isProcessOwn(thing) ? 'import' : isTypeMaker(thing.madeBy) ? 'definition' : undefined;
}

/** Later steps run the statement again, as they do with imports and definitions. */
function bindRepeated(machine: Machine, node: Assign, value: Value, kind: SlotKind): void {
  const parts = { kind, unit: machine.unit, headers: machine.unitReads };
  for (const target of node.targets) if (target.type === 'Name') bindName(machine, target.id, value, target, parts);
}

const exitPaths = new Set(['sys.exit', 'builtins.exit', 'builtins.quit', 'os._exit']);

function exits(machine: Machine, node: Expression): boolean {
  if (node.type !== 'Call') return false;
  const { func } = node;
  if (func.type !== 'Name' && func.type !== 'Attribute') return false;
  const path = func.type === 'Name' ? func.id : func.value.type === 'Name' ? `${func.value.id}.${func.attr}` : '';
  return exitPaths.has(path) || exitPaths.has(`builtins.${path}`)
    ? machine.depth > 0 || machine.frame !== undefined
    : false;
}

function perhaps(machine: Machine, run: () => void): void {
  const outcome = capture(machine, () => {
    run();
    return true;
  });
  join(machine, [outcome, nothing]);
}

const nothing: Outcome = { falls: true, changes: new Map() };

function augment(machine: Machine, node: AugmentedAssign): void {
  const { target } = node;
  if (target.type !== 'Name') {
    // The element itself may change in place, as an array in a dict does.
    const old = evaluate(machine, target, 'used');
    const right = evaluate(machine, node.value, 'kept');
    change(machine, old, node, { isPossible: true });
    bindTarget(machine, target, unite([old, right]));
    return;
  }
  const old = evaluate(machine, target, 'used');
  const right = evaluate(machine, node.value, 'kept');
  if (old.things.length > 0) {
    const isNumber = typeof right.constant?.value === 'number';
    change(machine, old, node, { isPossible: isNumber });
    for (const thing of old.things) mayHold(thing, elementsIn(right));
  }
  const made = combine(machine, node, node.operator.replace(/=$/, ''), old, right);
  bindName(machine, target.id, old.things.length > 0 ? unite([old, made]) : made, target);
}

function noteImports(machine: Machine, node: Statement, modules: readonly string[]): void {
  for (const module of modules) if (isImportedForEffect(module)) note(machine, module, node);
}

function runImport(machine: Machine, node: Import): void {
  for (const { module, alias, range } of node.names) {
    const value = machine.library(alias === undefined ? module.split('.')[0]! : module);
    const name = alias ?? module.split('.')[0]!;
    const parts = machine.frame
      ? {}
      : {
          kind: 'import' as const,
          unit: machine.importUnit(node),
          headers: machine.importTry ? machine.unitReads : []
        };
    bindName(machine, name, value, range, parts);
  }
}

function runImportFrom(machine: Machine, node: ImportFrom): void {
  for (const { name, alias, range } of node.names) {
    const parts = machine.frame
      ? {}
      : {
          kind: 'import' as const,
          unit: machine.importUnit(node),
          headers: machine.importTry ? machine.unitReads : []
        };
    if (name === '*') importAll(machine, node, parts);
    else bindName(machine, alias ?? name, importedFrom(machine, `${node.module}.${name}`, range), range, parts);
  }
}

const importedFrom = (machine: Machine, path: string, node: Node): Value =>
  unite([
    machine.library(path),
    readModuleAttribute(machine, path, node) ?? readKept(machine, path, node) ?? immutable
  ]);

function importAll(machine: Machine, node: ImportFrom, parts: Partial<Slot>): void {
  const { module } = node;
  const names = machine.starNames.get(module);
  machine.remark('star-import', 'info', describeStar(module, names), node);
  if (names) {
    for (const name of names) machine.rebind(name, machine.library(`${module}.${name}`), node, parts);
    return;
  }
  const written = machine.place(node);
  const value = machine.library(module);
  const unit = machine.importUnit(node);
  machine.reading.addStar({ name: '*', value, step: machine.step, origin: written, written, kind: 'import', unit });
}

function describeStar(module: string, names: readonly string[] | undefined): string {
  const what = `‘from ${module} import *’ binds`;
  if (!names)
    return `${what} names that the source does not show, and nobody could look into ‘${module}’: each later step that may need one takes the import. Import the names that you use.`;
  const hidden = names.filter(name => builtinNames.has(name));
  const some = hidden.slice(0, 3).map(name => `‘${name}’`);
  const hides =
    hidden.length === 0 ? '' : `, Python’s own ${some.join(', ')}${hidden.length > 3 ? ' …' : ''} among them`;
  return `${what} ${names.length} names that the source does not show${hides}: those that ‘${module}’ has now. Import the names that you use.`;
}

function runIf(machine: Machine, node: If): boolean {
  evaluate(machine, node.test, 'used');
  const arms = [node.body, node.orElse].map(body => capture(machine, () => execute(machine, body)));
  return join(machine, arms);
}

function runLoop(machine: Machine, node: For | While): boolean {
  const isEndless = node.type === 'While' && node.test.type === 'Constant' && node.test.value === true;
  const iterable = node.type === 'For' ? evaluate(machine, node.iterable, 'kept') : immutable;
  if (node.type === 'While') evaluate(machine, node.test, 'used');
  const isSure = isEndless || (node.type === 'For' && surelyIterates(node.iterable));
  const body = capture(machine, () => {
    if (isSure) machine.depth--;
    for (let pass = 0; pass < (machine.depth > 3 || machine.running.length > 1 ? 1 : 2); pass++) {
      if (node.type === 'For') bindTarget(machine, node.target, elementOf(machine, iterable));
      else evaluate(machine, node.test, 'used');
      execute(machine, node.body);
    }
    if (isSure) machine.depth++;
    return true;
  });
  join(machine, isSure ? [body] : [body, nothing]);
  const rest = capture(machine, () => execute(machine, node.orElse));
  if (node.orElse.length > 0) join(machine, [rest, nothing]);
  return true;
}

/** `for x in range(3)`, `for x in [1, 2]` */
function surelyIterates(node: Expression): boolean {
  if (node.type === 'Collection') return node.elements.some(element => element.type !== 'Starred');
  if (node.type !== 'Call' || node.func.type !== 'Name' || node.func.id !== 'range') return false;
  const [first, second] = node.args;
  if (node.args.length > 2 || first?.type !== 'Constant') return false;
  if (!second) return Number(first.value) > 0;
  return second.type === 'Constant' && Number(second.value) > Number(first.value);
}

function runTry(machine: Machine, node: Try): boolean {
  const catches = node.handlers.some(({ exception }) => !exception || catchesNames(exception));
  if (catches) machine.catchesNameError++;
  const outer = machine.raised;
  machine.raised = [];
  const body = capture(machine, () => {
    machine.depth--;
    const falls = execute(machine, node.body);
    machine.depth++;
    return falls;
  });
  if (catches) machine.catchesNameError--;
  const caught = unite([immutable, ...machine.raised]);
  machine.raised = [...outer, caught];
  const outcomes = [
    capture(machine, () => {
      applyChanges(machine, body.changes);
      machine.depth--;
      const falls = body.falls && execute(machine, node.orElse);
      machine.depth++;
      return falls;
    })
  ];
  for (const handler of node.handlers)
    outcomes.push(
      capture(machine, () => {
        join(machine, [{ falls: true, changes: body.changes }, nothing]);
        if (handler.exception) evaluate(machine, handler.exception, 'used');
        if (handler.name)
          bindName(machine, handler.name.id, unite([valueOf(machine.make(handler.name)), caught]), handler.name);
        const falls = execute(machine, handler.body);
        if (handler.name && falls) removeName(machine, handler.name.id, handler.name);
        return falls;
      })
    );
  const falls = join(machine, outcomes);
  return execute(machine, node.finally) && (falls || node.handlers.length === 0 ? body.falls || falls : false);
}

function catchesNames(exception: Expression): boolean {
  if (exception.type === 'Name')
    return ['NameError', 'Exception', 'BaseException', 'UnboundLocalError'].includes(exception.id);
  return exception.type === 'Collection' && exception.elements.some(catchesNames);
}

function runWith(machine: Machine, node: With): boolean {
  for (const { context, target } of node.items) {
    const value = evaluate(machine, context, 'used');
    for (const thing of value.things)
      if (thing.instanceOf === undefined && thing.path === undefined)
        change(machine, valueOf(thing), context, { isPossible: true });
    if (target) bindTarget(machine, target, entered(value));
  }
  return execute(machine, node.body);
}

/** What `as` names: of a generator under `contextlib.contextmanager`, what it yields. */
const entered = ({ things, ...rest }: Value): Value =>
  unite([
    immutable,
    { things: things.filter(({ madeBy }) => madeBy !== 'generator'), ...rest },
    ...things.filter(({ madeBy }) => madeBy === 'generator').map(contentsOf)
  ]);

function runMatch(machine: Machine, node: Match): boolean {
  const subject = evaluate(machine, node.subject, 'kept');
  const outcomes = node.cases.map(arm =>
    capture(machine, () => {
      for (const read of arm.reads) evaluate(machine, read, 'used');
      for (const capture of arm.captures) bindName(machine, capture.id, elementOf(machine, subject), capture);
      if (arm.guard) evaluate(machine, arm.guard, 'used');
      return execute(machine, arm.body);
    })
  );
  const isExhaustive = node.cases.some(({ isIrrefutable }) => isIrrefutable);
  return join(machine, isExhaustive ? outcomes : [...outcomes, nothing]);
}
