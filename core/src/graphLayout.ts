// Where the steps of a pipeline stand in a drawing, and which way the arrows between them take: layers from top to bottom by what comes after
// what; in each layer those that belong together near each other; and lanes between them for arrows that pass a layer by.
import { topologicalOrder, type GraphNode } from './graph.js';

export interface GraphMeasures {
  /** of the whole; it becomes wider where the narrowest nodes need more */
  readonly width: number;
  readonly nodeHeight: number;
  readonly narrowest: number;
  readonly widest: number;
  /** between two nodes of a layer */
  readonly gap: number;
  /** between two layers */
  readonly rise: number;
  /** width of a lane */
  readonly lane: number;
}

export interface PlacedNode {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedEdge {
  readonly from: string;
  readonly to: string;
  /** from the lower side of one to the upper side of the other; where it passes a layer, the upper and lower end of its lane */
  readonly points: readonly Point[];
}

export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** A node, or the lane of the arrows that leave the node `from`. */
type Slot = { readonly kind: 'node'; readonly name: string } | { readonly kind: 'lane'; readonly from: string };

/** Each time all layers are sorted downwards and upwards. */
const rounds = 4;

export function layoutGraph(nodes: readonly GraphNode[], measures: GraphMeasures): GraphLayout {
  const depths = findDepths(nodes);
  const edges = nodes.flatMap(({ name, after }) =>
    [...new Set(after)]
      .filter(from => depths.has(from) && depths.get(from)! < depths.get(name)!)
      .map(from => ({ from, to: name }))
  );
  const layers = sortLayers(makeLayers(nodes, edges, depths), edges, depths);
  const width = Math.max(measures.width, ...layers.map(layer => widthOf(layer, measures, measures.narrowest)));
  const placed = layers.map(layer => placeLayer(layer, width, measures));
  const centreOf = (kind: Slot['kind'], name: string, depth: number): number =>
    placed[depth]!.find(({ slot }) => slot.kind === kind && nameOf(slot) === name)!.centre;
  const top = (depth: number): number => depth * (measures.nodeHeight + measures.rise);
  const bottom = (depth: number): number => top(depth) + measures.nodeHeight;
  return {
    width,
    height: layers.length === 0 ? 0 : bottom(layers.length - 1),
    nodes: placed.flatMap((layer, depth) =>
      layer.flatMap(({ slot, centre, width: own }) =>
        slot.kind === 'node' ? [{ name: slot.name, x: centre - own / 2, y: top(depth), width: own }] : []
      )
    ),
    edges: edges.map(({ from, to }) => {
      const [start, end] = [depths.get(from)!, depths.get(to)!];
      const passed = Array.from({ length: end - start - 1 }, (_, i) => start + 1 + i);
      return {
        ...{ from, to },
        points: [
          { x: centreOf('node', from, start), y: bottom(start) },
          ...passed.flatMap(depth => {
            const x = centreOf('lane', from, depth);
            return [
              { x, y: top(depth) },
              { x, y: bottom(depth) }
            ];
          }),
          { x: centreOf('node', to, end), y: top(end) }
        ]
      };
    })
  };
}

/** One more than the deepest that it comes after. What is on a cycle stands below all others. */
function findDepths(nodes: readonly GraphNode[]): ReadonlyMap<string, number> {
  const after = new Map(nodes.map(node => [node.name, node.after]));
  const ordered = topologicalOrder(nodes);
  const depths = new Map<string, number>();
  for (const name of new Set([...ordered, ...after.keys()]))
    depths.set(name, Math.max(-1, ...after.get(name)!.map(other => depths.get(other) ?? -1)) + 1);
  return depths;
}

interface Edge {
  readonly from: string;
  readonly to: string;
}

function makeLayers(
  nodes: readonly GraphNode[],
  edges: readonly Edge[],
  depths: ReadonlyMap<string, number>
): readonly (readonly Slot[])[] {
  const layers: Slot[][] = Array.from({ length: Math.max(-1, ...depths.values()) + 1 }, () => []);
  for (const { name } of nodes) layers[depths.get(name)!]!.push({ kind: 'node', name });
  for (const { name } of nodes) {
    const ends = edges.filter(({ from }) => from === name).map(({ to }) => depths.get(to)!);
    for (let depth = depths.get(name)! + 1; depth < Math.max(0, ...ends); depth++)
      layers[depth]!.push({ kind: 'lane', from: name });
  }
  return layers;
}

function sortLayers(
  layers: readonly (readonly Slot[])[],
  edges: readonly Edge[],
  depths: ReadonlyMap<string, number>
): readonly (readonly Slot[])[] {
  const sorted = [...layers];
  // Where a slot's neighbours in the layer above or below stand, on average; without any it stays.
  const sort = (depth: number, by: -1 | 1): void => {
    const layer = sorted[depth]!;
    const others = sorted[depth + by];
    if (!others) return;
    const place = new Map(others.map((slot, i) => [keyOf(slot), (i + 0.5) / others.length]));
    const pull = new Map(
      layer.map((slot, i) => {
        const near = neighboursOf(slot, depth, by, edges, depths).flatMap(key => place.get(key) ?? []);
        return [slot, near.length === 0 ? (i + 0.5) / layer.length : near.reduce((a, b) => a + b) / near.length];
      })
    );
    sorted[depth] = [...layer].sort((a, b) => pull.get(a)! - pull.get(b)!);
  };
  for (let round = 0; round < rounds; round++) {
    for (let depth = 1; depth < sorted.length; depth++) sort(depth, -1);
    for (let depth = sorted.length - 2; depth >= 0; depth--) sort(depth, 1);
  }
  return sorted;
}

/** Keys of the slots of the layer above (-1) or below that the slot is joined to; some of them may not be there. */
function neighboursOf(
  slot: Slot,
  depth: number,
  by: -1 | 1,
  edges: readonly Edge[],
  depths: ReadonlyMap<string, number>
): readonly string[] {
  const source = nameOf(slot);
  if (by === 1) {
    const ends = edges.filter(({ from }) => from === source).map(({ to }) => keyOf({ kind: 'node', name: to }));
    return [...ends, keyOf({ kind: 'lane', from: source })];
  }
  const sources = slot.kind === 'lane' ? [source] : edges.filter(({ to }) => to === source).map(({ from }) => from);
  return sources.map(from =>
    keyOf(depths.get(from) === depth - 1 ? { kind: 'node', name: from } : { kind: 'lane', from })
  );
}

function placeLayer(
  layer: readonly Slot[],
  width: number,
  measures: GraphMeasures
): readonly { readonly slot: Slot; readonly centre: number; readonly width: number }[] {
  const count = layer.filter(({ kind }) => kind === 'node').length;
  const free = width - widthOf(layer, measures, 0);
  const own = count === 0 ? 0 : Math.max(measures.narrowest, Math.min(measures.widest, free / count));
  let x = (width - widthOf(layer, measures, own)) / 2;
  return layer.map(slot => {
    const wide = slot.kind === 'node' ? own : measures.lane;
    const centre = x + wide / 2;
    x += wide + measures.gap;
    return { slot, centre, width: wide };
  });
}

function widthOf(layer: readonly Slot[], { gap, lane }: GraphMeasures, own: number): number {
  const widths = layer.map(({ kind }) => (kind === 'node' ? own : lane));
  return widths.reduce((sum, one) => sum + one, 0) + gap * Math.max(0, layer.length - 1);
}

function nameOf(slot: Slot): string {
  return slot.kind === 'node' ? slot.name : slot.from;
}

function keyOf(slot: Slot): string {
  return `${slot.kind} ${nameOf(slot)}`;
}
