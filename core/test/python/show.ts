// Syntax trees as short text for tests: Python with everything in its place, and IPython's commands in brackets.
import type { Expression, Parameters, Statement } from '../../src/python/syntax';

export function show(body: readonly Statement[]): string {
  return body.map(showStatement).join('; ');
}

function showStatement(node: Statement): string {
  switch (node.type) {
    case 'Assign':
      return [...node.targets, node.value].map(showExpression).join(' = ');
    case 'AugmentedAssign':
      return `${showExpression(node.target)} ${node.operator}= ${showExpression(node.value)}`;
    case 'AnnotatedAssign':
      return `${showExpression(node.target)}: ${showExpression(node.annotation)}${maybe(' = ', node.value)}`;
    case 'Delete':
      return `del ${list(node.targets)}`;
    case 'Expression':
      return showExpression(node.value) + (node.isShown ? '' : ' (quiet)');
    case 'Return':
      return `return${maybe(' ', node.value)}`;
    case 'Raise':
      return `raise${maybe(' ', node.exception)}${maybe(' from ', node.cause)}`;
    case 'Assert':
      return `assert ${showExpression(node.test)}${maybe(', ', node.message)}`;
    case 'Global':
    case 'Nonlocal':
      return `${node.type.toLowerCase()} ${node.names.join(', ')}`;
    case 'Import':
      return `import ${node.names.map(({ module, alias }) => module + (alias ? ` as ${alias}` : '')).join(', ')}`;
    case 'ImportFrom':
      return `from ${node.module} import ${node.names.map(({ name, alias }) => name + (alias ? ` as ${alias}` : '')).join(', ')}`;
    case 'If':
      return `if ${showExpression(node.test)}: ${show(node.body)}${block(' else', node.orElse)}`;
    case 'For':
      return `${node.isAsync ? 'async ' : ''}for ${showExpression(node.target)} in ${showExpression(node.iterable)}: ${show(node.body)}${block(' else', node.orElse)}`;
    case 'While':
      return `while ${showExpression(node.test)}: ${show(node.body)}${block(' else', node.orElse)}`;
    case 'Try': {
      const handlers = node.handlers.map(
        ({ exception, name, body }) => ` except${maybe(' ', exception)}${name ? ` as ${name.id}` : ''}: ${show(body)}`
      );
      return `try: ${show(node.body)}${handlers.join('')}${block(' else', node.orElse)}${block(' finally', node.finally)}`;
    }
    case 'With': {
      const items = node.items.map(({ context, target }) => showExpression(context) + maybe(' as ', target));
      return `${node.isAsync ? 'async ' : ''}with ${items.join(', ')}: ${show(node.body)}`;
    }
    case 'Match': {
      const cases = node.cases.map(
        ({ reads, captures, guard, isIrrefutable, body }) =>
          ` case reads(${list(reads)}) captures(${list(captures)})${isIrrefutable ? ' always' : ''}${maybe(' if ', guard)}: ${show(body)}`
      );
      return `match ${showExpression(node.subject)}:${cases.join('')}`;
    }
    case 'FunctionDefinition':
      return `${decorators(node)}${node.isAsync ? 'async ' : ''}def ${node.name.id}${typeParameters(node)}(${parameters(node)})${maybe(' -> ', node.returns)}: ${show(node.body)}`;
    case 'ClassDefinition': {
      const bases = [...node.bases.map(showExpression), ...node.keywords.map(showKeyword)];
      return `${decorators(node)}class ${node.name.id}${typeParameters(node)}(${bases.join(', ')}): ${show(node.body)}`;
    }
    case 'TypeAlias':
      return `type ${node.name.id}${typeParameters(node)} = ${showExpression(node.value)}`;
    case 'CellMagic': {
      const head = ['CellMagic', node.name, node.arguments].join(' ').trim();
      const isPython = node.body !== undefined && !node.arguments.includes(' = ');
      if (!node.body && node.holes.length > 0) return `[${head}: ${node.holes.map(showExpression).join(' ')}]`;
      return node.body ? `[${isPython ? head : `CellMagic ${node.name}`}: [${show(node.body)}]]` : `[${head}]`;
    }
    case 'Help':
      return '[Help]';
    default:
      return node.type.toLowerCase();
  }
}

export function showExpression(node: Expression): string {
  switch (node.type) {
    case 'Name':
      return node.id;
    case 'Constant':
      if (node.kind === 'str') return `'${node.value ?? '?'}'`;
      if (node.kind === 'bytes') return `b'${node.value ?? '?'}'`;
      return typeof node.value === 'number' ? String(node.value) : node.text;
    case 'Attribute':
      return `${showExpression(node.value)}.${node.attr}`;
    case 'Subscript':
      return `${showExpression(node.value)}[${showExpression(node.index)}]`;
    case 'Call':
      return `${showExpression(node.func)}(${[...node.args.map(showExpression), ...node.keywords.map(showKeyword)].join(', ')})`;
    case 'Lambda':
      return `(lambda ${parameters(node)}: ${showExpression(node.body)})`;
    case 'Comprehension': {
      const clauses = node.generators.map(
        ({ target, iterable, conditions, isAsync }) =>
          `${isAsync ? ' async' : ''} for ${showExpression(target)} in ${showExpression(iterable)}${conditions.map(test => ` if ${showExpression(test)}`).join('')}`
      );
      return `${node.kind}(${list(node.elements)}${clauses.join('')})`;
    }
    case 'Collection':
      return `${node.kind}(${list(node.elements)})`;
    case 'BinaryOperation':
      return `(${showExpression(node.left)} ${node.operator} ${showExpression(node.right)})`;
    case 'Operation': {
      const operands = node.operands.map(showExpression);
      if (operands.length === 1 && node.operator !== 'slice') return `${node.operator}${operands[0]}`;
      return `(${node.operator} ${operands.join(' ')})`;
    }
    case 'Conditional':
      return `(${showExpression(node.body)} if ${showExpression(node.test)} else ${showExpression(node.orElse)})`;
    case 'FormattedString':
      return `f[${node.parts.map(part => (typeof part === 'string' ? `'${part}'` : showExpression(part))).join(' ')}]`;
    case 'NamedExpression':
      return `(${node.target.id} := ${showExpression(node.value)})`;
    case 'Starred':
      return `*${showExpression(node.value)}`;
    case 'Await':
      return `await ${showExpression(node.value)}`;
    case 'Yield':
      return `(yield${node.isFrom ? ' from' : ''}${maybe(' ', node.value)})`;
    case 'Shell':
      return `[${['Shell', node.command, ...node.holes.map(showExpression)].join(' ')}]`;
    case 'Magic': {
      const head = ['Magic', node.name, ...node.holes.map(showExpression)].join(' ');
      return node.body ? `[${head}: [${show(node.body)}]]` : `[${head}]`;
    }
  }
}

function list(nodes: readonly Expression[]): string {
  return nodes.map(showExpression).join(', ');
}

function maybe(before: string, node: Expression | undefined): string {
  return node ? before + showExpression(node) : '';
}

function block(before: string, body: readonly Statement[]): string {
  return body.length > 0 ? `${before}: ${show(body)}` : '';
}

function showKeyword({ name, value }: { readonly name?: string; readonly value: Expression }): string {
  return name === undefined ? `**${showExpression(value)}` : `${name}=${showExpression(value)}`;
}

function decorators({ decorators }: { readonly decorators: readonly Expression[] }): string {
  return decorators.map(decorator => `@${showExpression(decorator)} `).join('');
}

function typeParameters(node: Extract<Statement, { typeParameters: unknown }>): string {
  const shown = node.typeParameters.map(
    ({ name, bound, default: value }) => name + maybe(': ', bound) + maybe(' = ', value)
  );
  return shown.length > 0 ? `[${shown.join(', ')}]` : '';
}

const marks = {
  'positional-only': '/',
  positional: '',
  'var-positional': '*',
  'keyword-only': '',
  'var-keyword': '**'
};

function parameters(node: Parameters): string {
  return node.parameters
    .map(({ name, kind, annotation, default: value }) => {
      const mark = kind === 'keyword-only' ? '!' : marks[kind];
      return mark + name + maybe(': ', annotation) + maybe('=', value);
    })
    .join(', ');
}
