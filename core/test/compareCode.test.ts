// What two runs ran, line by line.
import { compareCode } from '../src/compareCode.js';
import { writeStepArgument } from '../src/ir/argument.js';
import type { Plan, PlanTask } from '../src/ir/plan.js';

/** `step: borrowed / cell / cell`, with `;` between lines. */
function plan(...steps: readonly string[]): Plan {
  const tasks = steps.map((text): PlanTask => {
    const [name, source] = text.split(': ') as [string, string];
    const [borrowed, ...cells] = source.split(' / ').map(part => part.replaceAll(';', '\n'));
    const args = writeStepArgument({
      version: 1,
      pipeline: 'p',
      step: name,
      parameters: [],
      setup: [{ kind: 'source', cell: 0, line: 0, source: borrowed! }],
      cells: cells.map((cell, index) => ({ index, source: cell, metrics: false })),
      outputs: []
    });
    return {
      ...{ name, task: name, executor: `exec-${name}`, after: [], image: '', command: [], args, env: {} },
      ...{ parameters: [], artifacts: [], outputs: [], retries: 0, cache: true }
    };
  });
  return { name: 'p', workspace: {}, parameters: [], tasks };
}

const signs = { same: ' ', removed: '-', added: '+', gap: '…' };

test.each<[string, Plan, Plan, readonly string[]]>([
  ['equal steps are left out', plan('a: i / x', 'b: i / y'), plan('a: i / x', 'b: i / y'), []],
  ['a line of a cell', plan('a: i / x;y'), plan('a: i / x;z'), ['a changed', ' i', ' x', '-y', '+z']],
  ['what a step borrows', plan('a: i / x'), plan('a: j / x'), ['a changed', '-i', '+j', ' x']],
  ['a cell more', plan('a: i / x'), plan('a: i / x / y'), ['a changed', ' i', ' x', '+y']],
  [
    'far from the change nothing is told',
    plan('a: i / 1;2;3;4;5;6;7;8'),
    plan('a: i / 1;2;3;4;five;6;7;8'),
    ['a changed', '…', ' 3', ' 4', '-5', '+five', ' 6', ' 7', '…']
  ],
  [
    'as many lines stay as can',
    plan('a: i / p;q;r;s'),
    plan('a: i / q;s;t'),
    ['a changed', ' i', '-p', ' q', '-r', ' s', '+t']
  ],
  ['steps that one of them has', plan('a: i / x', 'b: i / y'), plan('b: i / y', 'c: i / z'), ['c added', 'a removed']]
])('%s', (_, before, after, expected) => {
  const changes = compareCode(before, after);
  expect(
    changes.flatMap(({ step, change, lines }) => [
      `${step} ${change}`,
      ...lines.map(({ kind, text }) => `${signs[kind]}${text}`)
    ])
  ).toEqual(expected);
});
