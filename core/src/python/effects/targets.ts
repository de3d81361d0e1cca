// What an assignment does to its target: it binds a name, or changes the object whose attribute or element it sets.
import { change } from './change.js';
import type { Machine } from './machine.js';
import type { Attribute, Expression, Subscript } from '../syntax.js';
import { finalize, findMember, runFunction, runMember } from './functions.js';
import { setAmbient, setOwnedByProcess } from './ambient.js';
import { isOwnName, ownNameAt } from './ownNames.js';
import { resultKind } from './tables/functions.js';
import { bindGlobal, bindName, removeName } from './scopes.js';
import { elementsIn, hold, immutable, unite, valueOf } from './thing.js';
import type { Value } from './thing.js';

export function bindTarget(machine: Machine, target: Expression, value: Value): void {
  switch (target.type) {
    case 'Name':
      bindName(machine, target.id, value, target);
      return;
    case 'Starred': {
      const rest = machine.make(target, { madeBy: 'list' });
      hold(rest, value);
      bindTarget(machine, target.value, valueOf(rest));
      return;
    }
    case 'Collection':
      unpack(machine, target.elements, value);
      return;
    case 'Attribute':
    case 'Subscript': {
      const name = target.type === 'Subscript' ? ownNameAt(machine, target) : undefined;
      if (name !== undefined) return bindGlobal(machine, name, value, target);
      const base = machine.evaluate(machine, target.value, 'base');
      if (target.type === 'Subscript') keepKey(base, machine.evaluate(machine, target.index, 'used'));
      if (target.type === 'Attribute' && isOwnName(base, target.attr))
        return bindGlobal(machine, target.attr, value, target);
      if (base.things.some(thing => thing.path !== undefined)) setAmbient(machine, base, target, value);
      setOwnedByProcess(machine, base, target);
      setThroughClass(machine, base, target, value);
      store(machine, base, value, target);
      return;
    }
    default:
      machine.evaluate(machine, target, 'used');
  }
}

/** The notebook's own `__setitem__`, `__setattr__`, property setters and descriptors run. */
function setThroughClass(machine: Machine, base: Value, target: Attribute | Subscript, value: Value): void {
  for (const thing of base.things) {
    if (!thing.instanceOf) continue;
    const names = target.type === 'Subscript' ? ['__setitem__'] : ['__setattr__', target.attr];
    if (target.type === 'Attribute')
      for (const member of findMember(thing.instanceOf, target.attr)?.things ?? [])
        if (member.instanceOf)
          runMember(
            machine,
            member.instanceOf,
            '__set__',
            { positional: [valueOf(thing), value], keywords: [] },
            valueOf(member)
          );
    for (const name of names)
      for (const { callable } of findMember(thing.instanceOf, name)?.things ?? []) {
        if (!callable || (name !== '__setitem__' && name !== '__setattr__' && callable.info.kind !== 'property'))
          continue;
        const positional = name.startsWith('__') ? [immutable, value] : [value];
        runFunction(machine, callable, { positional, keywords: [] }, valueOf(thing));
      }
  }
}

/** `known[id(x)] = x`: the container means nothing to a process where the object has another address. */
function keepKey({ things }: Value, key: Value): void {
  if (key.things.some(({ untravelling }) => untravelling !== undefined)) for (const thing of things) hold(thing, key);
}

/** `base.x = value` and `base[i] = value` */
export function store(machine: Machine, base: Value, value: Value, node: Expression): void {
  for (const thing of base.things) if (thing.path === undefined) hold(thing, value);
  change(machine, base, node);
}

function unpack(machine: Machine, targets: readonly Expression[], value: Value): void {
  const only = value.things.length === 1 ? value.things[0] : undefined;
  const elements = only?.elements;
  const star = targets.findIndex(target => target.type === 'Starred');
  targets.forEach((target, position) => {
    let part = value.things.length === 0 ? immutable : elementsIn(value);
    if (only?.madeBy !== undefined && resultKind(only.madeBy) === 'fresh') part = valueOf(machine.make(target));
    else if (elements) {
      const index = star < 0 || position < star ? position : elements.length - targets.length + position;
      part = (position === star ? unite([immutable, ...elements]) : elements[index]) ?? immutable;
    }
    bindTarget(machine, target, part);
  });
}

/** What `del target` does. */
export function deleteTarget(machine: Machine, target: Expression): void {
  switch (target.type) {
    case 'Name':
      if (!machine.frame) finalize(machine, machine.slotOf(target.id)?.value ?? immutable);
      removeName(machine, target.id, target);
      return;
    case 'Collection':
      for (const element of target.elements) deleteTarget(machine, element);
      return;
    case 'Attribute':
    case 'Subscript':
      {
        const name = target.type === 'Subscript' ? ownNameAt(machine, target) : undefined;
        if (name !== undefined) return removeName(machine, name, target);
        if (target.type === 'Subscript') machine.evaluate(machine, target.index, 'used');
        const base = machine.evaluate(machine, target.value, 'base');
        setAmbient(machine, base, target);
        change(machine, base, target);
      }
      return;
    default:
      machine.evaluate(machine, target, 'used');
  }
}
