// What was seen of a notebook's run and of its pipeline's, compared. Running both is server/test/verify.test.ts.
import { makeAnalyzer } from '../src/analyze';
import { isWorthAgain, normalize, verify, type Evidence } from '../src/verify';
import { parser } from './python/python';
import { notebookOf } from './steps';

test.each([
  ['an address', '<A at 0x7f3a2b1c>', '<A at 0x…>'],
  ['the place of a warning', '<cell 5: train>:3: old', '<cell 5>:3: old'],
  ['times of %%time', 'a\nCPU times: user 1 ms\nWall time: 2 ms\nb', 'a\n\n\nb'],
  ['a line written over', '10 %\r20 %\r100 %\ndone', '100 %\ndone'],
  ['a number', '0.8300000001', '0.8300000001']
])('%s is compared as it should be', (_, text, expected) => expect(normalize(text)).toBe(expected));

test('a time that two runs of the notebook print alike by chance is found out by a third', async () => {
  const analysis = makeAnalyzer(await parser()).analyze(
    notebookOf([{ tags: ['step:a'], source: 'import time\nt = time.time()\nprint(f"{time.time() - t:.3f}")' }])
  );
  const seen = (printed: string, t: string): Evidence => ({
    cells: new Map([[0, { stdout: `${printed}\n`, shown: [], metrics: {} }]]),
    checkpoints: new Map([[0, { t: { type: 'float', summary: t, fingerprint: t } }]]),
    failures: new Map(),
    skipped: new Set()
  });
  const [notebook, pipeline] = [seen('0.001', '1.0'), seen('0.007', '2.0')];
  const judge = (...again: Evidence[]) => verify(analysis, 'run', { notebook, pipeline, again });
  expect([judge().outcome, isWorthAgain(judge(), 1)]).toEqual(['different', true]);
  const twice = judge(seen('0.001', '3.0'));
  expect(twice.first).toMatchObject({ kind: 'printed', notebook: '0.001', pipeline: '0.007' });
  expect(isWorthAgain(twice, 2)).toBe(true);
  const thrice = judge(seen('0.001', '3.0'), seen('0.002', '4.0'));
  expect([thrice.outcome, thrice.steps[0]!.unsteady.length, isWorthAgain(thrice, 3)]).toEqual(['same', 2, false]);
});
