// A scope is a module, class, function or what Python compiles to one (lambda, comprehension): the names it binds and
// reads itself, and, by looking outwards from it, where each name lives.
import type {
  ClassDefinition,
  Comprehension,
  FunctionDefinition,
  Lambda,
  MagicExpression,
  Node,
  TypeAlias
} from './syntax.js';

/** `timed` is the function into which `%timeit` puts its code: what that binds stays in it. */
export type ScopeKind = 'module' | 'class' | 'function' | 'lambda' | 'comprehension' | 'type-parameters' | 'timed';

export type ScopeNode =
  FunctionDefinition | ClassDefinition | Lambda | Comprehension | TypeAlias | MagicExpression | Node;

export interface Binding extends Node {
  /** `augmented` (`x += 1`) reads the name too; `annotated` (`x: int`) gives it no value; `walrus` is `:=` in a comprehension */
  readonly kind:
    | 'assigned'
    | 'augmented'
    | 'annotated'
    | 'walrus'
    | 'deleted'
    | 'parameter'
    | 'import'
    | 'function'
    | 'class'
    | 'type'
    | 'type-parameter';
}

export interface Scope {
  readonly kind: ScopeKind;
  /** as CPython names it: `top`, `lambda`, `listcomp`, or the function's or class's own name */
  readonly name: string;
  /** undefined for the module */
  readonly node?: ScopeNode;
  readonly parent?: Scope;
  readonly children: readonly Scope[];
  /** names bound or deleted here, with the places in source order; those declared `global` and `nonlocal` included */
  readonly bindings: ReadonlyMap<string, readonly Binding[]>;
  /** names read here, with the places in source order */
  readonly references: ReadonlyMap<string, readonly Node[]>;
  readonly globals: ReadonlySet<string>;
  readonly nonlocals: ReadonlySet<string>;
  /** whether it yields */
  readonly isGenerator: boolean;
}

/** What Python's compiler calls a function's local names: those that it binds and does not declare to be another scope's. */
export function localNames({ bindings, globals, nonlocals }: Scope): ReadonlySet<string> {
  return new Set([...bindings.keys()].filter(name => !globals.has(name) && !nonlocals.has(name)));
}

/** The scope in which `scope` finds a name. The module's is the answer also where nothing binds it: it may be a builtin. */
export function resolveName(scope: Scope, name: string): Scope {
  if (scope.globals.has(name)) return moduleOf(scope);
  if (scope.bindings.has(name) && !scope.nonlocals.has(name)) return scope;
  return resolveOutside(scope, name);
}

/**
 * Names that a scope and those inside it find in a function around it: what makes a function a closure. Names that they
 * find in the module are in `globalNames`.
 */
export function freeNames(scope: Scope): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [name, found] of lookups(scope)) if (found.kind !== 'module' && !isWithin(found, scope)) names.add(name);
  return names;
}

/** Names that a scope and those inside it find in the module, or among the builtins. */
export function globalNames(scope: Scope): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [name, found] of lookups(scope)) if (found.kind === 'module') names.add(name);
  return names;
}

/** Inside class `C`, `__x` is another name: `_C__x`. */
export function mangleName(name: string, className: string | undefined): string {
  const isPrivate = name.startsWith('__') && !name.endsWith('__') && !name.includes('.');
  const stripped = className?.replace(/^_+/, '');
  return isPrivate && stripped ? `_${stripped}${name}` : name;
}

function resolveOutside(scope: Scope, name: string): Scope {
  for (let around = scope.parent; around; around = around.parent) {
    if (around.kind === 'module') return around;
    if (around.kind === 'class') {
      if (name === '__class__' || sees(scope, around, name)) return around;
      continue;
    }
    if (around.globals.has(name)) return moduleOf(around);
    if (around.bindings.has(name) && !around.nonlocals.has(name)) return around;
  }
  return scope;
}

/** A class's names are hidden from what is inside it, but for the scopes of type parameters (PEP 695). */
function sees(scope: Scope, around: Scope, name: string): boolean {
  return scope.kind === 'type-parameters' && scope.parent === around && around.bindings.has(name);
}

function moduleOf(scope: Scope): Scope {
  let module = scope;
  while (module.parent) module = module.parent;
  return module;
}

/** Every name that a scope and those inside it mention, with the scope in which it is found. */
function* lookups(scope: Scope): Generator<[name: string, found: Scope]> {
  for (const name of scope.references.keys()) yield [name, resolveName(scope, name)];
  for (const name of scope.bindings.keys()) yield [name, resolveName(scope, name)];
  for (const child of scope.children) yield* lookups(child);
}

function isWithin(inner: Scope, outer: Scope): boolean {
  for (let scope: Scope | undefined = inner; scope; scope = scope.parent) if (scope === outer) return true;
  return false;
}
