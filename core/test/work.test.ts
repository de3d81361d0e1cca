// The work of the analysis stays in proportion to the notebook: what a cell adds does not grow with the cells above it.
// Things are counted, not seconds, so that the tests say the same on every machine.
import { makeAnalyzer } from '../src/analyze.js';
import { countThings } from '../src/python/effects/thing.js';
import { parser } from './python/python.js';
import { notebookOf } from './steps.js';

const tuned = `for d in data:
    d['C'] = d['C'].fillna('U')
    d['D'] = d['C'].map(lambda x: re.compile('a').search(x).group())
    d['D'] = d['D'].map(deck)
    d['D'] = d['D'].fillna(0).astype(int)`;

const drawn = `for i, (clf, name) in enumerate(models):
    clf.fit(X, y)
    shown[name] = Display.from_estimator(clf, X, y, ax=ax, color=colors(i))
    ax.hist(shown[name].y_prob, color=colors(i))
    ax.custom(shown, clf, key=lambda z: clf.unknown(z))`;

const nested = `def outer(a):
    def inner(b):
        kept.append([a, b, lambda: inner(b)])
        return combine(a, b, kept)
    return [inner(x) for x in a]
for a in kept:
    for b in outer(a):
        kept.append(outer(b))`;

const setup = `import re
import pandas as pd
from library import Display, combine, make
data = [pd.read_csv('a'), pd.read_csv('b')]
deck = {'A': 1}
models = [(make(), 'one'), (make(), 'two')]
shown, kept, ax, colors, X, y = {}, [[1]], make(), make(), make(), make()`;

async function thingsOf(body: string, count: number): Promise<number> {
  const cells = [setup, ...Array.from({ length: count }, () => body)];
  const notebook = notebookOf(cells.map((source, index) => ({ tags: [`step:s${index}`], source })));
  const analyzer = makeAnalyzer(await parser());
  const before = countThings();
  analyzer.analyze(notebook);
  return countThings() - before;
}

describe.each([
  ['stores in a loop, with a function passed on', tuned],
  ['calls of unknown objects in a loop', drawn],
  ['functions in functions that hold each other', nested]
])('%s', (_, body) => {
  test('makes few things a cell', async () => expect(await thingsOf(body, 4)).toBeLessThan(4 * 2000));

  test('makes as many things in the last cells as in the first', async () => {
    const [few, many] = [await thingsOf(body, 10), await thingsOf(body, 20)];
    expect(many).toBeLessThan(2.5 * few);
  });
});
