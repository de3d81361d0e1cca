// State that belongs to the whole process and to no name: random seeds, plot styles, options, the environment. Random
// states travel as values, under names that no variable can have; other settings are statements that later steps run again.
import { act } from './acts.js';
import { changeSlot } from './change.js';
import { allOf } from './functions.js';
import type { Arguments } from './arguments.js';
import { isKept, readKept, setKept } from './kept.js';
import type { Machine } from './machine.js';
import { deleteAttribute, isOfNotebook, ownerOf, readModuleAttribute, setAttribute } from './moduleAttributes.js';
import type { Attribute, Expression, Node, Statement, Subscript } from '../syntax.js';
import { isOwnName } from './ownNames.js';
import { bindGlobal } from './scopes.js';
import { prelude } from './slot.js';
import { changesContainer, drawsFrom, isAmbientObject, isStochastic, seeds, setsAmbient } from './tables/ambient.js';
import { closure, immutable } from './thing.js';
import type { Thing, Value } from './thing.js';

/** The name under which a random state is kept among the variables. */
export const stateName = (state: string): string => `@${state}`;

export const stateOf = (name: string): string | undefined => (name.startsWith('@') ? name.slice(1) : undefined);

/** `plt.rcParams[…] = …`, `os.environ[…] = …`, `pd.DataFrame.plus = plus`, and what `del` does to them */
export function setAmbient(machine: Machine, base: Value, target: Attribute | Subscript, value?: Value): void {
  if (!machine.statement) return;
  for (const { path } of base.things) {
    if (path === undefined) continue;
    if (target.type === 'Subscript') {
      if (!readModuleAttribute(machine, path, target) && !readKept(machine, path, target)) note(machine, path, target);
    } else setOnModule(machine, path, target.attr, value, target);
  }
}

function setOnModule(machine: Machine, path: string, attr: string, value: Value | undefined, node: Node): void {
  const full = `${path}.${attr}`;
  if (value && setKept(machine, full, value, node)) return;
  if (!value) deleteAttribute(machine, full, node);
  else if (setAttribute(machine, full, value, node, { isRepeatable: isRepeatable(machine) })) return act(machine);
  note(machine, path, node, { attribute: full });
}

/** `decimal.getcontext().prec = 6` */
export function setOwnedByProcess(machine: Machine, base: Value, target: Expression): void {
  for (const { madeBy } of base.things)
    if (madeBy !== undefined && isAmbientObject(madeBy)) note(machine, madeBy, target);
}

export function noteAmbientCall(machine: Machine, path: string, args: Arguments, node: Node): void {
  const seeded = seeds.get(path);
  if (seeded) bindGlobal(machine, stateName(seeded), immutable, node);
  else {
    const isSeeded = args.keywords.some(({ name, value }) => name === 'random_state' && value.constant?.value !== null);
    const state = drawsFrom(path, isSeeded);
    if (state) draw(machine, state, node);
    if (/^sklearn\./.test(path) && isLower(path)) drawForLearners(machine, allOf(args), node);
  }
  if (
    setsAmbient(path) ||
    (changesContainer(path, node === machine.dropped) &&
      !isOfNotebook(machine, path) &&
      !isKept(machine, ownerOf(path)))
  )
    note(machine, path, node);
  if (path === 'builtins.setattr' || path === 'builtins.delattr') setOn(machine, args, node);
}

/** `setattr(json, "dumps", mine)` */
function setOn(machine: Machine, { positional: [base, name, value] }: Arguments, node: Node): void {
  const attr = name?.constant?.value;
  if (base && value && typeof attr === 'string' && isOwnName(base, attr)) bindGlobal(machine, attr, value, node);
  else
    for (const { path } of base?.things ?? [])
      if (path !== undefined)
        if (typeof attr === 'string') setOnModule(machine, path, attr, value, node);
        else note(machine, path, node);
}

const isLower = (path: string): boolean => /\.[a-z_]\w*$/.test(path);

/** A method of a library's object: fitting a random forest draws, and so does `df.sample()`. */
export function noteAmbientMethod(machine: Machine, base: Value, name: string, args: Arguments, node: Node): void {
  if (/^(fit|fit_transform|fit_predict|partial_fit|split|fit_resample|score)$/.test(name))
    drawForLearners(machine, [base], node);
  const isSeeded = args.keywords.some(
    ({ name: keyword, value }) => keyword === 'random_state' && value.constant?.value !== null
  );
  if (
    (name === 'sample' || name === 'rvs') &&
    !isSeeded &&
    base.things.some(({ madeBy }) => !madeBy?.startsWith('numpy.random'))
  )
    draw(machine, 'numpy.random', node);
  for (const { madeBy } of base.things)
    if (madeBy !== undefined && isAmbientObject(madeBy) && /^(set|add|remove|clear|enable|disable)\w*$/.test(name))
      note(machine, madeBy, node);
  if (name === '__enter__')
    for (const { madeBy } of base.things) if (madeBy?.includes('.')) note(machine, madeBy, node, { isPlain: false });
  if (/^(start|stop)$/.test(name) && base.things.some(({ madeBy }) => madeBy?.startsWith('unittest.mock.patch')))
    note(machine, 'unittest.mock.patch', node, { isPlain: false });
}

function drawForLearners(machine: Machine, values: readonly Value[], node: Node): void {
  const isDrawing = (thing: Thing): boolean =>
    thing.madeBy !== undefined && !thing.isSeeded && isStochastic(thing.madeBy);
  if (values.some(value => [...closure(value)].some(isDrawing))) draw(machine, 'numpy.random', node);
}

/** Drawing reads the state and changes it; where nothing ever seeded it there is nothing to keep. */
function draw(machine: Machine, state: string, node: Node): void {
  const slot = machine.slotOf(stateName(state));
  if (!slot) return;
  machine.need(slot, machine.place(node), machine.certainty);
  changeSlot(machine, slot, node, false);
}

/** The running statement of the notebook sets something that later steps must set again. */
export function note(
  machine: Machine,
  topic: string,
  node: Node,
  { isPlain = true, attribute }: { readonly isPlain?: boolean; readonly attribute?: string } = {}
): void {
  if (machine.step === prelude || !machine.statement) return;
  const { step } = machine;
  act(machine);
  const isCall = isAllOf(node, machine);
  machine.reading.addSetting({
    topic,
    step,
    unit: isCall ? machine.place(node) : machine.unit,
    range: machine.place(node),
    reads: machine.unitReads,
    isPlain: isPlain && (isCall || isRepeatable(machine)),
    ...(attribute === undefined ? {} : { attribute })
  });
}

/** `old = np.seterr(…)`: later steps repeat the call without binding the name. */
const isAllOf = (node: Node, { statement, frame }: Machine): boolean =>
  !frame && statement?.type === 'Assign' && statement.value === node;

/** Whether the running statement of the notebook does nothing but set things. */
const isRepeatable = (machine: Machine): boolean =>
  machine.isPlainUnit && machine.running.every(({ info }) => isPlainBody(info.node.body));

/** Whether a statement binds no name but that of a definition, and gives nothing: it can run again elsewhere for what it sets. */
export function isPlainStatement(node: Statement): boolean {
  const isPart = (target: Expression): boolean => target.type === 'Attribute' || target.type === 'Subscript';
  switch (node.type) {
    case 'Expression':
      return node.value.type === 'Call' || node.value.type === 'Magic' || node.value.type === 'Constant';
    case 'Assign':
      return node.targets.every(isPart);
    case 'AugmentedAssign':
      return isPart(node.target);
    case 'Delete':
      return node.targets.every(isPart);
    case 'If':
    case 'For':
      return isPlainBody([...node.body, ...node.orElse]);
    case 'Try':
      return isPlainBody([...node.body, ...node.handlers.flatMap(({ body }) => body), ...node.orElse, ...node.finally]);
    default:
      return /^(Import|ImportFrom|FunctionDefinition|ClassDefinition|Pass|Return)$/.test(node.type);
  }
}

function isPlainBody(body: readonly Statement[] | Expression): boolean {
  return !('type' in body) && body.every(isPlainStatement);
}
