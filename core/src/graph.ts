// Steps and what each comes after make a graph. This module answers questions about its order, for pipelines and plans alike.

export interface GraphNode {
  readonly name: string;
  /** names of nodes that come before; names of no node are ignored */
  readonly after: readonly string[];
}

/** Names with each after all that it depends on, otherwise in the given order. What is on a cycle, or behind one, is left out. */
export function topologicalOrder(nodes: readonly GraphNode[]): readonly string[] {
  const known = new Map(nodes.map((node, index) => [node.name, index]));
  const followers = nodes.map((): number[] => []);
  const missing = nodes.map(({ after }, index) => {
    const before = [...new Set(after)].flatMap(name => known.get(name) ?? []);
    for (const other of before) followers[other]!.push(index);
    return before.length;
  });
  const ready = nodes.map((_, index) => index).filter(index => missing[index] === 0);
  const order: string[] = [];
  for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
    order.push(nodes[next]!.name);
    for (const follower of followers[next]!) if (--missing[follower]! === 0) insert(ready, follower);
  }
  return order;
}

/** Into numbers that grow. */
function insert(numbers: number[], added: number): void {
  const place = numbers.findIndex(number => number > added);
  numbers.splice(place < 0 ? numbers.length : place, 0, added);
}

/**
 * The cycles, one for each group of nodes that depend on one another: names in the order in which they would run, the
 * first in given order first. A node that comes after itself is a cycle of one.
 */
export function findCycles(nodes: readonly GraphNode[]): readonly (readonly string[])[] {
  const order = new Set(topologicalOrder(nodes));
  const left = nodes.filter(node => !order.has(node.name));
  const reported = new Set<string>();
  return left.flatMap(node => {
    if (reported.has(node.name)) return [];
    const cycle = findCycle(left, node.name);
    if (cycle === undefined) return [];
    const group = ancestors(left, node.name);
    for (const name of descendants(left, node.name)) if (group.has(name)) reported.add(name);
    return [cycle];
  });
}

/** All that must have run before `name`, directly or not. It holds `name` itself only when that is on a cycle. */
export function ancestors(nodes: readonly GraphNode[], name: string): ReadonlySet<string> {
  const after = new Map(nodes.map(node => [node.name, node.after]));
  return reach(name, found => (after.get(found) ?? []).filter(other => after.has(other)));
}

/** All that runs after `name`, directly or not. */
export function descendants(nodes: readonly GraphNode[], name: string): ReadonlySet<string> {
  return reach(name, found => nodes.filter(node => node.after.includes(found)).map(node => node.name));
}

function reach(start: string, neighbours: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [start];
  for (let name = open.pop(); name !== undefined; name = open.pop())
    for (const next of neighbours(name))
      if (!found.has(next)) {
        found.add(next);
        open.push(next);
      }
  return found;
}

// The shortest way from a node forward to itself.
function findCycle(nodes: readonly GraphNode[], start: string): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const open = [start];
  for (let name = open.shift(); name !== undefined; name = open.shift())
    for (const next of nodes.filter(node => node.after.includes(name))) {
      if (next.name === start) return trace(cameFrom, start, name);
      if (cameFrom.has(next.name)) continue;
      cameFrom.set(next.name, name);
      open.push(next.name);
    }
  return undefined;
}

function trace(cameFrom: ReadonlyMap<string, string>, start: string, end: string): readonly string[] {
  const path = [end];
  while (path[0] !== start) path.unshift(cameFrom.get(path[0]!)!);
  return path;
}
