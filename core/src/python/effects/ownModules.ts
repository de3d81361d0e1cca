// A module beside the notebook may keep something: a counter, a list, what it has loaded. Each step imports such a module anew, so what earlier steps
// have left in it has to travel. This module finds, in the source of the notebook's own modules, what they keep, and which of their functions
// and classes read and change it.
import { findFunctionScope, targetNames } from '../names.js';
import { localNames } from '../scope.js';
import { blocksOf, findStarModules } from '../stars.js';
import type { ClassDefinition, Expression, FunctionDefinition, Node, ParsedCell, Statement } from '../syntax.js';
import { changedArgument } from './tables/functions.js';
import { isContainer, isRandom, methodEffect } from './tables/methods.js';

export interface OwnSource {
  readonly parsed: ParsedCell;
  readonly isPackage: boolean;
}

/** What a function or class of a module reads and changes, itself or through others: dotted names. */
export interface OwnMember {
  readonly reads: readonly string[];
  readonly changes: readonly string[];
}

export interface OwnModules {
  /** what makes each thing that the modules keep and their functions change, by its dotted name; empty where it is plain or unknown */
  readonly kept: Readonly<Record<string, string>>;
  /** by dotted name; those that have nothing to do with what is kept are left out */
  readonly members: Readonly<Record<string, OwnMember>>;
}

/** The maker of a function that keeps something for itself. */
export const keepsForItself = 'keeps for itself';

export const noOwnModules: OwnModules = { kept: {}, members: {} };

const importsOf = new WeakMap<ParsedCell, readonly string[]>();

/** The modules that a cell imports, in functions as well, and with `from a import b` also `a.b`, which may be one. */
export function importedModules(parsed: ParsedCell): readonly string[] {
  if (!parsed.source.includes('import')) return []; // most cells do not, and that is seen without looking at all of their syntax
  let imports = importsOf.get(parsed);
  if (!imports) importsOf.set(parsed, (imports = importsIn(parsed, '', false)));
  return imports;
}

/** The same of a module's source. */
export function importsIn(parsed: ParsedCell, module: string, isPackage: boolean): readonly string[] {
  const found = new Set<string>(findStarModules(parsed).map(name => absolute(name, module, isPackage)));
  for (const node of statementsIn(parsed.body))
    if (node.type === 'Import') for (const { module: name } of node.names) found.add(name);
    else if (node.type === 'ImportFrom') {
      const from = absolute(node.module, module, isPackage);
      found.add(from);
      for (const { name } of node.names) if (name !== '*') found.add(`${from}.${name}`);
    }
  return [...found];
}

/** `..parts` in the module `shop.items.base` is `shop.parts`. */
export function absolute(module: string, importer: string, isPackage: boolean): string {
  const dots = /^\.*/.exec(module)![0].length;
  if (dots === 0) return module;
  const parts = importer.split('.');
  const base = parts.slice(0, parts.length - dots + (isPackage ? 1 : 0));
  return [...base, module.slice(dots)].filter(part => part !== '').join('.');
}

/** `modules` are all that lie beside the notebook and that it imports, itself or through others. */
export function findOwnModules(modules: ReadonlyMap<string, OwnSource>): OwnModules {
  const found = [...modules].map(([name, source]) => new ModuleReader(name, source, modules));
  const members = new Map(found.flatMap(module => module.readMembers()));
  const aliases = new Map(
    found.flatMap(({ name, imports }) => [...imports].map(([as, path]) => [`${name}.${as}`, path]))
  );
  const meant = (path: string): string => {
    let [at, hops] = [path, 0];
    while (aliases.has(at) && hops++ < 10) at = aliases.get(at)!;
    return at;
  };
  const makers = new Map(
    found.flatMap(({ name, makers }) => [...makers].map(([path, maker]) => [`${name}.${path}`, meant(maker)]))
  );
  const isAmong = (which: 'classes' | 'factories', path: string): boolean =>
    found.some(module => module[which].has(path));
  for (const [path, maker] of makers)
    if (isAmong('factories', maker)) {
      makers.set(path, keepsForItself);
      members.set(path, { reads: new Set(), changes: new Set([path]) });
    }
  const total = new Map([...members.keys()].map(path => [path, reach(path, members, meant)]));
  for (const [alias] of aliases) {
    const known = total.get(meant(alias));
    if (known) total.set(alias, known);
  }
  const isOwn = (path: string): boolean => !aliases.has(path) && found.some(({ name }) => path.startsWith(`${name}.`));
  // an instance of one's own class is changed by its methods, whoever calls them
  const instances = [...makers].filter(([, maker]) => isAmong('classes', maker));
  const changed = new Set([...total.values()].flatMap(({ changes }) => [...changes].filter(isOwn)));
  for (const [path] of instances) changed.add(path);
  return {
    kept: Object.fromEntries([...changed].sort().map(path => [path, makers.get(path) ?? ''])),
    members: Object.fromEntries(
      [...total].flatMap(([path, { reads, changes }]) => {
        const [read, written] = [reads, changes].map(names => [...names].filter(name => changed.has(name)));
        return read!.length + written!.length === 0 ? [] : [[path, { reads: read!, changes: written! }]];
      })
    )
  };
}

/** Dotted names that one function or class refers to, and those that it changes. */
interface Touched {
  readonly reads: Set<string>;
  readonly changes: Set<string>;
}

/** What a member reads and changes together with all that it refers to. */
function reach(start: string, members: ReadonlyMap<string, Touched>, meant: (path: string) => string): Touched {
  const all: Touched = { reads: new Set(), changes: new Set() };
  const seen = new Set([start]);
  for (const path of seen) {
    for (const name of members.get(path)?.changes ?? []) all.changes.add(meant(name));
    for (const name of members.get(path)?.reads ?? []) {
      const other = meant(name);
      all.reads.add(other);
      if (members.has(other)) seen.add(other);
    }
  }
  return all;
}

class ModuleReader {
  /** what stands for another module, or something in it */
  readonly imports = new Map<string, string>();
  /** what makes what the module's names, and those of its classes, are bound to first */
  readonly makers = new Map<string, string>();
  /** dotted names */
  readonly classes = new Set<string>();
  /** dotted names of functions that give others which keep something for themselves */
  readonly factories = new Set<string>();
  private readonly definitions = new Map<string, FunctionDefinition | ClassDefinition>();

  constructor(
    readonly name: string,
    private readonly source: OwnSource,
    private readonly modules: ReadonlyMap<string, OwnSource>
  ) {
    this.readBlock(source.parsed.body, '');
  }

  readMembers(): [string, Touched][] {
    return [...this.definitions].map(([name, node]) => [`${this.name}.${name}`, this.readMember(node)]);
  }

  private readBlock(body: readonly Statement[], prefix: string): void {
    for (const statement of body) {
      if (statement.type === 'Assign')
        for (const target of statement.targets.flatMap(targetNames)) this.note(prefix + target, statement.value);
      else if (statement.type === 'AnnotatedAssign' && statement.value)
        for (const target of targetNames(statement.target)) this.note(prefix + target, statement.value);
      else if (prefix !== '') continue;
      else if (statement.type === 'FunctionDefinition') {
        this.definitions.set(statement.name.id, statement);
        if ([...statementsIn(statement.body)].some(({ type }) => type === 'Nonlocal'))
          this.factories.add(`${this.name}.${statement.name.id}`);
      } else if (statement.type === 'ClassDefinition') {
        this.definitions.set(statement.name.id, statement);
        this.classes.add(`${this.name}.${statement.name.id}`);
        this.readBlock(statement.body, `${statement.name.id}.`);
      } else if (statement.type === 'Import')
        for (const { module, alias } of statement.names)
          if (alias !== undefined || !module.includes('.')) this.imports.set(alias ?? module, module);
          else this.imports.set(module.split('.')[0]!, module.split('.')[0]!);
      else if (statement.type === 'ImportFrom')
        for (const { name, alias } of statement.names)
          this.imports.set(alias ?? name, `${absolute(statement.module, this.name, this.source.isPackage)}.${name}`);
      else for (const block of blocksOf(statement)) this.readBlock(block, prefix);
    }
  }

  private note(path: string, value: Expression): void {
    if (!this.makers.has(path)) this.makers.set(path, this.makerOf(value));
  }

  private makerOf(value: Expression): string {
    if (value.type === 'Collection' || value.type === 'Comprehension') return value.kind;
    if (value.type !== 'Call') return '';
    const path = this.pathOf(value.func, new Set()) ?? '';
    return /^builtins\.(list|dict|set)$/.test(path) ? path.slice('builtins.'.length) : path;
  }

  private readMember(member: FunctionDefinition | ClassDefinition): Touched {
    const touched: Touched = { reads: new Set(), changes: new Set() };
    const self = member.type === 'ClassDefinition' ? member.name.id : undefined;
    const change = (node: Expression, locals: ReadonlySet<string>): void => {
      const path = this.keptAt(node, locals, self);
      // `self.count = 1` makes an attribute of the instance
      if (path !== undefined && !isOfSelf(node)) touched.changes.add(path);
    };
    const visit = (node: Node, outer: ReadonlySet<string>): void => {
      let locals = outer;
      if (isOf(node, 'FunctionDefinition') || isOf(node, 'Lambda')) {
        const scope = findFunctionScope(node);
        locals = new Set([...outer, ...localNames(scope)].filter(name => !scope.globals.has(name)));
        for (const name of scope.globals) if (scope.bindings.has(name)) touched.changes.add(`${this.name}.${name}`);
      }
      if (isOf(node, 'Assign') || isOf(node, 'Delete'))
        node.targets.filter(isPart).forEach(target => change(target, locals));
      if ((isOf(node, 'AugmentedAssign') || isOf(node, 'AnnotatedAssign')) && isPart(node.target))
        change(node.target, locals);
      if (isOf(node, 'Call'))
        for (const changed of this.changedBy(node, locals, self)) {
          const path = this.keptAt(changed, locals, self);
          if (path !== undefined) touched.changes.add(path);
        }
      if (isOf(node, 'Name') || isOf(node, 'Attribute')) {
        const path = this.keptAt(node, locals, self) ?? this.pathOf(node, locals);
        if (path !== undefined) touched.reads.add(path);
      }
      for (const child of childrenOf(node)) visit(child, locals);
    };
    visit(member, new Set());
    return touched;
  }

  /** The expressions whose objects a call changes. */
  private changedBy(
    { func, args }: Node & { func: Expression; args: readonly Expression[] },
    locals: ReadonlySet<string>,
    self?: string
  ): Expression[] {
    const index = changedArgument(this.pathOf(func, locals) ?? '');
    const changed = index === undefined ? undefined : args[index];
    const maker =
      func.type === 'Attribute'
        ? this.makers.get((this.keptAt(func.value, locals, self) ?? '').slice(this.name.length + 1))
        : undefined;
    const isOwn = maker?.startsWith(`${this.name}.`) === true;
    const isChanging =
      func.type === 'Attribute' &&
      (isOwn || isRandom(maker) || changing.test(methodEffect(func.attr, maker || undefined) ?? ''));
    return [...(changed ? [changed] : []), ...(isChanging ? [func.value] : [])];
  }

  /** The dotted name of what a module keeps that this expression is, or is a part of: `settings["a"].b`, `Registry.items[0]`, `cls.items`. */
  private keptAt(node: Expression, locals: ReadonlySet<string>, self?: string): string | undefined {
    if (node.type === 'Subscript') return this.keptAt(node.value, locals, self);
    if (node.type === 'Attribute') {
      const { value } = node;
      const base = this.pathOf(value, locals);
      if (base !== undefined && this.modules.has(base)) return `${base}.${node.attr}`;
      if (value.type === 'Name') {
        const owner =
          self !== undefined && /^(cls|self)$/.test(value.id) ? self : locals.has(value.id) ? undefined : value.id;
        if (owner !== undefined && (value.id !== 'self' || isContainer(this.makers.get(`${owner}.${node.attr}`)))) {
          if (this.definitions.has(owner)) return `${this.name}.${owner}.${node.attr}`;
          const from = this.imports.get(owner);
          if (from !== undefined) return `${from}.${node.attr}`;
        }
      }
      return this.keptAt(value, locals, self);
    }
    if (node.type !== 'Name' || locals.has(node.id)) return undefined;
    return this.makers.has(node.id) ? `${this.name}.${node.id}` : this.imports.get(node.id);
  }

  /** `np.random.default_rng`, `helpers.load`, and of this module `helpers.save`: what a name with its attributes stands for. */
  private pathOf(node: Expression, locals: ReadonlySet<string>): string | undefined {
    if (node.type === 'Attribute') {
      const base = this.pathOf(node.value, locals);
      return base === undefined ? undefined : `${base}.${node.attr}`;
    }
    if (node.type !== 'Name' || locals.has(node.id)) return undefined;
    const isOurs = this.definitions.has(node.id) || this.makers.has(node.id);
    return this.imports.get(node.id) ?? `${isOurs ? this.name : 'builtins'}.${node.id}`;
  }
}

const changing = /^(changes|stores|takes|fits)$/;

const isOfSelf = (node: Expression): boolean =>
  node.type === 'Attribute' && node.value.type === 'Name' && node.value.id === 'self';

const isPart = (target: Expression): boolean => target.type === 'Attribute' || target.type === 'Subscript';

type Any = Statement | Expression;

const isOf = <T extends Any['type']>(node: Node, type: T): node is Extract<Any, { readonly type: T }> =>
  (node as Any).type === type;

/** Those in functions and classes as well. */
function* statementsIn(body: readonly Statement[]): Generator<Statement> {
  for (const statement of body) {
    yield statement;
    const isScope = statement.type === 'FunctionDefinition' || statement.type === 'ClassDefinition';
    for (const block of isScope ? [statement.body] : blocksOf(statement)) yield* statementsIn(block);
  }
}

/** The nodes right below, also those in records without a type of their own, such as parameters and handlers. */
function* childrenOf(value: object): Generator<Node> {
  for (const part of Object.values(value) as unknown[])
    if (typeof part === 'object' && part !== null)
      if ('type' in part && 'from' in part) yield part as Any;
      else yield* childrenOf(part);
}
