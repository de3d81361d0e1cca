// Steps and what each comes after make a graph. This module answers questions about its order, for pipelines and plans alike.

export interface GraphNode {
  readonly name: string;
  /** names of nodes that come before; names of no node are ignored */
  readonly after: readonly string[];
}

/** Names with each after all that it depends on, otherwise in the given order. What is on a cycle, or behind one, is left out. */
export function topologicalOrder(nodes: readonly GraphNode[]): readonly string[] {
  const known = new Set(nodes.map(node => node.name));
  const done = new Set<string>();
  let waiting = nodes;
  for (;;) {
    const next = waiting.find(node => node.after.every(name => done.has(name) || !known.has(name)));
    if (next === undefined) return [...done];
    done.add(next.name);
    waiting = waiting.filter(node => node !== next);
  }
}

/**
 * The cycles, one for each group of nodes that depend on one another: names in the order in which they would run, the
 * first in given order first. A node that comes after itself is a cycle of one.
 */
export function findCycles(nodes: readonly GraphNode[]): readonly (readonly string[])[] {
  const reported = new Set<string>();
  return nodes.flatMap(node => {
    if (reported.has(node.name)) return [];
    const cycle = findCycle(nodes, node.name);
    if (cycle === undefined) return [];
    const group = ancestors(nodes, node.name);
    for (const name of descendants(nodes, node.name)) if (group.has(name)) reported.add(name);
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
