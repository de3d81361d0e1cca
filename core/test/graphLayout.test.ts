// Where steps stand in a drawing.
import type { GraphNode } from '../src/graph.js';
import { layoutGraph, type GraphLayout } from '../src/graphLayout.js';

const measures = { width: 300, nodeHeight: 20, narrowest: 60, widest: 120, gap: 10, rise: 20, lane: 4 };

/** `a, b: a, c: a b`: names, each with what it comes after. */
function graph(text: string): readonly GraphNode[] {
  return text.split(', ').map(part => {
    const [name, after = ''] = part.split(': ') as [string, string?];
    return { name, after: after.split(' ').filter(other => other !== '') };
  });
}

/** Names from top to bottom, each layer from left to right. */
function rows({ nodes }: GraphLayout): readonly string[] {
  const tops = [...new Set(nodes.map(({ y }) => y))].sort((a, b) => a - b);
  return tops.map(top =>
    nodes
      .filter(({ y }) => y === top)
      .sort((a, b) => a.x - b.x)
      .map(({ name }) => name)
      .join(' ')
  );
}

test.each([
  ['a chain', 'a, b: a, c: b', ['a', 'b', 'c']],
  ['two side by side', 'a, b: a, c: a, d: b c', ['a', 'b c', 'd']],
  ['those that belong together stand together', 'a, b, c: b, d: a', ['a b', 'd c']],
  ['nothing before, nothing after', 'a, b', ['a b']],
  ['an arrow that passes a layer', 'a, b: a, c: a b', ['a', 'b', 'c']],
  ['a step that is not there', 'a: x', ['a']],
  ['a cycle', 'a, b: c, c: b', ['a b', 'c']]
])('%s', (_, text, expected) => expect(rows(layoutGraph(graph(text), measures))).toEqual(expected));

test.each([
  ['few', 'a, b: a, c: a, d: a b c, e: a d, f: b e'],
  ['too many for the width', `a, ${Array.from({ length: 9 }, (_, i) => `n${i}: a`).join(', ')}, z: a n1 n8`],
  ['a long one', Array.from({ length: 60 }, (_, i) => `n${i}: ${i > 0 ? `n${i - 1}` : ''} n${i % 7}`).join(', ')]
])('nothing meets anything else: %s', (_, text) => {
  const { nodes, edges, width, height } = layoutGraph(graph(text), measures);
  const boxes = nodes.map(({ name, x, y, width: own }) => ({ name, x, y, right: x + own, bottom: y + 20 }));
  for (const box of boxes) {
    expect(box.x).toBeGreaterThanOrEqual(0);
    expect(box.right).toBeLessThanOrEqual(width + 1e-6);
    expect(box.bottom).toBeLessThanOrEqual(height);
    expect(box.right - box.x).toBeGreaterThanOrEqual(60);
    const meets = boxes.filter(({ x, y, right }) => y === box.y && x < box.right && right > box.x);
    expect(meets).toEqual([box]);
  }
  for (const { points } of edges)
    for (const { x, y } of points.slice(1, -1))
      expect(boxes.filter(box => box.y <= y && y <= box.bottom && box.x <= x && x <= box.right)).toEqual([]);
});
