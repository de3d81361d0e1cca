// Calls into libraries, whose code we do not see: tables say what they change and what they give.
import { actByCall, actByMethod, actOutsideByMethod } from './acts.js';
import { noteAmbientCall, noteAmbientMethod } from './ambient.js';
import { noteCounts } from './caches.js';
import { change } from './change.js';
import { readFormulas } from './dynamic.js';
import { noteFileCall, noteFileMethod } from './files.js';
import { foldCall, foldMethod } from './foldCalls.js';
import { allOf, touch, useArguments } from './functions.js';
import type { Arguments } from './arguments.js';
import { isIndex, keepsRows, shareIndex } from './indexes.js';
import { useMember } from './kept.js';
import type { Machine } from './machine.js';
import type { Node } from '../syntax.js';
import { callShell } from './shell.js';
import { changedArgument, isStream, resultKind, untravelling } from './tables/functions.js';
import {
  changesArgument,
  isContainer,
  isRandom,
  isRestless,
  mayHaveMethod,
  mayTakeInPlace,
  methodEffect
} from './tables/methods.js';
import type { MethodEffect } from './tables/methods.js';
import { closure, contentsOf, heldBy, hold, immutable, inside, mayHold, unite, valueOf } from './thing.js';
import type { Thing, Value } from './thing.js';

/** Call `path`, a function or class of a library or a built-in one. */
export function callLibrary(machine: Machine, path: string, args: Arguments, node: Node): Value {
  const unbound = callUnbound(machine, path, args, node);
  if (unbound) return unbound;
  useMember(machine, path, node);
  noteAmbientCall(machine, path, args, node);
  noteFileCall(machine, path, args, node);
  const folded = foldCall(path, args);
  if (folded) return { things: [], constant: folded };
  actByCall(machine, path, args, node);
  readFormulas(machine, path, args, node);
  useArguments(machine, args);
  changeArguments(machine, path, args, node);
  switch (resultKind(path)) {
    case 'scalar':
      return immutable;
    case 'number':
      return allOf(args).some(({ things }) => things.length > 0) ? valueOf(machine.make(node)) : immutable;
    case 'view':
      return unite([immutable, ...allOf(args).map(inside)]);
    case 'fresh':
      return valueOf(machine.make(node, { madeBy: path, ...travel(path) }));
    case 'drawn': {
      const made = machine.make(node, { madeBy: path });
      for (const { name, value } of args.keywords) if (name === 'ax') hold(made, value);
      return valueOf(made);
    }
    case 'holds':
      return valueOf(copyOf(machine, path, args, node));
    case undefined: {
      const isSeeded = args.keywords.some(
        ({ name, value }) => name === 'random_state' && value.constant?.value !== null
      );
      const made = machine.make(node, { madeBy: path, isSeeded, ...travel(path) });
      for (const value of allOf(args)) mayHold(made, value);
      const [callee, ...positional] = args.positional;
      if (path === 'functools.partial' && callee) made.partial = { callee, positional, keywords: args.keywords };
      return valueOf(made);
    }
  }
}

/** `list.append(xs, 1)` is `xs.append(1)`. */
function callUnbound(machine: Machine, path: string, args: Arguments, node: Node): Value | undefined {
  const [self, ...positional] = args.positional;
  if (!self) return undefined;
  const dot = path.lastIndexOf('.');
  const maker = path.slice(0, dot);
  const kind = maker.startsWith('builtins.') ? maker.slice('builtins.'.length) : maker;
  const own = self.things.filter(({ madeBy }) => madeBy !== undefined && (madeBy === maker || madeBy === kind));
  return own.length > 0
    ? callMethod(machine, { things: own }, path.slice(dot + 1), { ...args, positional }, node)
    : undefined;
}

const travel = (path: string): Partial<Thing> => {
  const reason = untravelling.get(path);
  return reason === undefined ? {} : { untravelling: reason };
};

const lazy = /^builtins\.(iter|enumerate|zip|reversed|map|filter|memoryview)$|^pandas\./;

/** A new container or iterator over what the arguments hold. Of `list(range(9))` we have seen each element. */
function copyOf(machine: Machine, path: string, args: Arguments, node: Node): Thing {
  const isSeen = allOf(args).every(({ things }) => things.length === 0);
  const made = machine.make(node, { madeBy: (isSeen && seenContainers.get(path)) || path });
  for (const value of allOf(args)) {
    if (lazy.test(path)) mayHold(made, value);
    for (const thing of value.things) if (thing.callable || thing.classInfo) hold(made, valueOf(thing));
    holdParts(made, value);
  }
  if (path === 'builtins.dict') for (const { name, value } of args.keywords) if (name !== undefined) hold(made, value);
  return made;
}

/** A copy, as Python's containers make it, holds what its original holds. */
function holdParts(made: Thing, original: Value): void {
  for (const thing of original.things) {
    hold(made, contentsOf(thing));
    mayHold(made, heldBy(thing));
  }
}

const seenContainers = new Map(['list', 'tuple', 'set', 'dict'].map(kind => [`builtins.${kind}`, kind]));

function changeArguments(machine: Machine, path: string, args: Arguments, node: Node): void {
  if (!path.startsWith('builtins.')) change(machine, streamsIn(args), node, { isPossible: true });
  const index = changedArgument(path);
  const changed = index === undefined ? undefined : args.positional[index];
  if (changed) {
    change(machine, changed, node);
    if (!path.startsWith('numpy.'))
      for (const value of args.positional)
        if (value !== changed) for (const thing of changed.things) hold(thing, value);
  }
  for (const { name, value } of args.keywords)
    if (name === 'out' || name === 'file' || name === 'ax' || name === 'generator') change(machine, value, node);
    else if (name !== undefined && drawn.test(name) && isFunction.test(path))
      change(machine, generatorsIn(value), node);
}

const streamsIn = (args: Arguments): Value => ({
  things: allOf(args).flatMap(({ things }) => things.filter(({ madeBy }) => isStream(madeBy)))
});

/** Arguments whose random generators a function draws from; a class keeps them for later. */
const drawn = /^(random_state|rng|seed|cv|random)$/;
const isFunction = /(^|\.)[a-z_]\w*$/;

/** Makers of what may draw from a generator that it was given, whatever it is asked for. */
const mayDraw = /^(sklearn|imblearn|scipy)\./;

const generatorsIn = (value: Value): Value => ({
  things: [...closure(value)].filter(({ madeBy }) => isRandom(madeBy))
});

/** Call the method `name` of an object that is not the notebook's own. */
export function callMethod(machine: Machine, base: Value, name: string, args: Arguments, node: Node): Value {
  const ran = callShell(machine, base, name, args, node);
  if (ran) return ran;
  noteFileMethod(machine, base, name, args, node);
  for (const { madeBy } of base.things) if (madeBy !== undefined) useMember(machine, madeBy, node);
  noteAmbientMethod(machine, base, name, args, node);
  noteCounts(machine, base, name, node);
  const folded = foldMethod(base, name, args);
  if (folded) return { things: [], constant: folded };
  if (changesArgument(name) && args.positional[0]) change(machine, args.positional[0], node);
  if (base.things.length === 0) {
    useArguments(machine, args);
    return valueOf(machine.make(node, typeof base.constant?.value === 'string' ? { madeBy: 'str' } : {}));
  }
  const able = base.things.filter(({ madeBy }) => mayHaveMethod(name, madeBy));
  const effects = (able.length > 0 ? able : base.things).map(thing => [thing, effectOf(thing, name, args)] as const);
  actOutsideByMethod(machine, name, node);
  for (const [{ madeBy }, effect] of effects) actByMethod(machine, name, madeBy, effect);
  if (base.things.some(({ madeBy = '' }) => mayDraw.test(madeBy)))
    change(machine, generatorsIn(base), node, { isPossible: true });
  if (!base.things.every(({ madeBy }) => isContainer(madeBy)))
    change(machine, streamsIn(args), node, { isPossible: true });
  const stores = effects.every(([, effect]) => effect === 'stores');
  if (!stores) {
    useArguments(machine, args);
    touch(machine, base, unite([immutable, ...allOf(args).map(inside)]));
  }
  for (const { name: keyword, value } of args.keywords)
    if (keyword === 'out' || keyword === 'ax') change(machine, value, node);
    else if (keyword !== undefined && drawn.test(keyword)) change(machine, generatorsIn(value), node);
  return unite(effects.map(([thing, effect]) => applyMethod(machine, thing, name, effect, args, node)));
}

function effectOf(thing: Thing, name: string, args: Arguments): MethodEffect | undefined {
  const inPlace = args.keywords.find(keyword => keyword.name === 'inplace')?.value;
  if (inPlace && inPlace.constant?.value !== false) return 'changes';
  if (mayTakeInPlace(name) && args.keywords.some(keyword => keyword.name === undefined)) return undefined;
  if (isIndex(thing)) return 'fresh';
  // only frames and series take the axes to draw on
  if (
    args.keywords.some(keyword => keyword.name === 'ax') &&
    drawing.test(name) &&
    !/Display\b/.test(thing.madeBy ?? '')
  )
    return 'draws';
  return methodEffect(name, thing.madeBy);
}

/** Learners of these libraries fit copies of the learners that they were given; pipelines fit those themselves. */
const copying = /^(sklearn|imblearn)\.(?!pipeline\.)/;

const data = /^(list|tuple|dict|set|generator|str|pandas\..*|numpy\..*|builtins\..*|parameter)$/;

/** The object that `method` fits and those within it that change with it: learners, and the random generators they draw from. */
function learnersIn(thing: Thing, method: string): Value {
  const fitsCopies = method !== 'set_params' && thing.madeBy !== undefined && copying.test(thing.madeBy);
  const inner = [...closure(valueOf(thing))].filter(({ madeBy }) =>
    fitsCopies ? isRestless(madeBy) : isRestless(madeBy) || madeBy === undefined || !data.test(madeBy)
  );
  return { things: [thing, ...inner.filter(other => other !== thing)] };
}

/** What a random generator gives may be of what it chose from. */
const picking = /^(choice|choices|sample)$/;

/** What these give computes later from the table, as it is then. */
const looksOn = /^(groupby|rolling|expanding|ewm|resample)$/;

const drawing = /^(plot|hist|boxplot)$/;

const freshFits = /^fit_(transform|predict|resample)$/;

function applyMethod(
  machine: Machine,
  thing: Thing,
  name: string,
  effect: MethodEffect | undefined,
  args: Arguments,
  node: Node
): Value {
  const self = valueOf(thing);
  switch (effect) {
    case 'scalar':
      return immutable;
    case 'fresh': {
      const { madeBy } = thing;
      const made = machine.make(node, madeBy === undefined ? {} : { madeBy }, `fresh ${madeBy}`);
      if (keepsRows(name)) shareIndex(made, thing);
      if (looksOn.test(name)) mayHold(made, self);
      if (isContainer(madeBy)) for (const value of [self, ...allOf(args)]) holdParts(made, value);
      return valueOf(made);
    }
    case 'draws': {
      const axes = args.keywords.filter(keyword => keyword.name === 'ax').map(({ value }) => value);
      return unite([valueOf(machine.make(node, { madeBy: 'matplotlib.axes.Axes' })), ...axes]);
    }
    case 'view':
      return unite([immutable, inside(self), ...args.positional]);
    case 'changes':
      change(machine, self, node);
      return valueOf(machine.make(node, {}, 'changed'));
    case 'stores':
      change(machine, self, node);
      for (const value of allOf(args)) hold(thing, value);
      return unite([immutable, ...(name === 'setdefault' ? [inside(self)] : [])]);
    case 'takes': {
      change(machine, self, node);
      const part = inside(unite([contentsOf(thing), heldBy(thing)]));
      if (mayHaveMethod('', thing.madeBy) === false) return part;
      const picked = picking.test(name) ? allOf(args).map(inside) : [];
      return unite([part, valueOf(machine.make(node, {}, 'taken')), ...picked]);
    }
    case 'fits':
      change(machine, learnersIn(thing, name), node, { isPossible: learnersIn(thing, name).things.length > 1 });
      return freshFits.test(name) ? valueOf(machine.make(node, { madeBy: 'numpy.array' })) : self;
    case undefined: {
      change(machine, self, node, { isPossible: true });
      const made = machine.make(node, {}, 'unknown');
      for (const value of [self, ...allOf(args)]) mayHold(made, value);
      return valueOf(made);
    }
  }
}
