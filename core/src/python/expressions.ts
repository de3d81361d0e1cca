// Expressions and assignment targets, from the grammar's nodes to ours. Targets are lowered as the expressions they look like.
import { childOfType, field, fields, hasToken, nodesIn, Refusal, type Concrete } from './concrete.js';
import { toNumber, toStringLiteral } from './literals.js';
import type {
  Call,
  Collection,
  Comprehension,
  Constant,
  Expression,
  Name,
  Operation,
  Parameters,
  Yield
} from './syntax.js';

export function toExpression(node: Concrete): Expression {
  return starOutside(lower(node));
}

function lower(node: Concrete): Expression {
  const { from, to } = node;
  switch (node.type) {
    case 'identifier':
      return (node.standsFor as Expression | undefined) ?? toName(node);
    case 'integer':
    case 'float':
      return toNumber(node);
    case 'string':
    case 'concatenated_string':
      return toStringLiteral(node, toExpression);
    case 'true':
    case 'false':
    case 'none':
    case 'ellipsis':
      return toConstant(node);
    case 'attribute':
      return {
        type: 'Attribute',
        value: toExpression(field(node, 'object')!),
        attr: toName(field(node, 'attribute')!).id,
        from,
        to
      };
    case 'subscript':
      return toSubscript(node, field(node, 'value')!, fields(node, 'subscript'));
    case 'call':
      return toCall(node);
    case 'lambda': {
      const parameters = field(node, 'parameters');
      const body = toExpression(field(node, 'body')!);
      return { type: 'Lambda', parameters: parameters ? toParameters(parameters) : [], body, from, to };
    }
    case 'list_comprehension':
      return toComprehension(node, 'list');
    case 'set_comprehension':
      return toComprehension(node, 'set');
    case 'dictionary_comprehension':
      return toComprehension(node, 'dict');
    case 'generator_expression':
      return toComprehension(node, 'generator');
    case 'list':
    case 'list_pattern':
      return toCollection(node, 'list');
    case 'set':
      return toCollection(node, 'set');
    case 'dictionary':
      return { type: 'Collection', kind: 'dict', elements: nodesIn(node).flatMap(toEntry), from, to };
    case 'tuple':
    case 'expression_list':
    case 'pattern_list':
      return toCollection(node, 'tuple');
    case 'tuple_pattern':
      return isGroup(node) ? toExpression(nodesIn(node)[0]!) : toCollection(node, 'tuple');
    case 'parenthesized_expression':
      return toExpression(nodesIn(node)[0]!);
    case 'binary_operator':
      return {
        type: 'BinaryOperation',
        operator: field(node, 'operator')!.text,
        left: toExpression(field(node, 'left')!),
        right: toExpression(field(node, 'right')!),
        from,
        to
      };
    case 'boolean_operator':
      return toBoolean(node);
    case 'comparison_operator':
      return toComparison(node);
    case 'not_operator':
      return toOperation(node, 'not');
    case 'unary_operator':
      return toOperation(node, field(node, 'operator')!.text);
    case 'slice':
      return toOperation(node, 'slice');
    case 'conditional_expression': {
      const [body, test, orElse] = nodesIn(node).map(toExpression) as [Expression, Expression, Expression];
      return { type: 'Conditional', test, body, orElse, from, to };
    }
    case 'named_expression': {
      const target = toName(field(node, 'name')!);
      return { type: 'NamedExpression', target, value: toExpression(field(node, 'value')!), from, to };
    }
    case 'list_splat':
    case 'list_splat_pattern':
    case 'dictionary_splat':
    case 'splat_type':
      return { type: 'Starred', value: toExpression(nodesIn(node)[0]!), from, to };
    case 'await':
      return { type: 'Await', value: toExpression(nodesIn(node)[0]!), from, to };
    case 'yield':
      return toYield(node);
    // What stands in an annotation is an expression to Python; the grammar has nodes of its own for it.
    case 'type':
      return toExpression(nodesIn(node)[0]!);
    case 'generic_type': {
      const [value, index] = nodesIn(node) as [Concrete, Concrete];
      return toSubscript(index, value, nodesIn(index), node);
    }
    case 'union_type': {
      const [left, right] = nodesIn(node).map(toExpression) as [Expression, Expression];
      return { type: 'BinaryOperation', operator: '|', left, right, from, to };
    }
    case 'constrained_type':
      return toOperation(node, 'slice');
    case 'member_type': {
      const [value, attribute] = nodesIn(node) as [Concrete, Concrete];
      return { type: 'Attribute', value: toExpression(value), attr: attribute.text, from, to };
    }
    default:
      throw new Refusal(node, `unexpected ‘${firstWord(node.text)}’`);
  }
}

/** The grammar takes `*a.b` in a display for `(*a).b`, Python for `*(a.b)`; so with `*a()`, `*a[i]`, `*a + b` and the like. */
function starOutside(node: Expression): Expression {
  const first = firstOperand(node);
  if (first?.type !== 'Starred') return node;
  const { from } = first.value;
  const { to } = node;
  return { type: 'Starred', value: { ...withFirstOperand(node, first.value), from }, from: first.from, to };
}

function firstOperand(node: Expression): Expression | undefined {
  switch (node.type) {
    case 'Attribute':
    case 'Subscript':
      return node.value;
    case 'Call':
      return node.func;
    case 'BinaryOperation':
      return node.left;
    case 'Operation':
      return node.operator === 'slice' ? undefined : node.operands[0];
    case 'Conditional':
      return node.body;
    default:
      return undefined;
  }
}

function withFirstOperand(node: Expression, operand: Expression): Expression {
  switch (node.type) {
    case 'Attribute':
    case 'Subscript':
      return { ...node, value: operand };
    case 'Call':
      return { ...node, func: operand };
    case 'BinaryOperation':
      return { ...node, left: operand };
    case 'Operation':
      return { ...node, operands: [operand, ...node.operands.slice(1)] };
    case 'Conditional':
      return { ...node, body: operand };
    default:
      return node;
  }
}

/** Python compares identifiers in Unicode's normal form KC. */
export function toName({ text, from, to }: Concrete): Name {
  return { type: 'Name', id: text.normalize('NFKC'), from, to };
}

/** One expression, or a tuple where several stand side by side without parentheses. */
export function toTuple(nodes: readonly Concrete[], hasTrailingComma = false): Expression {
  if (nodes.length === 1 && !hasTrailingComma) return toExpression(nodes[0]!);
  const { from } = nodes[0]!;
  const { to } = nodes.at(-1)!;
  return { type: 'Collection', kind: 'tuple', elements: nodes.map(toExpression), from, to };
}

/** The parameters of a function or lambda. */
export function toParameters(node: Concrete): Parameters['parameters'] {
  let kind: Parameters['parameters'][number]['kind'] = 'positional';
  const parameters: Parameters['parameters'][number][] = [];
  for (const child of node.children) {
    const named = field(child, 'name') ?? (child.type === 'typed_parameter' ? nodesIn(child)[0]! : child);
    const annotation = field(child, 'type');
    const value = field(child, 'value');
    const add = (name: Concrete, kind: Parameters['parameters'][number]['kind']): void => {
      if (name.type !== 'identifier') throw new Refusal(name, `unexpected ‘${firstWord(name.text)}’`);
      parameters.push({
        name: toName(name).id,
        kind,
        ...(annotation && { annotation: toExpression(annotation) }),
        ...(value && { default: toExpression(value) })
      });
    };
    if (child.type === 'positional_separator')
      parameters.forEach((parameter, i) => (parameters[i] = { ...parameter, kind: 'positional-only' }));
    else if (child.type === 'keyword_separator') kind = 'keyword-only';
    else if (named.type === 'list_splat_pattern') {
      add(nodesIn(named)[0]!, 'var-positional');
      kind = 'keyword-only';
    } else if (named.type === 'dictionary_splat_pattern') add(nodesIn(named)[0]!, 'var-keyword');
    else if (child.isNamed) add(named, kind);
  }
  return parameters;
}

/** The arguments of a call, or the bases of a class. */
export function toArguments(node: Concrete): Pick<Call, 'args' | 'keywords'> {
  if (node.type === 'generator_expression') return { args: [toExpression(node)], keywords: [] };
  const args: Expression[] = [];
  const keywords: { name?: string; value: Expression }[] = [];
  for (const child of nodesIn(node)) {
    if (child.type === 'keyword_argument')
      keywords.push({ name: toName(field(child, 'name')!).id, value: toExpression(field(child, 'value')!) });
    else if (child.type === 'dictionary_splat') keywords.push({ value: toExpression(nodesIn(child)[0]!) });
    else args.push(toExpression(child));
  }
  return { args, keywords };
}

export function firstWord(text: string): string {
  return /^[\p{L}\p{N}_]+|^[^\s]/u.exec(text.trimStart())?.[0] ?? text;
}

function toConstant({ type, text, from, to }: Concrete): Constant {
  if (type === 'ellipsis') return { type: 'Constant', kind: 'ellipsis', text, from, to };
  if (type === 'none') return { type: 'Constant', kind: 'none', value: null, text, from, to };
  return { type: 'Constant', kind: 'bool', value: type === 'true', text, from, to };
}

function toSubscript(brackets: Concrete, value: Concrete, items: readonly Concrete[], whole = brackets): Expression {
  const index = toTuple(items, brackets.children.at(-2)?.type === ',');
  // `x[*a]` is a tuple, as CPython has it.
  const isLoneStar = index.type === 'Starred';
  return {
    type: 'Subscript',
    value: toExpression(value),
    index: isLoneStar
      ? { type: 'Collection', kind: 'tuple', elements: [index], from: index.from, to: index.to }
      : index,
    from: whole.from,
    to: whole.to
  };
}

function toCall(node: Concrete): Call {
  const func = toExpression(field(node, 'function')!);
  return { type: 'Call', func, ...toArguments(field(node, 'arguments')!), from: node.from, to: node.to };
}

function toComprehension(node: Concrete, kind: Comprehension['kind']): Comprehension {
  const body = field(node, 'body')!;
  const elements = body.type === 'pair' ? toEntry(body) : [toExpression(body)];
  const generators: { target: Expression; iterable: Expression; conditions: Expression[]; isAsync: boolean }[] = [];
  for (const child of nodesIn(node)) {
    if (child.type === 'for_in_clause')
      generators.push({
        target: toExpression(field(child, 'left')!),
        iterable: toTuple(fields(child, 'right').filter(node => node.isNamed)),
        conditions: [],
        isAsync: hasToken(child, 'async')
      });
    else if (child.type === 'if_clause') generators.at(-1)!.conditions.push(toExpression(nodesIn(child)[0]!));
  }
  return { type: 'Comprehension', kind, elements, generators, from: node.from, to: node.to };
}

function toCollection(node: Concrete, kind: Collection['kind']): Collection {
  return { type: 'Collection', kind, elements: nodesIn(node).map(toExpression), from: node.from, to: node.to };
}

/** Key and value, or `**mapping`. */
function toEntry(node: Concrete): Expression[] {
  if (node.type !== 'pair') return [toExpression(node)];
  return [toExpression(field(node, 'key')!), toExpression(field(node, 'value')!)];
}

/** `(x)` as a target is `x`, `(x,)` is a tuple. */
function isGroup(node: Concrete): boolean {
  return nodesIn(node).length === 1 && !hasToken(node, ',');
}

function toOperation(node: Concrete, operator: string): Operation {
  const operands = nodesIn(node).map(toExpression);
  return { type: 'Operation', operator, operands, from: node.from, to: node.to };
}

/** `a and b and c` is one operation with three operands. */
function toBoolean(node: Concrete): Operation {
  const operator = field(node, 'operator')!.text;
  const operands: Expression[] = [];
  let rest: Concrete = node;
  while (rest.type === 'boolean_operator' && field(rest, 'operator')!.text === operator) {
    operands.unshift(toExpression(field(rest, 'right')!));
    rest = field(rest, 'left')!;
  }
  operands.unshift(toExpression(rest));
  return { type: 'Operation', operator, operands, from: node.from, to: node.to };
}

/** `a < b` has operator `<`, `a < b <= c` has `< <=`. */
function toComparison(node: Concrete): Operation {
  const operators = node.children.filter(child => child.field === 'operators');
  const old = operators.find(operator => operator.text === '<>');
  if (old) throw new Refusal(old, '‘<>’ is Python 2: write !=');
  const operator = operators.map(operator => operator.type).join(' ');
  const operands = node.children.filter(child => child.isNamed && child.field !== 'operators').map(toExpression);
  return { type: 'Operation', operator, operands, from: node.from, to: node.to };
}

function toYield(node: Concrete): Yield {
  const value = nodesIn(node)[0];
  const isFrom = hasToken(node, 'from');
  return { type: 'Yield', isFrom, ...(value && { value: toExpression(value) }), from: node.from, to: node.to };
}

/** The names of a dotted name, as name and attributes. */
export function toDottedName(node: Concrete): Expression {
  const [first, ...rest] = nodesIn(node) as [Concrete, ...Concrete[]];
  return rest.reduce<Expression>(
    (value, part) => ({ type: 'Attribute', value, attr: toName(part).id, from: node.from, to: part.to }),
    toName(first)
  );
}

/** The expression and the name of `expression as name`, wherever the grammar let it stand. */
export function toAlias(node: Concrete): { value: Concrete; target?: Concrete } {
  if (node.type !== 'as_pattern') return { value: node };
  const target = childOfType(node, 'as_pattern_target')!;
  return { value: nodesIn(node)[0]!, target: nodesIn(target)[0] ?? target };
}
