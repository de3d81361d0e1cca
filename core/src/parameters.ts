// Parameters of a pipeline are typed from the literals that a parameters cell assigns: `-1`, `10**3`, lists, dicts, None.
import type { JsonValue, ParameterType } from './pipeline.js';
import { foldBinary } from './python/effects/fold.js';
import type { Expression, Statement } from './python/syntax.js';

/** A literal as JSON; undefined where the expression is none. Sets and tuples are none: JSON has only lists. */
function literalValue(node: Expression): JsonValue | undefined {
  switch (node.type) {
    case 'Constant':
      return /^(int|float|str|bool|none)$/.test(node.kind) ? node.value : undefined;
    case 'Operation':
      return foldSign(node.operator, node.operands.map(literalValue));
    case 'BinaryOperation':
      return foldArithmetic(node.operator, literalValue(node.left), literalValue(node.right));
    case 'Collection':
      return literalCollection(node.kind, node.elements);
    case 'FormattedString':
      return node.parts.every(part => typeof part === 'string') ? node.parts.join('') : undefined;
    default:
      return undefined;
  }
}

function foldSign(operator: string, operands: readonly (JsonValue | undefined)[]): JsonValue | undefined {
  const [only] = operands;
  if (operands.length !== 1 || typeof only !== 'number') return undefined;
  if (operator === '-') return -only;
  return operator === '+' ? only : undefined;
}

function foldArithmetic(
  operator: string,
  left: JsonValue | undefined,
  right: JsonValue | undefined
): JsonValue | undefined {
  if (typeof left === 'number' && typeof right === 'number' && operator === '/')
    return right === 0 ? undefined : left / right;
  if (operator === '*' && typeof right === 'number' && (Array.isArray(left) || typeof left === 'string'))
    return repeat(left, right);
  if (!isScalar(left) || !isScalar(right)) return undefined;
  const folded = foldBinary(operator, { value: left }, { value: right })?.value;
  // Python's whole numbers have no end; JSON's do.
  return typeof folded === 'number' && Math.abs(folded) > Number.MAX_SAFE_INTEGER ? undefined : folded;
}

/** More than this is not a parameter that a person sets. */
const mostRepeated = 10_000;

function repeat(value: string | readonly JsonValue[], times: number): JsonValue | undefined {
  if (!Number.isInteger(times) || value.length * times > mostRepeated) return undefined;
  const count = Math.max(0, times); // as in Python, less than once is none
  return typeof value === 'string' ? value.repeat(count) : Array.from({ length: count }, () => value).flat();
}

const isScalar = (value: JsonValue | undefined): value is string | number =>
  typeof value === 'string' || typeof value === 'number';

function literalCollection(kind: string, elements: readonly Expression[]): JsonValue | undefined {
  if (kind === 'set' || kind === 'tuple') return undefined;
  const values = elements.map(literalValue);
  if (!values.every((value): value is JsonValue => value !== undefined)) return undefined;
  if (kind !== 'dict') return values;
  const entries: [string, JsonValue][] = [];
  for (let index = 0; index < values.length; index += 2) {
    const key = values[index];
    if (typeof key !== 'string') return undefined;
    entries.push([key, values[index + 1]!]);
  }
  return Object.fromEntries(entries);
}

export interface ParameterAssignment {
  readonly name: string;
  readonly type: ParameterType;
  readonly value: JsonValue;
  readonly isNullable: boolean;
  readonly exact?: string;
}

/** The parameter that a statement of a parameters cell makes; undefined where it makes none. */
export function readParameter(node: Statement): ParameterAssignment | undefined {
  if (node.type === 'Assign' && node.targets.length === 1) return toParameter(node.targets[0]!, node.value, undefined);
  if (node.type === 'AnnotatedAssign' && node.value) return toParameter(node.target, node.value, node.annotation);
  return undefined;
}

function toParameter(
  target: Expression,
  literal: Expression,
  annotation: Expression | undefined
): ParameterAssignment | undefined {
  if (target.type !== 'Name') return undefined;
  const value = literalValue(literal);
  if (value === undefined) return undefined;
  const annotated = annotation && annotatedType(annotation);
  const isFloat = literal.type !== 'Collection' && isFloatLiteral(literal);
  const type = annotated?.type ?? typeOf(value, isFloat);
  const isNullable = value === null || (annotated?.isNullable ?? false);
  return {
    name: target.id,
    type,
    value,
    isNullable,
    ...(isExact(literal, type) ? {} : { exact: printLiteral(literal) })
  };
}

/** Whether a number's JSON and its type say which of Python's numbers it is. In lists and dicts, nothing says that `1.0` is no whole number. */
function isExact(node: Expression, type: ParameterType | undefined): boolean {
  if (node.type === 'Collection') return node.elements.every(element => isExact(element, undefined));
  const value = literalValue(node);
  if (node.type === 'BinaryOperation' && Array.isArray(value)) return isExact(node.left, undefined);
  if (typeof value !== 'number') return true;
  const isFloat = type === undefined ? !Number.isInteger(value) : type === 'float';
  return !Object.is(value, -0) && isFloat === isFloatLiteral(node);
}

function printLiteral(node: Expression): string {
  switch (node.type) {
    case 'Operation':
      return `(${node.operator}${node.operands.map(printLiteral).join('')})`;
    case 'BinaryOperation':
      return `(${printLiteral(node.left)} ${node.operator} ${printLiteral(node.right)})`;
    case 'Collection': {
      const parts = node.elements.map(printLiteral);
      if (node.kind !== 'dict') return `[${parts.join(', ')}]`;
      return `{${parts.flatMap((part, i) => (i % 2 === 0 ? [`${part}: ${parts[i + 1]!}`] : [])).join(', ')}}`;
    }
    default: {
      const value = literalValue(node);
      return node.type === 'Constant' && typeof value !== 'string' ? node.text : JSON.stringify(value);
    }
  }
}

function typeOf(value: JsonValue, isFloat: boolean): ParameterType {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'number') return isFloat || !Number.isInteger(value) ? 'float' : 'integer';
  if (value === null || typeof value === 'string') return 'string';
  return Array.isArray(value) ? 'list' : 'dict';
}

/** `1.0` and `2 * 0.5` are floats although JavaScript cannot tell. */
function isFloatLiteral(node: Expression): boolean {
  if (node.type === 'Constant') return node.kind === 'float';
  if (node.type === 'BinaryOperation')
    return node.operator === '/' || isFloatLiteral(node.left) || isFloatLiteral(node.right);
  return node.type === 'Operation' && node.operands.some(isFloatLiteral);
}

const annotations: Readonly<Record<string, ParameterType>> = {
  int: 'integer',
  float: 'float',
  str: 'string',
  bool: 'boolean',
  list: 'list',
  List: 'list',
  tuple: 'list',
  Tuple: 'list',
  Sequence: 'list',
  dict: 'dict',
  Dict: 'dict',
  Mapping: 'dict'
};

function annotatedType(node: Expression): { type: ParameterType | undefined; isNullable: boolean } {
  if (node.type === 'Name') return { type: annotations[node.id], isNullable: false };
  if (node.type === 'Attribute') return { type: annotations[node.attr], isNullable: false };
  if (node.type === 'Subscript') {
    const base = annotatedType(node.value);
    const name = node.value.type === 'Name' ? node.value.id : node.value.type === 'Attribute' ? node.value.attr : '';
    return name === 'Optional' ? { type: annotatedType(node.index).type, isNullable: true } : base;
  }
  if (node.type === 'BinaryOperation' && node.operator === '|') {
    const sides = [node.left, node.right];
    const isNone = (side: Expression): boolean => side.type === 'Constant' && side.kind === 'none';
    const other = sides.find(side => !isNone(side));
    return { type: other && annotatedType(other).type, isNullable: sides.some(isNone) };
  }
  return { type: undefined, isNullable: false };
}
