// The parser's tree lives in WebAssembly memory, where each look costs a call. This module copies it out in one walk,
// without comments and with offsets into the cell's source; everything after works on plain objects.
import type { Language, Tree } from 'web-tree-sitter';
import { rangeIn, type Excerpt } from './excerpt.js';
import type { Expression, Statement } from './syntax.js';

/** A node of the grammar (`node_modules/tree-sitter-python/src/node-types.json`), its tokens included. */
export interface Concrete {
  readonly type: string;
  /** false for tokens such as `=` or `lambda` */
  readonly isNamed: boolean;
  readonly field: string | undefined;
  readonly text: string;
  /** offsets into the cell's source */
  readonly from: number;
  to: number;
  readonly children: Concrete[];
  /** what stands before a statement on its line */
  readonly indent: string | undefined;
  /** what was blanked out here before parsing */
  readonly standsFor: StandIn | undefined;
}

export type StandIn = Statement | Expression;

/** Deeper code than this is refused, as CPython refuses it, so that no walk over the tree overflows the stack. */
const depthLimit = 900;

/**
 * Copy the tree of an excerpt. `standIns` are what the identifiers at these offsets into the excerpt stand for.
 * Undefined where the tree is nested too deeply.
 */
export function copyTree(tree: Tree, excerpt: Excerpt, standIns: ReadonlyMap<number, StandIn>): Concrete | undefined {
  const { types, fields } = tree.language;
  const named = namedTypes(tree.language);
  const cursor = tree.walk();
  const copyNode = (parent?: Concrete): Concrete => {
    const id = cursor.nodeTypeId;
    const type = types[id] ?? 'ERROR';
    const from = cursor.startIndex;
    const to = cursor.endIndex;
    const isStatement = parent?.type === 'block' || parent?.type === 'module';
    return {
      type,
      isNamed: named[id] ?? true,
      field: fields[cursor.currentFieldId] ?? undefined,
      text: excerpt.text.slice(from, to),
      ...rangeIn(excerpt, from, to),
      children: [],
      indent: isStatement ? excerpt.text.slice(excerpt.text.lastIndexOf('\n', from - 1) + 1, from) : undefined,
      standsFor: type === 'identifier' ? standIns.get(from) : undefined
    };
  };

  const root = copyNode();
  const path = [root];
  try {
    if (!cursor.gotoFirstChild()) return root;
    for (;;) {
      const node = copyNode(path.at(-1));
      const isExtra = node.type === 'comment' || node.type === 'line_continuation';
      if (!isExtra) path.at(-1)!.children.push(node);
      if (cursor.gotoFirstChild()) {
        path.push(node);
        if (path.length > depthLimit) return undefined;
        continue;
      }
      while (!cursor.gotoNextSibling()) {
        if (path.length === 1) return root;
        cursor.gotoParent();
        endWithoutComments(path.pop()!);
      }
    }
  } finally {
    cursor.delete();
  }
}

/** What ends in a block ends with its last statement, not with the comments behind that. */
function endWithoutComments(node: Concrete): void {
  if (/^block$|_(?:statement|clause|definition)$/.test(node.type)) node.to = node.children.at(-1)?.to ?? node.to;
}

const namedTypesOf = new WeakMap<Language, boolean[]>();

function namedTypes(language: Language): boolean[] {
  let named = namedTypesOf.get(language);
  if (!named) {
    named = language.types.map((_, id) => language.nodeTypeIsNamed(id));
    namedTypesOf.set(language, named);
  }
  return named;
}

/** The first child in this field of the grammar's rule. */
export function field(node: Concrete, name: string): Concrete | undefined {
  return node.children.find(child => child.field === name);
}

export function fields(node: Concrete, name: string): Concrete[] {
  return node.children.filter(child => child.field === name);
}

export function childOfType(node: Concrete, type: string): Concrete | undefined {
  return node.children.find(child => child.type === type);
}

/** The children that are nodes, not tokens. */
export function nodesIn(node: Concrete): Concrete[] {
  return node.children.filter(child => child.isNamed);
}

export function hasToken(node: Concrete, token: string): boolean {
  return node.children.some(child => !child.isNamed && child.type === token);
}

/** Thrown where the grammar takes more than Python 3 does; the statement it stands in is reported and left out. */
export class Refusal extends Error {
  constructor(
    readonly node: { readonly from: number; readonly to: number },
    message: string
  ) {
    super(message);
  }
}
