// Which names a function binds for itself: what Python's compiler calls its local names. Nested functions, classes and
// comprehensions keep their own, except that `:=` in a comprehension binds in the function around it.
import type { Expression, Parameters, Statement } from '../syntax.js';

export interface LocalNames {
  readonly locals: ReadonlySet<string>;
  readonly globals: ReadonlySet<string>;
  readonly isGenerator: boolean;
}

export function findLocals(parameters: Parameters, body: readonly Statement[] | Expression): LocalNames {
  const finder = new Finder();
  for (const { name } of parameters.parameters) finder.bound.add(name);
  if (Array.isArray(body)) finder.statements(body as readonly Statement[]);
  else finder.expression(body as Expression);
  const locals = new Set([...finder.bound].filter(name => !finder.globals.has(name) && !finder.nonlocals.has(name)));
  return { locals, globals: finder.globals, isGenerator: finder.isGenerator };
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

/** Every name that running these statements may bind in their own scope. */
export function boundNames(body: readonly Statement[]): ReadonlySet<string> {
  const finder = new Finder();
  finder.statements(body);
  return finder.bound;
}

class Finder {
  readonly bound = new Set<string>();
  readonly globals = new Set<string>();
  readonly nonlocals = new Set<string>();
  isGenerator = false;

  statements(body: readonly Statement[]): void {
    for (const statement of body) this.statement(statement);
  }

  private statement(node: Statement): void {
    switch (node.type) {
      case 'Assign':
        this.expression(node.value);
        for (const target of node.targets) this.target(target);
        return;
      case 'AugmentedAssign':
        this.expression(node.value);
        this.target(node.target);
        return;
      case 'AnnotatedAssign':
        if (node.value) this.expression(node.value);
        this.target(node.target);
        return;
      case 'Delete':
        for (const target of node.targets) this.target(target);
        return;
      case 'Expression':
        this.expression(node.value);
        return;
      case 'Return':
        if (node.value) this.expression(node.value);
        return;
      case 'Raise':
        if (node.exception) this.expression(node.exception);
        return;
      case 'Assert':
        this.expression(node.test);
        return;
      case 'Global':
        for (const name of node.names) this.globals.add(name);
        return;
      case 'Nonlocal':
        for (const name of node.names) this.nonlocals.add(name);
        return;
      case 'Import':
        for (const { module, alias } of node.names) this.bound.add(alias ?? module.split('.')[0]!);
        return;
      case 'ImportFrom':
        for (const { name, alias } of node.names) if (name !== '*') this.bound.add(alias ?? name);
        return;
      case 'If':
      case 'While':
        this.expression(node.test);
        this.statements(node.body);
        this.statements(node.orElse);
        return;
      case 'For':
        this.expression(node.iterable);
        this.target(node.target);
        this.statements(node.body);
        this.statements(node.orElse);
        return;
      case 'Try':
        this.statements(node.body);
        for (const handler of node.handlers) {
          if (handler.name) this.bound.add(handler.name.id);
          this.statements(handler.body);
        }
        this.statements(node.orElse);
        this.statements(node.finally);
        return;
      case 'With':
        for (const { context, target } of node.items) {
          this.expression(context);
          if (target) this.target(target);
        }
        this.statements(node.body);
        return;
      case 'Match':
        this.expression(node.subject);
        for (const arm of node.cases) {
          for (const { id } of arm.captures) this.bound.add(id);
          if (arm.guard) this.expression(arm.guard);
          this.statements(arm.body);
        }
        return;
      case 'FunctionDefinition':
      case 'ClassDefinition':
      case 'TypeAlias':
        this.bound.add(node.name.id);
        return;
      case 'CellMagic':
        if (node.body) this.statements(node.body);
        return;
    }
  }

  private target(target: Expression): void {
    for (const name of targetNames(target)) this.bound.add(name);
    if (target.type !== 'Name') this.expression(target);
  }

  /** Only `:=` and `yield` matter in an expression. */
  expression(node: Expression): void {
    switch (node.type) {
      case 'NamedExpression':
        this.bound.add(node.target.id);
        this.expression(node.value);
        return;
      case 'Yield':
        this.isGenerator = true;
        if (node.value) this.expression(node.value);
        return;
      case 'Lambda':
        return;
      default:
        for (const child of operands(node)) this.expression(child);
    }
  }
}

/** The expressions directly inside an expression, in the order in which Python evaluates them. */
export function operands(node: Expression): readonly Expression[] {
  switch (node.type) {
    case 'Name':
    case 'Constant':
    case 'Lambda':
      return [];
    case 'Attribute':
    case 'Starred':
    case 'Await':
      return [node.value];
    case 'Subscript':
      return [node.value, node.index];
    case 'Call':
      return [node.func, ...node.args, ...node.keywords.map(({ value }) => value)];
    case 'Comprehension':
      return [...node.generators.flatMap(({ iterable, conditions }) => [iterable, ...conditions]), ...node.elements];
    case 'Collection':
      return node.elements;
    case 'BinaryOperation':
      return [node.left, node.right];
    case 'Operation':
      return node.operands;
    case 'Conditional':
      return [node.test, node.body, node.orElse];
    case 'FormattedString':
      return node.parts.filter((part): part is Expression => typeof part !== 'string');
    case 'NamedExpression':
      return [node.value];
    case 'Yield':
      return node.value ? [node.value] : [];
    case 'Shell':
    case 'Magic':
      return node.holes;
  }
}
