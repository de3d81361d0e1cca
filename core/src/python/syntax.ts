// Our own small syntax tree of Python: what the analysis needs, in the words of CPython's `ast`, and nothing of the parser that made it.
//
// Operators that make no difference to names are folded into `Operation`. Every node has its range as offsets into the
// cell's source. IPython's additions are statements and expressions of their own (`Magic`, `Shell`, `Help`).

export interface Node {
  /** offset of the first character in the cell's source, in UTF-16 units */
  readonly from: number;
  /** offset behind the last character */
  readonly to: number;
}

export type Expression =
  | Name
  | Constant
  | Attribute
  | Subscript
  | Call
  | Lambda
  | Comprehension
  | Collection
  | BinaryOperation
  | Operation
  | Conditional
  | FormattedString
  | NamedExpression
  | Starred
  | Await
  | Yield
  | Shell
  | MagicExpression;

export interface Name extends Node {
  readonly type: 'Name';
  readonly id: string;
}

/** A literal. Numbers that JavaScript cannot hold exactly keep `value` undefined and their text in `text`. */
export interface Constant extends Node {
  readonly type: 'Constant';
  readonly kind: 'int' | 'float' | 'complex' | 'str' | 'bytes' | 'bool' | 'none' | 'ellipsis';
  readonly value?: string | number | boolean | null;
  readonly text: string;
}

export interface Attribute extends Node {
  readonly type: 'Attribute';
  readonly value: Expression;
  readonly attr: string;
}

/** `value[index]`; slices are `Operation`s with operator `slice`. */
export interface Subscript extends Node {
  readonly type: 'Subscript';
  readonly value: Expression;
  readonly index: Expression;
}

export interface Call extends Node {
  readonly type: 'Call';
  readonly func: Expression;
  /** positional ones, `*xs` as `Starred` */
  readonly args: readonly Expression[];
  /** `name` undefined for `**mapping` */
  readonly keywords: readonly { readonly name?: string; readonly value: Expression }[];
}

export interface Parameters {
  readonly parameters: readonly {
    readonly name: string;
    readonly kind: 'positional-only' | 'positional' | 'var-positional' | 'keyword-only' | 'var-keyword';
    readonly annotation?: Expression;
    readonly default?: Expression;
  }[];
}

export interface Lambda extends Node, Parameters {
  readonly type: 'Lambda';
  readonly body: Expression;
}

export interface Comprehension extends Node {
  readonly type: 'Comprehension';
  readonly kind: 'list' | 'set' | 'dict' | 'generator';
  /** one element; two (key, value) for a dict */
  readonly elements: readonly Expression[];
  readonly generators: readonly {
    readonly target: Expression;
    readonly iterable: Expression;
    readonly conditions: readonly Expression[];
    readonly isAsync: boolean;
  }[];
}

/** A display. A dict's elements are key, value, key, value …; `**m` in a dict is one `Starred`. */
export interface Collection extends Node {
  readonly type: 'Collection';
  readonly kind: 'tuple' | 'list' | 'set' | 'dict';
  readonly elements: readonly Expression[];
}

/** An arithmetic or bit operation, kept apart so that constants can be folded. */
export interface BinaryOperation extends Node {
  readonly type: 'BinaryOperation';
  readonly operator: string;
  readonly left: Expression;
  readonly right: Expression;
}

/** Everything else with operands evaluated in order: `not`, `-x`, `a < b < c`, `a and b`, `a:b:c` (`slice`), `**m`. */
export interface Operation extends Node {
  readonly type: 'Operation';
  readonly operator: string;
  readonly operands: readonly Expression[];
}

export interface Conditional extends Node {
  readonly type: 'Conditional';
  readonly test: Expression;
  readonly body: Expression;
  readonly orElse: Expression;
}

/** An f-string or t-string. `parts` holds text as string and holes as expressions (format specs' holes included, in order). */
export interface FormattedString extends Node {
  readonly type: 'FormattedString';
  readonly parts: readonly (string | Expression)[];
}

export interface NamedExpression extends Node {
  readonly type: 'NamedExpression';
  readonly target: Name;
  readonly value: Expression;
}

/** `*x` in calls, displays and targets; `**x` in dict displays. */
export interface Starred extends Node {
  readonly type: 'Starred';
  readonly value: Expression;
}

export interface Await extends Node {
  readonly type: 'Await';
  readonly value: Expression;
}

export interface Yield extends Node {
  readonly type: 'Yield';
  readonly isFrom: boolean;
  readonly value?: Expression;
}

/** `!command` or `!!command`, as statement or right of `=`. `holes` are the parsed `{expression}`s and `$name`s. */
export interface Shell extends Node {
  readonly type: 'Shell';
  readonly command: string;
  readonly holes: readonly Expression[];
}

/** `%name rest`, as statement or right of `=`. `body` is set where the rest is Python (`%time x = f()`, `%timeit`, `%prun`). */
export interface MagicExpression extends Node {
  readonly type: 'Magic';
  readonly name: string;
  readonly text: string;
  readonly holes: readonly Expression[];
  readonly body?: readonly Statement[];
}

export type Statement =
  | Assign
  | AugmentedAssign
  | AnnotatedAssign
  | Delete
  | ExpressionStatement
  | Return
  | Raise
  | Assert
  | Global
  | Nonlocal
  | Import
  | ImportFrom
  | If
  | For
  | While
  | Try
  | With
  | Match
  | FunctionDefinition
  | ClassDefinition
  | TypeAlias
  | Jump
  | CellMagic
  | Help;

export interface Assign extends Node {
  readonly type: 'Assign';
  /** `a = b = value` has two */
  readonly targets: readonly Expression[];
  readonly value: Expression;
}

export interface AugmentedAssign extends Node {
  readonly type: 'AugmentedAssign';
  readonly target: Expression;
  readonly operator: string;
  readonly value: Expression;
}

export interface AnnotatedAssign extends Node {
  readonly type: 'AnnotatedAssign';
  readonly target: Expression;
  readonly annotation: Expression;
  readonly value?: Expression;
}

export interface Delete extends Node {
  readonly type: 'Delete';
  readonly targets: readonly Expression[];
}

export interface ExpressionStatement extends Node {
  readonly type: 'Expression';
  readonly value: Expression;
  /** false where a `;` follows it, so that IPython does not show it */
  readonly isShown: boolean;
}

export interface Return extends Node {
  readonly type: 'Return';
  readonly value?: Expression;
}

export interface Raise extends Node {
  readonly type: 'Raise';
  readonly exception?: Expression;
  readonly cause?: Expression;
}

export interface Assert extends Node {
  readonly type: 'Assert';
  readonly test: Expression;
  readonly message?: Expression;
}

export interface Global extends Node {
  readonly type: 'Global';
  readonly names: readonly string[];
}

export interface Nonlocal extends Node {
  readonly type: 'Nonlocal';
  readonly names: readonly string[];
}

export interface Import extends Node {
  readonly type: 'Import';
  /** `import a.b as c`: module `a.b`, alias `c`; without alias it binds `a` */
  readonly names: readonly { readonly module: string; readonly alias?: string; readonly range: Node }[];
}

export interface ImportFrom extends Node {
  readonly type: 'ImportFrom';
  /** dots included: `..pkg`, `.`; */
  readonly module: string;
  /** `*` is one name `*` */
  readonly names: readonly { readonly name: string; readonly alias?: string; readonly range: Node }[];
}

export interface If extends Node {
  readonly type: 'If';
  readonly test: Expression;
  readonly body: readonly Statement[];
  /** `elif` is an `If` alone in here */
  readonly orElse: readonly Statement[];
}

export interface For extends Node {
  readonly type: 'For';
  readonly isAsync: boolean;
  readonly target: Expression;
  readonly iterable: Expression;
  readonly body: readonly Statement[];
  readonly orElse: readonly Statement[];
}

export interface While extends Node {
  readonly type: 'While';
  readonly test: Expression;
  readonly body: readonly Statement[];
  readonly orElse: readonly Statement[];
}

export interface Try extends Node {
  readonly type: 'Try';
  readonly body: readonly Statement[];
  readonly handlers: readonly (Node & {
    readonly exception?: Expression;
    readonly name?: Name;
    readonly body: readonly Statement[];
  })[];
  readonly orElse: readonly Statement[];
  readonly finally: readonly Statement[];
}

export interface With extends Node {
  readonly type: 'With';
  readonly isAsync: boolean;
  readonly items: readonly { readonly context: Expression; readonly target?: Expression }[];
  readonly body: readonly Statement[];
}

export interface Match extends Node {
  readonly type: 'Match';
  readonly subject: Expression;
  readonly cases: readonly (Node & {
    /** what the pattern looks up: classes, dotted values */
    readonly reads: readonly Expression[];
    /** what the pattern captures, also `*rest` and `**rest` */
    readonly captures: readonly Name[];
    /** `case _:` or a bare capture without guard: nothing falls past it */
    readonly isIrrefutable: boolean;
    readonly guard?: Expression;
    readonly body: readonly Statement[];
  })[];
}

/** PEP 695's `[T: bound = default, *Ts, **P]` */
export interface TypeParameter {
  readonly name: string;
  readonly bound?: Expression;
  readonly default?: Expression;
}

export interface FunctionDefinition extends Node, Parameters {
  readonly type: 'FunctionDefinition';
  readonly isAsync: boolean;
  readonly name: Name;
  readonly decorators: readonly Expression[];
  readonly typeParameters: readonly TypeParameter[];
  readonly returns?: Expression;
  readonly body: readonly Statement[];
}

export interface ClassDefinition extends Node {
  readonly type: 'ClassDefinition';
  readonly name: Name;
  readonly decorators: readonly Expression[];
  readonly typeParameters: readonly TypeParameter[];
  readonly bases: readonly Expression[];
  readonly keywords: readonly { readonly name?: string; readonly value: Expression }[];
  readonly body: readonly Statement[];
}

export interface TypeAlias extends Node {
  readonly type: 'TypeAlias';
  readonly name: Name;
  readonly typeParameters: readonly TypeParameter[];
  readonly value: Expression;
}

export interface Jump extends Node {
  readonly type: 'Pass' | 'Break' | 'Continue';
}

/** `%%name arguments` with the rest of the cell. `body` is set where that rest is Python (`%%time`, `%%capture out`, …). */
export interface CellMagic extends Node {
  readonly type: 'CellMagic';
  readonly name: string;
  readonly arguments: string;
  readonly text: string;
  /** of its first line, and for `%%sx` of the others */
  readonly holes: readonly Expression[];
  readonly body?: readonly Statement[];
}

/** `object?`, `?object`, `object??` */
export interface Help extends Node {
  readonly type: 'Help';
  readonly text: string;
}

/** One cell, parsed. A broken chunk is left out of `body` and stands in `errors`; the others are all there. */
export interface ParsedCell {
  readonly source: string;
  readonly body: readonly Statement[];
  readonly errors: readonly (Node & { readonly message: string })[];
  /** broken parts that count as they were when they were read last */
  readonly stale?: readonly StalePart[];
}

export interface StalePart extends Node {
  readonly statements: readonly TopStatement[];
}

/** A top-level statement, and where it stands. Its syntax may be that of an equal text elsewhere. */
export interface TopStatement {
  readonly statement: Statement;
  /** texts that are equal have equal syntax; undefined where that is not sure */
  readonly text: string | undefined;
  /** where it begins now */
  readonly from: number;
  /** the broken part that it stands for */
  readonly within?: Node;
}
