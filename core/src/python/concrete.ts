// The parser's tree lives in WebAssembly memory, where each look costs a call. This module copies it out in one walk,
// without comments and with offsets into the cell's source; everything after works on plain objects.
import type { Language, Node as SyntaxNode } from 'web-tree-sitter';
import type { Excerpt } from './excerpt.js';
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

/** Copy a tree. `standIns` are what the identifiers at these offsets into the excerpt stand for. Undefined where it is nested too deeply. */
export function copyTree(
  root: SyntaxNode,
  excerpt: Excerpt,
  standIns: ReadonlyMap<number, StandIn>
): Concrete | undefined {
  const { tree } = root;
  const { fields } = tree.language;
  const kinds = kindsOf(tree.language);
  const { text, toSource } = excerpt;
  const cursor = root.walk();
  const copyNode = (kind: Kind, parent?: Concrete): Concrete => {
    const { type, isNamed } = kind;
    const from = cursor.startIndex;
    const to = isNamed ? cursor.endIndex : from + type.length;
    const isStatement = parent?.type === 'block' || parent?.type === 'module';
    return {
      type,
      isNamed,
      field: fields[cursor.currentFieldId] ?? undefined,
      text: isNamed ? text.slice(from, to) : type,
      from: toSource(from),
      to: to > from ? toSource(to - 1) + 1 : toSource(from),
      children: kind.isLeaf ? none : [],
      indent: isStatement ? text.slice(text.lastIndexOf('\n', from - 1) + 1, from) : undefined,
      standsFor: type === 'identifier' ? standIns.get(from) : undefined
    };
  };

  const copied = copyNode(kinds[cursor.nodeTypeId] ?? unknown);
  const path = [copied];
  try {
    if (!cursor.gotoFirstChild()) return copied;
    for (;;) {
      const kind = kinds[cursor.nodeTypeId] ?? unknown;
      if (!kind.isExtra) {
        const node = copyNode(kind, path.at(-1));
        path.at(-1)!.children.push(node);
        if (!kind.isLeaf && cursor.gotoFirstChild()) {
          path.push(node);
          if (path.length > depthLimit) return undefined;
          continue;
        }
      }
      while (!cursor.gotoNextSibling()) {
        if (path.length === 1) return copied;
        cursor.gotoParent();
        endWithoutComments(path.pop()!);
      }
    }
  } finally {
    cursor.delete();
  }
}

const none: Concrete[] = [];

/** What ends in a block ends with its last statement, not with the comments behind that. */
function endWithoutComments(node: Concrete): void {
  if (/^block$|_(?:statement|clause|definition)$/.test(node.type)) node.to = node.children.at(-1)?.to ?? node.to;
}

/** What the grammar says of all nodes of one type. Each thing that need not be asked of a node saves a call into WebAssembly. */
interface Kind {
  readonly type: string;
  readonly isNamed: boolean;
  /** without children, surely */
  readonly isLeaf: boolean;
  /** stands anywhere and means nothing */
  readonly isExtra: boolean;
}

const unknown: Kind = { type: 'ERROR', isNamed: true, isLeaf: false, isExtra: false };

const leaves = new Set(['identifier', 'integer', 'float', 'true', 'false', 'none', 'string_start', 'string_end']);
const extras = new Set(['comment', 'line_continuation']);

const kindsByLanguage = new WeakMap<Language, readonly Kind[]>();

function kindsOf(language: Language): readonly Kind[] {
  let kinds = kindsByLanguage.get(language);
  if (!kinds) {
    kinds = language.types.map((type, id) => {
      const isNamed = language.nodeTypeIsNamed(id);
      // Tokens of two words, `is not` and `not in`, are made of two others.
      const isLeaf = isNamed ? leaves.has(type) : !type.includes(' ');
      return { type, isNamed, isLeaf, isExtra: extras.has(type) };
    });
    kindsByLanguage.set(language, kinds);
  }
  return kinds;
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
