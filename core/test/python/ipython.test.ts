// IPython's lines: held to IPython's own transformer where it can say what they are, and to the table where it cannot.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseCell } from '../../src/python/parse';
import type { CellMagic, Help, MagicExpression, Node, Shell } from '../../src/python/syntax';
import { parser } from './python';
import { show } from './show';

const cells = [
  '%matplotlib inline\nx = 1\n',
  '%matplotlib inline # c',
  'x = %foo a b',
  'x =%foo a',
  "d['k'] = %foo",
  'x: list = !ls',
  'x.y[0] = !ls',
  'a, b = !ls',
  '(a) = !ls',
  'a = \\\n  !ls',
  'a = \\\n%ls',
  'if a: x = !ls',
  'def f(a=1): x = !ls',
  'x = !echo \\\n  b',
  '!echo a \\\n b\nx',
  '!!ls',
  '!',
  "!echo it's (\nx = 1\n%who",
  'f(\n%x\n)',
  "s = '''\n%ls\n!ls\n'''",
  "f'''{x\n%y}'''",
  "f('%s' %\nx)",
  'a %b',
  'x = 5\nx %= 3',
  'a = b\n%c',
  'a = 1 # !x = %y\n%c',
  'for i in x:\n    %timeit -n1 f(i)\n    y = %who_ls',
  'with open(x) as f:\n  lines = !cat x\nz',
  'if x:\n\t!ls\n\ty = 1',
  '  %ls\n  !x',
  '>>> a = 1\n>>> for x in y:\n...     z\n>>> !ls',
  'In [1]: x = 1\n   ...: %y',
  '%time?',
  '%%time?',
  'a.b[0].c??',
  'x = foo?',
  'foo*?',
  '*foo*?',
  'é?',
  '?a.b',
  '?',
  '??',
  '!ls foo?',
  '!ls # foo?',
  '!ls "foo?"',
  '!ls ?',
  '%ls;',
  '%%time\nx = 1\n!ls',
  '\n\n%%time\nx',
  '  %%time\n  x = 1',
  '%%foo',
  '%%writefile  a b.py\nx = (\n',
  'x\n%%foo a',
  '# c\n%%time',
  'x = r"\\""; y = 1\n%foo',
  "x = '\\'%a'\n%foo",
  'x = """a" %b\n"""\n!c',
  "s = f'{d[0]!r:>{w}}'\n!c",
  'lambda: (yield)\n!x y z',
  'x = {1: 2}\n%who'
];

const commands = [
  'ls {a} {b.c[0]} $d',
  'echo $x.y $1 ${HOME}',
  'echo $$x $$$y',
  "awk '{print $1}' f",
  "echo '$x' $y",
  'echo "$x"',
  'echo {{no}} {yes}',
  'echo {a!r} {b[1:2]} {c + 1}',
  'echo {a:>10}',
  'echo {}',
  'echo { x }',
  'echo {f(a, b=1)}',
  'find . -exec rm {} \\;',
  'echo $x.',
  'echo }',
  'echo {a',
  "echo {d['k']} {'a' if b else c}",
  'pip install {" ".join(packages)}'
];

test('IPython’s own transformer finds the same commands and holes', async () => {
  const venv = join(__dirname, '../../../.venv/bin/python');
  const truth = JSON.parse(
    execFileSync(existsSync(venv) ? venv : 'python3', [join(__dirname, '../../../scripts/ipython_truth.py')], {
      input: JSON.stringify({ cells, commands })
    }).toString()
  ) as { calls: (string[][] | null)[]; holes: string[][] };
  const parse = await parser();
  const ours = cells.map(source => [source, commandsIn(parseCell(parse, source).body)]);
  expect(ours).toEqual(cells.map((source, i) => [source, truth.calls[i]?.map(simplify) ?? []]));
  const holes = commands.map(command => [command, holesOf(parseCell(parse, `!${command}`))]);
  expect(holes).toEqual(commands.map((command, i) => [command, truth.holes[i]]));
});

test.each([
  ['the argument of %time is Python', '%time x = f(y)', '[Magic time: [x = f(y)]]', []],
  ['options of %timeit are skipped', '%timeit -n 3 -r5 -q f(x)', '[Magic timeit: [f(x)]]', []],
  ['a minus is no option', '%timeit -x', '[Magic timeit: [-x]]', []],
  ['profilers evaluate their -f', '%lprun -f a.b -f c g(x)', '[Magic lprun a.b c: [g(x)]]', []],
  ['%%time runs its cell', '%%time\nx = 1\n%who', '[CellMagic time: [x = 1; [Magic who]]]', []],
  ['%%timeit runs its first line before', '%%timeit -n 1 a = 1\nb', '[CellMagic timeit: [a = 1; b]]', []],
  ['%%capture keeps its name', '%%capture out --no-stderr\nb', '[CellMagic capture out --no-stderr: [b]]', []],
  ['magics may stand on each other', '%%capture\n%%time\nb', '[CellMagic capture: [[CellMagic time: [b]]]]', []],
  ['a first line has holes', '%%bash -s "$a" {b.c}\n$d', '[CellMagic bash -s "$a" {b.c}: a b.c]', []],
  ['%%time has none', '%%time\nx', '[CellMagic time: [x]]', []],
  ['what others run is text', '%%bash\nx = (', '[CellMagic bash]', []],
  ['a mistake inside is found', '%time f(', '[Magic time: []]', ['‘(’ unclosed ‘(’']],
  ['/f calls', '/f a b', 'f(a, b)', []],
  [',f quotes each word', ',f a b', "f('a', 'b')", []],
  [';f quotes the rest', ';a.f a b', "a.f('a b')", []],
  ['a lone / is a mistake', '/\nx', '[Help]; x', ['‘/’ unexpected ‘/’']],
  [
    'commands work in functions',
    'def f(a):\n  x = !ls {a}\n  %time b',
    'def f(a): x = [Shell ls {a} a]; [Magic time: [b]]',
    []
  ]
])('%s', async (_, source, expected, errors) => {
  const cell = parseCell(await parser(), source);
  expect(show(cell.body)).toBe(expected);
  expect(cell.errors.map(({ from, to, message }) => `‘${source.slice(from, to)}’ ${message}`)).toEqual(errors);
});

test('what stands in a command is where it stands in the cell', async () => {
  const source = '  # 😀\n  x = !echo "😀" {a} \\\n    $b\n  %time y = "😀" + z';
  const { body } = parseCell(await parser(), source);
  const names: string[] = [];
  const places: string[] = [];
  walk(body, node => {
    if ((node as { type?: string }).type !== 'Name') return;
    names.push((node as unknown as { id: string }).id);
    places.push(source.slice(node.from, node.to));
  });
  expect(names).toEqual(['x', 'a', 'b', 'y', 'z']);
  expect(places).toEqual(names);
});

type Command = CellMagic | Help | MagicExpression | Shell;

function walk(node: unknown, visit: (node: Node) => void): void {
  if (typeof node !== 'object' || node === null) return;
  if ('from' in node && 'to' in node) visit(node as Node);
  for (const child of Object.values(node)) walk(child, visit);
}

function holesOf({ source, body }: { source: string; body: readonly unknown[] }): string[] {
  const [statement] = body as { value: Shell }[];
  return statement!.value.holes.map(({ from, to }) => source.slice(from, to));
}

/** The calls that IPython makes of what we found; what stands in a magic's body is not among them. */
function commandsIn(body: readonly unknown[]): string[][] {
  const found: string[][] = [];
  const assigned = new Set<unknown>();
  walk(body, node => {
    const command = node as Command;
    if ('value' in command && (command as { type: string }).type !== 'Expression') assigned.add(command.value);
    if (command.type === 'Help') found.push(['help']);
    if (command.type === 'Magic') found.push(['run_line_magic', command.name, command.text]);
    if (command.type === 'Shell') found.push([assigned.has(command) ? 'getoutput' : 'system', command.command]);
    if (command.type === 'CellMagic') found.push(['run_cell_magic', command.name, command.arguments, command.text]);
  });
  const isWhole = found[0]?.[0] === 'run_cell_magic';
  return (isWhole ? found.slice(0, 1) : found).map(simplify);
}

/** `!!` gives its output where it stands, too; blanks count once. */
function simplify([method, ...args]: string[]): string[] {
  if (/^(?:pinfo2?|psearch)$/.test(args[0] ?? '') || method === 'show_usage' || method === 'help') return ['help'];
  return [method === 'getoutput' ? 'system' : method!, ...args.map(text => text.replace(/\s+/g, ' ').trim())];
}
