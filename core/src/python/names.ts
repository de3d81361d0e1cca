// Which scope a name belongs to, Python decides before a line runs. This module walks a module's syntax tree once and finds
// its scopes with the names each binds and reads, by the rules of CPython's `symtable.c`.
import { mangleName, type Binding, type Scope, type ScopeKind, type ScopeNode } from './scope.js';
import type {
  ClassDefinition,
  Comprehension,
  Expression,
  FunctionDefinition,
  Import,
  ImportFrom,
  Lambda,
  MagicExpression,
  Match,
  Node,
  Parameters,
  Statement,
  Try,
  TypeAlias,
  TypeParameter
} from './syntax.js';

/**
 * Find the scopes of a module; the statements of several cells share one. `lazyAnnotations` says that an earlier cell
 * has `from __future__ import annotations`, under which annotations are not evaluated.
 */
export function findScopes(body: readonly Statement[], lazyAnnotations = false): Scope {
  const module = new ScopeTable('module', 'top');
  module.lazyAnnotations = lazyAnnotations || body.some(importsLazyAnnotations);
  visitAll(module, body);
  return module;
}

/** The scope of a function or lambda by itself: what it does not bind, it finds somewhere around it. */
export function findFunctionScope(node: FunctionDefinition | Lambda): Scope {
  const scope =
    node.type === 'Lambda' ? new ScopeTable('lambda', 'lambda', node) : new ScopeTable('function', node.name.id, node);
  fillFunction(scope, node);
  return scope;
}

/** Every name that running these statements may bind, or delete, in their own scope. */
export function boundNames(body: readonly Statement[]): ReadonlySet<string> {
  return new Set(findScopes(body).bindings.keys());
}

/** The plain names that a target binds: `a, (b, *c) = …`. */
export function targetNames(target: Expression): string[] {
  switch (target.type) {
    case 'Name':
      return [target.id];
    case 'Starred':
      return targetNames(target.value);
    case 'Collection':
      return target.elements.flatMap(targetNames);
    default:
      return [];
  }
}

/** A scope while it is being filled. */
class ScopeTable implements Scope {
  readonly children: ScopeTable[] = [];
  readonly bindings = new Map<string, Binding[]>();
  readonly references = new Map<string, Node[]>();
  readonly globals = new Set<string>();
  readonly nonlocals = new Set<string>();
  isGenerator = false;
  lazyAnnotations: boolean;
  /** the class whose private names are mangled here */
  className: string | undefined;

  constructor(
    readonly kind: ScopeKind,
    readonly name: string,
    readonly node?: ScopeNode,
    readonly parent?: ScopeTable
  ) {
    this.lazyAnnotations = parent?.lazyAnnotations ?? false;
    this.className = parent?.className;
  }

  open(kind: ScopeKind, name: string, node: ScopeNode): ScopeTable {
    const child = new ScopeTable(kind, name, node, this);
    this.children.push(child);
    return child;
  }

  bind(name: string, kind: Binding['kind'], { from, to }: Node): void {
    append(this.bindings, mangleName(name, this.className), { kind, from, to });
  }

  read(name: string, { from, to }: Node): void {
    append(this.references, mangleName(name, this.className), { from, to });
    // `super()` works by a hidden cell of the class around the method.
    if (name === 'super' && this.kind !== 'class' && this.kind !== 'module') this.read('__class__', { from, to });
  }

  declare(names: readonly string[], as: 'globals' | 'nonlocals'): void {
    for (const name of names) this[as].add(mangleName(name, this.className));
  }
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function importsLazyAnnotations(statement: Statement): boolean {
  return (
    statement.type === 'ImportFrom' &&
    statement.module === '__future__' &&
    statement.names.some(({ name }) => name === 'annotations')
  );
}

function visitAll(scope: ScopeTable, statements: readonly Statement[]): void {
  for (const statement of statements) visitStatement(scope, statement);
}

function visitStatement(scope: ScopeTable, statement: Statement): void {
  switch (statement.type) {
    case 'Assign':
      visit(scope, statement.value);
      return statement.targets.forEach(target => visitTarget(scope, target, 'assigned'));
    case 'AugmentedAssign':
      visitTarget(scope, statement.target, 'augmented');
      return visit(scope, statement.value);
    case 'AnnotatedAssign':
      visitTarget(scope, statement.target, statement.value ? 'assigned' : 'annotated');
      visitAnnotation(scope, statement.annotation);
      return visit(scope, statement.value);
    case 'Delete':
      return statement.targets.forEach(target => visitTarget(scope, target, 'deleted'));
    case 'Expression':
    case 'Return':
      return visit(scope, statement.value);
    case 'Raise':
      visit(scope, statement.exception);
      return visit(scope, statement.cause);
    case 'Assert':
      visit(scope, statement.test);
      return visit(scope, statement.message);
    case 'Global':
      return scope.declare(statement.names, 'globals');
    case 'Nonlocal':
      return scope.declare(statement.names, 'nonlocals');
    case 'Import':
      return visitImport(scope, statement);
    case 'ImportFrom':
      return visitImportFrom(scope, statement);
    case 'If':
    case 'While':
      visit(scope, statement.test);
      visitAll(scope, statement.body);
      return visitAll(scope, statement.orElse);
    case 'For':
      visitTarget(scope, statement.target, 'assigned');
      visit(scope, statement.iterable);
      visitAll(scope, statement.body);
      return visitAll(scope, statement.orElse);
    case 'Try':
      return visitTry(scope, statement);
    case 'With':
      for (const { context, target } of statement.items) {
        visit(scope, context);
        if (target) visitTarget(scope, target, 'assigned');
      }
      return visitAll(scope, statement.body);
    case 'Match':
      return visitMatch(scope, statement);
    case 'FunctionDefinition':
      return visitFunction(scope, statement);
    case 'ClassDefinition':
      return visitClass(scope, statement);
    case 'TypeAlias':
      return visitTypeAlias(scope, statement);
    case 'CellMagic':
      statement.holes.forEach(hole => visit(scope, hole));
      return visitMagicBody(scope, statement.name, statement, statement.body);
    case 'Pass':
    case 'Break':
    case 'Continue':
    case 'Help':
      return;
  }
}

/** `import a.b` binds `a`, `import a.b as c` binds `c`. */
function visitImport(scope: ScopeTable, { names }: Import): void {
  for (const { module, alias, range } of names) scope.bind(alias ?? module.split('.')[0]!, 'import', range);
}

/** What `*` brings, nobody knows before it runs: it binds nothing here. */
function visitImportFrom(scope: ScopeTable, { names }: ImportFrom): void {
  for (const { name, alias, range } of names) if (name !== '*') scope.bind(alias ?? name, 'import', range);
}

function visitTry(scope: ScopeTable, statement: Try): void {
  visitAll(scope, statement.body);
  for (const handler of statement.handlers) {
    visit(scope, handler.exception);
    if (handler.name) scope.bind(handler.name.id, 'assigned', handler.name);
    visitAll(scope, handler.body);
  }
  visitAll(scope, statement.orElse);
  visitAll(scope, statement.finally);
}

function visitMatch(scope: ScopeTable, statement: Match): void {
  visit(scope, statement.subject);
  for (const { reads, captures, guard, body } of statement.cases) {
    reads.forEach(read => visit(scope, read));
    captures.forEach(capture => scope.bind(capture.id, 'assigned', capture));
    visit(scope, guard);
    visitAll(scope, body);
  }
}

/** Defaults, decorators and annotations belong to the scope around the function. */
function visitFunction(scope: ScopeTable, node: FunctionDefinition): void {
  scope.bind(node.name.id, 'function', node.name);
  visitDefaults(scope, node);
  node.decorators.forEach(decorator => visit(scope, decorator));
  const around = openTypeParameters(scope, node.typeParameters, node);
  for (const { annotation } of node.parameters) if (annotation) visitAnnotation(around, annotation);
  if (node.returns) visitAnnotation(around, node.returns);
  fillFunction(around.open('function', node.name.id, node), node);
}

function visitClass(scope: ScopeTable, node: ClassDefinition): void {
  scope.bind(node.name.id, 'class', node.name);
  node.decorators.forEach(decorator => visit(scope, decorator));
  const around = openTypeParameters(scope, node.typeParameters, node);
  node.bases.forEach(base => visit(around, base));
  node.keywords.forEach(({ value }) => visit(around, value));
  const inside = around.open('class', node.name.id, node);
  inside.className = node.name.id;
  visitAll(inside, node.body);
}

function visitTypeAlias(scope: ScopeTable, node: TypeAlias): void {
  scope.bind(node.name.id, 'type', node.name);
  const around = openTypeParameters(scope, node.typeParameters, node);
  visit(around.open('type-parameters', node.name.id, node), node.value);
}

/** PEP 695: what has type parameters stands in a scope of its own, which binds them. */
function openTypeParameters(
  scope: ScopeTable,
  parameters: readonly TypeParameter[],
  node: FunctionDefinition | ClassDefinition | TypeAlias
): ScopeTable {
  if (parameters.length === 0) return scope;
  const inside = scope.open('type-parameters', node.name.id, node);
  for (const { name, bound, default: value } of parameters) {
    inside.bind(name, 'type-parameter', node.name);
    visit(inside, bound);
    visit(inside, value);
  }
  return inside;
}

function visitDefaults(scope: ScopeTable, { parameters }: Parameters): void {
  for (const parameter of parameters) visit(scope, parameter.default);
}

function fillFunction(scope: ScopeTable, node: FunctionDefinition | Lambda): void {
  for (const { name } of node.parameters) scope.bind(name, 'parameter', node);
  if (node.type === 'Lambda') visit(scope, node.body);
  else visitAll(scope, node.body);
}

function visitAnnotation(scope: ScopeTable, annotation: Expression): void {
  if (!scope.lazyAnnotations) visit(scope, annotation);
}

/** Names in a target are bound; `a.b` and `a[i]` read `a` and `i`. */
function visitTarget(scope: ScopeTable, target: Expression, kind: Binding['kind']): void {
  switch (target.type) {
    case 'Name':
      return scope.bind(target.id, kind, target);
    case 'Starred':
      return visitTarget(scope, target.value, kind);
    case 'Collection':
      return target.elements.forEach(element => visitTarget(scope, element, kind));
    default:
      return visit(scope, target);
  }
}

function visit(scope: ScopeTable, expression: Expression | undefined): void {
  if (!expression) return;
  switch (expression.type) {
    case 'Name':
      return scope.read(expression.id, expression);
    case 'Constant':
      return;
    case 'Attribute':
    case 'Starred':
    case 'Await':
      return visit(scope, expression.value);
    case 'Yield':
      scope.isGenerator = true;
      return visit(scope, expression.value);
    case 'Subscript':
      visit(scope, expression.value);
      return visit(scope, expression.index);
    case 'Call':
      visit(scope, expression.func);
      expression.args.forEach(argument => visit(scope, argument));
      return expression.keywords.forEach(({ value }) => visit(scope, value));
    case 'Lambda': {
      visitDefaults(scope, expression);
      return fillFunction(scope.open('lambda', 'lambda', expression), expression);
    }
    case 'Comprehension':
      return visitComprehension(scope, expression);
    case 'Collection':
      return expression.elements.forEach(element => visit(scope, element));
    case 'BinaryOperation':
      visit(scope, expression.left);
      return visit(scope, expression.right);
    case 'Operation':
      return expression.operands.forEach(operand => visit(scope, operand));
    case 'Conditional':
      visit(scope, expression.test);
      visit(scope, expression.body);
      return visit(scope, expression.orElse);
    case 'FormattedString':
      return expression.parts.forEach(part => typeof part !== 'string' && visit(scope, part));
    case 'NamedExpression':
      visit(scope, expression.value);
      return bindWalrus(scope, expression.target.id, expression.target);
    case 'Shell':
      return expression.holes.forEach(hole => visit(scope, hole));
    case 'Magic':
      expression.holes.forEach(hole => visit(scope, hole));
      return visitMagicBody(scope, expression.name, expression, expression.body);
  }
}

const comprehensionNames = { list: 'listcomp', set: 'setcomp', dict: 'dictcomp', generator: 'genexpr' };

/** The first iterable is evaluated outside, all else inside. */
function visitComprehension(scope: ScopeTable, node: Comprehension): void {
  visit(scope, node.generators[0]?.iterable);
  const inside = scope.open('comprehension', comprehensionNames[node.kind], node);
  for (const [i, { target, iterable, conditions }] of node.generators.entries()) {
    visitTarget(inside, target, 'assigned');
    if (i > 0) visit(inside, iterable);
    conditions.forEach(condition => visit(inside, condition));
  }
  node.elements.forEach(element => visit(inside, element));
}

/** `:=` in a comprehension binds in the function or module around it (PEP 572). */
function bindWalrus(scope: ScopeTable, name: string, place: Node): void {
  const path: ScopeTable[] = [];
  let holder = scope;
  while (holder.kind === 'comprehension' && holder.parent) {
    path.push(holder);
    holder = holder.parent;
  }
  holder.bind(name, path.length > 0 ? 'walrus' : 'assigned', place);
  const isGlobal = holder.kind === 'module' || holder.globals.has(mangleName(name, holder.className));
  const inner = path[0];
  if (!inner) return;
  inner.bind(name, 'walrus', place);
  inner.declare([name], isGlobal ? 'globals' : 'nonlocals');
}

/** Magics run their Python where they stand, but for `%timeit`, which wraps it in a function. */
function visitMagicBody(
  scope: ScopeTable,
  magic: string,
  node: MagicExpression | Node,
  body: readonly Statement[] | undefined
): void {
  if (body) visitAll(magic === 'timeit' ? scope.open('timed', 'inner', node) : scope, body);
}
