// CPython's own parser judges the syntax tree: on the standard library's files, every statement must have the same shape,
// names, values and places. SLUICE_FULL=1 takes all files, the default every 25th.
// Places are as CPython 3.8 and later count them; f-strings, which it counts since 3.12, are compared without.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseCell } from '../../src/python/parse';
import type { Expression, Parameters, Statement } from '../../src/python/syntax';
import { parser } from './python';

interface Truth {
  readonly path: string;
  readonly source: string;
  /** line and digest of each top-level statement: see scripts/ast_truth.py */
  readonly statements: readonly [number, string][];
}

const root = join(__dirname, '../../..');
const venv = join(root, '.venv/bin/python');
const python = existsSync(venv) ? venv : 'python3';
const script = join(root, 'scripts/ast_truth.py');

// From 3.12 on the standard library has syntax (type parameters) that the script does not write down.
const version = execFileSync(python, ['-c', 'import sys; print(sys.version_info[1])']).toString();
const testHere = Number(version) < 12 ? test : test.skip;

/** What stays different, and why. */
const gaps: Readonly<Record<string, string>> = {
  'lib2to3/tests/data/py3_test_grammar.py': 'the grammar takes a & b ^ c for a & (b ^ c)',
  'test/test_grammar.py': 'the grammar takes a & b ^ c for a & (b ^ c)',
  'test/test_compile.py': 'an attribute behind a line break that is indented less than its statement',
  'test/test_print.py': 'print >> file is refused: it raises when it runs'
};

testHere(
  'every statement of the standard library is what CPython parses',
  async () => {
    const parse = await parser();
    const output = execFileSync(python, [script, process.env.SLUICE_FULL ? '1' : '25'], { maxBuffer: 2 ** 30 });
    const different: string[] = [];
    let equal = 0;
    for (const line of output.toString().trimEnd().split('\n')) {
      const { path, source, statements } = JSON.parse(line) as Truth;
      if (Object.hasOwn(gaps, path)) continue;
      const { body, errors } = parseCell(parse, source);
      const digests = body.map(statement => digest(statement));
      const wrong = statements.find(([, expected], i) => digests[i] !== expected);
      if (!wrong && errors.length === 0 && body.length === statements.length) equal++;
      else different.push(`${path} ${wrong?.[0]} ${errors[0]?.message ?? ''}`);
      if (wrong && process.env.SLUICE_SHOW) show(path, wrong![0], body[statements.indexOf(wrong!)]!);
    }
    process.stdout.write(`ast: ${equal} equal, ${different.length} different\n`);
    expect(different).toEqual([]);
    expect(equal).toBeGreaterThan(15);
  },
  300_000
);

/** SLUICE_SHOW=1 prints where the two first part. */
function show(path: string, line: number, statement: Statement): void {
  const theirs = execFileSync(python, [script, '--show', path, String(line)], { maxBuffer: 2 ** 30 }).toString();
  const ours = JSON.stringify(canonStatement(statement));
  let i = 0;
  while (ours[i] === theirs[i]) i++;
  process.stdout.write(
    `ours   ${ours.slice(Math.max(0, i - 80), i + 120)}\ntheirs ${theirs.slice(Math.max(0, i - 80), i + 120)}\n`
  );
}

function digest(statement: Statement): string {
  return createHash('sha1')
    .update(JSON.stringify(canonStatement(statement)))
    .digest('hex');
}

/** Offsets inside f-strings are not compared: Python 3.11 has them wrong. */
let formatted = 0;

const span = ({ from, to }: { from: number; to: number }): [number, number] => (formatted ? [0, 0] : [from, to]);

function canonStatement(node: Statement): unknown {
  switch (node.type) {
    case 'Assign':
      return ['Assign', all(node.targets), one(node.value), span(node)];
    case 'AugmentedAssign':
      return ['Aug', one(node.target), node.operator, one(node.value), span(node)];
    case 'AnnotatedAssign':
      return ['Ann', one(node.target), one(node.annotation), one(node.value), span(node)];
    case 'Delete':
      return ['Delete', all(node.targets), span(node)];
    case 'Expression':
      return ['Expr', one(node.value)];
    case 'Return':
      return ['Return', one(node.value), span(node)];
    case 'Raise':
      return ['Raise', one(node.exception), one(node.cause), span(node)];
    case 'Assert':
      return ['Assert', one(node.test), one(node.message), span(node)];
    case 'Global':
    case 'Nonlocal':
      return [node.type, node.names];
    case 'Import':
      return ['Import', node.names.map(({ module, alias, range }) => [module, alias ?? null, span(range)]), span(node)];
    case 'ImportFrom': {
      const names = node.names.map(({ name, alias, range }) => [name, alias ?? null, span(range)]);
      return ['ImportFrom', node.module, names, span(node)];
    }
    case 'If':
    case 'While':
      return [node.type, one(node.test), block(node.body), block(node.orElse), span(node)];
    case 'For':
      return [
        'For',
        node.isAsync,
        one(node.target),
        one(node.iterable),
        block(node.body),
        block(node.orElse),
        span(node)
      ];
    case 'Try': {
      const handlers = node.handlers.map(handler => [
        one(handler.exception),
        handler.name?.id ?? null,
        block(handler.body),
        span(handler)
      ]);
      return ['Try', block(node.body), handlers, block(node.orElse), block(node.finally), span(node)];
    }
    case 'With':
      return [
        'With',
        node.isAsync,
        node.items.map(item => [one(item.context), one(item.target)]),
        block(node.body),
        span(node)
      ];
    case 'Match': {
      const cases = node.cases.map(({ reads, captures, isIrrefutable, guard, body }) => [
        all(reads),
        captures.map(({ id }) => id),
        isIrrefutable,
        one(guard),
        block(body)
      ]);
      return ['Match', one(node.subject), cases, span(node)];
    }
    case 'FunctionDefinition': {
      const parts = [all(node.decorators), parameters(node), one(node.returns), block(node.body)];
      return ['Def', node.isAsync, node.name.id, ...parts, span(node)[1]];
    }
    case 'ClassDefinition': {
      const parts = [all(node.decorators), all(node.bases), keywords(node.keywords), block(node.body)];
      return ['Class', node.name.id, ...parts, span(node)[1]];
    }
    case 'Pass':
    case 'Break':
    case 'Continue':
      return [node.type, span(node)];
    default:
      return node.type;
  }
}

function one(node: Expression | undefined): unknown {
  if (!node) return null;
  switch (node.type) {
    case 'Name':
      return [node.id, ...span(node)];
    case 'Constant': {
      const isText = node.kind === 'str' || node.kind === 'bytes';
      const isTold = node.kind === 'bool' || node.kind === 'none' || node.kind === 'int';
      return [
        'Constant',
        node.kind,
        isText ? numberOf(String(node.value)) : isTold ? (node.value ?? null) : null,
        span(node)
      ];
    }
    case 'Attribute':
      return ['Attribute', one(node.value), node.attr, span(node)];
    case 'Subscript':
      return ['Subscript', one(node.value), one(node.index), span(node)];
    case 'Call':
      return ['Call', one(node.func), all(node.args), keywords(node.keywords), span(node)];
    case 'Lambda':
      return ['Lambda', parameters(node), one(node.body), span(node)];
    case 'Comprehension': {
      const generators = node.generators.map(({ target, iterable, conditions, isAsync }) => [
        one(target),
        one(iterable),
        all(conditions),
        isAsync
      ]);
      return ['Comprehension', node.kind, all(node.elements), generators, span(node)];
    }
    case 'Collection':
      return ['Collection', node.kind, all(node.elements)];
    case 'BinaryOperation':
      return ['Binary', node.operator, one(node.left), one(node.right)];
    case 'Operation':
      return ['Operation', node.operator, all(node.operands)];
    case 'Conditional':
      return ['Conditional', one(node.test), one(node.body), one(node.orElse)];
    case 'FormattedString': {
      formatted++;
      const holes = node.parts.filter(part => typeof part !== 'string').map(one);
      formatted--;
      return ['Formatted', holes];
    }
    case 'NamedExpression':
      return ['Named', one(node.target), one(node.value)];
    case 'Starred':
      return ['Starred', one(node.value)];
    case 'Await':
      return ['Await', one(node.value)];
    case 'Yield':
      return ['Yield', node.isFrom, one(node.value)];
    default:
      return node.type;
  }
}

function all(nodes: readonly Expression[]): unknown[] {
  return nodes.map(one);
}

function block(body: readonly Statement[]): unknown[] {
  return body.map(canonStatement);
}

function keywords(items: readonly { readonly name?: string; readonly value: Expression }[]): unknown[] {
  return items.map(({ name, value }) => [name ?? null, one(value)]);
}

function parameters(node: Parameters): unknown[] {
  return node.parameters.map(({ name, kind, annotation, default: value }) => [name, kind, one(annotation), one(value)]);
}

function numberOf(text: string): number {
  let number = 7;
  for (let i = 0; i < text.length; i++) number = (number * 31 + text.charCodeAt(i)) % 1000003;
  return number;
}
