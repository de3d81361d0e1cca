// From the grammar's tree to ours: statements here, what stands inside them in expressions.ts, patterns.ts and literals.ts.
// A definition's range begins at its first decorator, so that its source text is whole.
import { childOfType, field, fields, hasToken, nodesIn, Refusal, type Concrete } from './concrete.js';
import { firstWord, toAlias, toArguments, toExpression, toName, toParameters, toTuple } from './expressions.js';
import { toPattern } from './patterns.js';
import type {
  ClassDefinition,
  Expression,
  FunctionDefinition,
  If,
  Import,
  ImportFrom,
  Match,
  Node,
  Statement,
  Try,
  TypeParameter,
  With
} from './syntax.js';

export interface Lowered {
  readonly body: Statement[];
  readonly errors: (Node & { readonly message: string })[];
}

/** Lower a module. Statements that the grammar takes and Python 3 does not are left out and reported. */
export function lowerModule(root: Concrete): Lowered {
  const body: Statement[] = [];
  const errors: (Node & { message: string })[] = [];
  for (const [i, child] of root.children.entries()) {
    if (!child.isNamed) continue;
    try {
      checkIndent(child, '');
      body.push(toStatement(child, root.children[i + 1]?.type === ';'));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      errors.push({ from: error.node.from, to: error.node.to, message: error.message });
    }
  }
  return { body, errors };
}

function toStatement(node: Concrete, isFollowed: boolean): Statement {
  const { from, to } = node;
  switch (node.type) {
    case 'expression_statement':
      return toSimpleStatement(node, isFollowed);
    case 'import_statement':
      return { type: 'Import', names: fields(node, 'name').map(toImported), from, to } satisfies Import;
    case 'import_from_statement':
    case 'future_import_statement':
      return toImportFrom(node);
    case 'return_statement':
      return { type: 'Return', ...optional('value', nodesIn(node)[0]), from, to };
    case 'delete_statement':
      return { type: 'Delete', targets: toTargets(nodesIn(node)[0]!), from, to };
    case 'raise_statement': {
      const exception = nodesIn(node).find(child => child.field !== 'cause');
      if (exception?.type === 'expression_list') throw new Refusal(exception, 'unexpected ‘,’');
      return {
        type: 'Raise',
        ...optional('exception', exception),
        ...optional('cause', field(node, 'cause')),
        from,
        to
      };
    }
    case 'assert_statement': {
      const [test, message] = nodesIn(node);
      return { type: 'Assert', test: toExpression(test!), ...optional('message', message), from, to };
    }
    case 'pass_statement':
      return { type: 'Pass', from, to };
    case 'break_statement':
      return { type: 'Break', from, to };
    case 'continue_statement':
      return { type: 'Continue', from, to };
    case 'global_statement':
      return { type: 'Global', names: nodesIn(node).map(name => toName(name).id), from, to };
    case 'nonlocal_statement':
      return { type: 'Nonlocal', names: nodesIn(node).map(name => toName(name).id), from, to };
    case 'type_alias_statement':
      return toTypeAlias(node);
    case 'if_statement':
      return toIf(node, node, fields(node, 'alternative'));
    case 'for_statement':
      return {
        type: 'For',
        isAsync: hasToken(node, 'async'),
        target: toExpression(field(node, 'left')!),
        iterable: toExpression(field(node, 'right')!),
        body: toBlock(field(node, 'body')!),
        orElse: toElse(childOfType(node, 'else_clause')),
        from,
        to
      };
    case 'while_statement':
      return {
        type: 'While',
        test: toExpression(field(node, 'condition')!),
        body: toBlock(field(node, 'body')!),
        orElse: toElse(childOfType(node, 'else_clause')),
        from,
        to
      };
    case 'try_statement':
      return toTry(node);
    case 'with_statement':
      return toWith(node);
    case 'match_statement':
      return toMatch(node);
    case 'function_definition':
      return toFunction(node);
    case 'class_definition':
      return toClass(node);
    case 'decorated_definition':
      return toDecorated(node);
    case 'print_statement':
      throw new Refusal(node, '‘print’ is a function in Python 3: write print(…)');
    case 'exec_statement':
      throw new Refusal(node, '‘exec’ is a function in Python 3: write exec(…)');
    default:
      throw new Refusal(node, `unexpected ‘${firstWord(node.text)}’`);
  }
}

/** An assignment of any kind, or an expression by itself. */
function toSimpleStatement(node: Concrete, isFollowed: boolean): Statement {
  const { from, to } = node;
  const nodes = nodesIn(node);
  const first = nodes[0]!;
  if (first.type === 'assignment') return toAssign(first);
  if (first.type === 'augmented_assignment')
    return {
      type: 'AugmentedAssign',
      target: toExpression(field(first, 'left')!),
      operator: field(first, 'operator')!.text.slice(0, -1),
      value: toExpression(field(first, 'right')!),
      from,
      to
    };
  if (first.standsFor && isStatement(first.standsFor)) return first.standsFor;
  return { type: 'Expression', value: toTuple(nodes, hasToken(node, ',')), isShown: !isFollowed, from, to };
}

function isStatement(node: Statement | Expression): node is Statement {
  return node.type === 'Help';
}

function toAssign(node: Concrete): Statement {
  const { from, to } = node;
  const annotation = field(node, 'type');
  const value = field(node, 'right');
  if (annotation)
    return {
      type: 'AnnotatedAssign',
      target: toExpression(field(node, 'left')!),
      annotation: toExpression(annotation),
      ...optional('value', value),
      from,
      to
    };
  const targets = [toExpression(field(node, 'left')!)];
  let right = value!;
  while (right.type === 'assignment') {
    if (field(right, 'type')) throw new Refusal(right, 'unexpected ‘:’');
    targets.push(toExpression(field(right, 'left')!));
    right = field(right, 'right')!;
  }
  return { type: 'Assign', targets, value: toExpression(right), from, to };
}

/** `del a, b` and `del (a, b)` delete two. */
function toTargets(node: Concrete): Expression[] {
  const isList = node.type === 'expression_list' || node.type === 'tuple' || node.type === 'list';
  return isList ? nodesIn(node).flatMap(toTargets) : [toExpression(node)];
}

function toImported(node: Concrete): Import['names'][number] {
  const range = { from: node.from, to: node.to };
  if (node.type !== 'aliased_import') return { module: toModule(node), range };
  return { module: toModule(field(node, 'name')!), alias: toName(field(node, 'alias')!).id, range };
}

function toImportFrom(node: Concrete): ImportFrom {
  const { from, to } = node;
  const module = field(node, 'module_name');
  const wildcard = childOfType(node, 'wildcard_import');
  const names = wildcard
    ? [{ name: '*', range: { from: wildcard.from, to: wildcard.to } }]
    : fields(node, 'name')
        .map(toImported)
        .map(({ module, ...rest }) => ({ name: module, ...rest }));
  return { type: 'ImportFrom', module: module ? toModule(module) : '__future__', names, from, to };
}

/** A dotted name without the blanks that may stand between its parts. */
function toModule(node: Concrete): string {
  return node.text.replace(/\\\r?\n|\s+/g, '').normalize('NFKC');
}

function toTypeAlias(node: Concrete): Statement {
  const { from, to } = node;
  const left = nodesIn(field(node, 'left')!)[0]!;
  const [name, parameters] = left.type === 'identifier' ? [left] : nodesIn(left);
  if (name?.type !== 'identifier') throw new Refusal(left, `unexpected ‘${firstWord(left.text)}’`);
  return {
    type: 'TypeAlias',
    name: toName(name),
    typeParameters: toTypeParameters(parameters),
    value: toExpression(field(node, 'right')!),
    from,
    to
  };
}

/** `[T, U: bound, *Ts, **P]`. A default was blanked out and is what the name stands for (the grammar has none). */
function toTypeParameters(node: Concrete | undefined): TypeParameter[] {
  if (!node) return [];
  return nodesIn(node).map(type => {
    const inner = nodesIn(type)[0]!;
    const [name, bound] = inner.type === 'constrained_type' ? nodesIn(inner) : [inner];
    const identifier = identifierIn(name!);
    const fallback = identifier.standsFor as Expression | undefined;
    return {
      name: toName(identifier).id,
      ...(bound && { bound: toExpression(bound) }),
      ...(fallback && { default: fallback })
    };
  });
}

/** The name in `T`, `*Ts` or `**P`, whichever nodes it is wrapped in. */
function identifierIn(node: Concrete): Concrete {
  if (node.type === 'identifier') return node;
  const inner = nodesIn(node);
  const isWrapped = ['type', 'splat_type', 'list_splat', 'list_splat_pattern', 'dictionary_splat'].includes(node.type);
  if (!isWrapped || inner.length !== 1) throw new Refusal(node, `unexpected ‘${firstWord(node.text)}’`);
  return identifierIn(inner[0]!);
}

/** The statements of a block. The grammar takes a block without any, and any indentation; Python does not. */
function toBlock(block: Concrete): Statement[] {
  const indent = block.children[0]?.indent;
  const statements = block.children.flatMap((child, i) => {
    if (!child.isNamed) return [];
    checkIndent(child, indent);
    return [toStatement(child, block.children[i + 1]?.type === ';')];
  });
  if (statements.length === 0) throw new Refusal(block, 'expected an indented block');
  return statements;
}

/** A statement that begins a line must stand in its block's column; others follow a `;` or a `:`. */
function checkIndent(statement: Concrete, indent: string | undefined): void {
  const beginsLine = statement.indent?.trim() === '';
  if (beginsLine && statement.indent !== indent) throw new Refusal(statement, 'unexpected indentation');
}

function toElse(clause: Concrete | undefined): Statement[] {
  return clause ? toBlock(field(clause, 'body')!) : [];
}

/** An `if` or `elif` with the clauses that follow it. */
function toIf(node: Concrete, whole: Concrete, alternatives: readonly Concrete[]): If {
  const [next, ...rest] = alternatives;
  return {
    type: 'If',
    test: toExpression(field(node, 'condition')!),
    body: toBlock(field(node, 'consequence')!),
    orElse: next?.type === 'elif_clause' ? [toIf(next, whole, rest)] : toElse(next),
    from: node.from,
    to: whole.to
  };
}

function toTry(node: Concrete): Try {
  const finallyClause = childOfType(node, 'finally_clause');
  const handlers = node.children.filter(child => child.type === 'except_clause').map(toHandler);
  if (handlers.length === 0 && !finallyClause) throw new Refusal(node, '‘try’ has neither ‘except’ nor ‘finally’');
  return {
    type: 'Try',
    body: toBlock(field(node, 'body')!),
    handlers,
    orElse: toElse(childOfType(node, 'else_clause')),
    finally: finallyClause ? toBlock(childOfType(finallyClause, 'block')!) : [],
    from: node.from,
    to: node.to
  };
}

function toHandler(clause: Concrete): Try['handlers'][number] {
  const values = fields(clause, 'value').filter(child => child.isNamed);
  const alias = field(clause, 'alias');
  const { value, target = alias } = values.length === 1 ? toAlias(values[0]!) : { value: undefined };
  const exception = value ? toExpression(value) : values.length > 1 ? toTuple(values) : undefined;
  if (target && target.type !== 'identifier') throw new Refusal(target, `unexpected ‘${firstWord(target.text)}’`);
  return {
    ...(exception && { exception }),
    ...(target && { name: toName(target) }),
    body: toBlock(childOfType(clause, 'block')!),
    from: clause.from,
    to: clause.to
  };
}

function toWith(node: Concrete): With {
  const items = nodesIn(childOfType(node, 'with_clause')!).map(item => field(item, 'value')!);
  return {
    type: 'With',
    isAsync: hasToken(node, 'async'),
    items: items.flatMap(unfoldItem).map(toWithItem),
    body: toBlock(field(node, 'body')!),
    from: node.from,
    to: node.to
  };
}

/** `with (a as b, c as d):` may come as one parenthesised value. */
function unfoldItem(value: Concrete): Concrete[] {
  const isBracketed = value.type === 'tuple' || value.type === 'parenthesized_expression';
  return isBracketed && nodesIn(value).some(child => child.type === 'as_pattern') ? nodesIn(value) : [value];
}

function toWithItem(item: Concrete): With['items'][number] {
  const { value, target } = toAlias(item);
  return { context: toExpression(value), ...optional('target', target) };
}

function toMatch(node: Concrete): Match {
  const subjects = fields(node, 'subject').filter(child => child.isNamed);
  const clauses = fields(field(node, 'body')!, 'alternative');
  if (clauses.length === 0) throw new Refusal(node, '‘match’ has no ‘case’');
  return {
    type: 'Match',
    subject: toTuple(
      subjects,
      node.children.some(child => child.type === ',')
    ),
    cases: clauses.map(toCase),
    from: node.from,
    to: node.to
  };
}

function toCase(clause: Concrete): Match['cases'][number] {
  const patterns = clause.children.filter(child => child.type === 'case_pattern');
  const guard = field(clause, 'guard');
  const pattern = toPattern(patterns, hasToken(clause, ','));
  return {
    ...pattern,
    isIrrefutable: pattern.isIrrefutable && !guard,
    ...optional('guard', guard && nodesIn(guard)[0]),
    body: toBlock(field(clause, 'consequence')!),
    from: clause.from,
    to: clause.to
  };
}

function toDecorated(node: Concrete): Statement {
  const decorators = node.children
    .filter(child => child.type === 'decorator')
    .map(decorator => toExpression(nodesIn(decorator)[0]!));
  const definition = field(node, 'definition')!;
  const { from } = node;
  return definition.type === 'class_definition'
    ? { ...toClass(definition), decorators, from }
    : { ...toFunction(definition), decorators, from };
}

function toFunction(node: Concrete): FunctionDefinition {
  return {
    type: 'FunctionDefinition',
    isAsync: hasToken(node, 'async'),
    name: toName(field(node, 'name')!),
    decorators: [],
    typeParameters: toTypeParameters(field(node, 'type_parameters')),
    parameters: toParameters(field(node, 'parameters')!),
    ...optional('returns', field(node, 'return_type')),
    body: toBlock(field(node, 'body')!),
    from: node.from,
    to: node.to
  };
}

function toClass(node: Concrete): ClassDefinition {
  const superclasses = field(node, 'superclasses');
  const { args, keywords } = superclasses ? toArguments(superclasses) : { args: [], keywords: [] };
  return {
    type: 'ClassDefinition',
    name: toName(field(node, 'name')!),
    decorators: [],
    typeParameters: toTypeParameters(field(node, 'type_parameters')),
    bases: args,
    keywords,
    body: toBlock(field(node, 'body')!),
    from: node.from,
    to: node.to
  };
}

function optional<K extends string>(key: K, node: Concrete | undefined): { readonly [P in K]?: Expression } {
  return (node ? { [key]: toExpression(node) } : {}) as { readonly [P in K]?: Expression };
}
