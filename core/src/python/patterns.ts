// The patterns of `match`: what they look up, what they capture, and whether something can fall past them.
import { hasToken, nodesIn, type Concrete } from './concrete.js';
import { toDottedName, toName } from './expressions.js';
import type { Expression, Name } from './syntax.js';

export interface Pattern {
  readonly reads: readonly Expression[];
  readonly captures: readonly Name[];
  readonly isIrrefutable: boolean;
}

/** The pattern of a `case`; several side by side are a sequence pattern. */
export function toPattern(patterns: readonly Concrete[], isSequence: boolean): Pattern {
  const reads: Expression[] = [];
  const captures: Name[] = [];
  for (const pattern of patterns) collect(pattern, reads, captures);
  return { reads, captures, isIrrefutable: !isSequence && patterns.length === 1 && isIrrefutable(patterns[0]!) };
}

function collect(pattern: Concrete, reads: Expression[], captures: Name[]): void {
  const nodes = nodesIn(pattern);
  const capture = (name: Concrete | undefined): void => {
    if (name && name.text !== '_') captures.push(toName(name));
  };
  switch (pattern.type) {
    case 'dotted_name':
      if (nodes.length > 1) reads.push(toDottedName(pattern));
      else capture(nodes[0]);
      return;
    case 'splat_pattern':
      return capture(nodes[0]);
    case 'class_pattern':
      reads.push(toDottedName(nodes[0]!));
      return nodes.slice(1).forEach(node => collect(node, reads, captures));
    case 'keyword_pattern':
      return nodes.slice(1).forEach(node => collect(node, reads, captures));
    case 'as_pattern':
      collect(nodes[0]!, reads, captures);
      return capture(nodes[1]);
    default:
      nodes.forEach(node => collect(node, reads, captures));
  }
}

function isIrrefutable(pattern: Concrete): boolean {
  const nodes = nodesIn(pattern);
  switch (pattern.type) {
    case 'case_pattern':
      return nodes.length === 0 ? pattern.text === '_' : nodes.length === 1 && isIrrefutable(nodes[0]!);
    case 'dotted_name':
      return nodes.length === 1;
    case 'as_pattern':
      return isIrrefutable(nodes[0]!);
    case 'tuple_pattern':
      return nodes.length === 1 && !hasToken(pattern, ',') && isIrrefutable(nodes[0]!);
    case 'union_pattern':
      return pattern.text.endsWith('_') ? true : isIrrefutable(nodes.at(-1)!);
    default:
      return false;
  }
}
