// What kind of artifact a variable surely is: only what the source leaves no doubt of.
import { makeAnalyzer } from '../src/analyze.js';
import { readNotebook } from '../src/notebook.js';
import { parser } from './python/python.js';

/** The kind of `x`, which the first of two steps binds and the second takes. */
async function kindOf(source: string): Promise<string | undefined> {
  const cell = (step: string, text: string) => ({
    ...{ cell_type: 'code', id: step, source: text, outputs: [], execution_count: null },
    metadata: { tags: [`step:${step}`] }
  });
  const cells = [cell('make', source), cell('use', 'print(x)')];
  const { notebook } = readNotebook(JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }), 'a.ipynb');
  const { pipeline } = makeAnalyzer(await parser()).analyze(notebook!);
  return pipeline.steps[0]!.outputs.find(({ names }) => names.includes('x'))!.kind;
}

test.each([
  ['a table', 'import pandas as pd\nx = pd.DataFrame({"a": [1]})', 'Dataset'],
  ['a table that is read', 'from pandas import read_csv\nx = read_csv("a.csv")', 'Dataset'],
  ['a table that is changed after', 'import pandas as pd\nx = pd.read_csv("a.csv")\nx["b"] = 1', 'Dataset'],
  ['a table that comes of a table', 'import pandas as pd\ndf = pd.read_csv("a.csv")\nx = df.dropna()', 'Dataset'],
  ['tables of polars', 'import polars as pl\nx = pl.scan_csv("a.csv")', 'Dataset'],
  ['a model', 'from sklearn.svm import SVC\nx = SVC()\nx.fit([[0], [1]], [0, 1])', 'Model'],
  ['a model that is fitted at once', 'from sklearn.svm import SVC\nx = SVC().fit([[0], [1]], [0, 1])', 'Model'],
  [
    'a chain of models',
    'from sklearn.pipeline import make_pipeline\nfrom sklearn.svm import SVC\nx = make_pipeline(SVC())',
    'Model'
  ],
  [
    'a search',
    'from sklearn.model_selection import GridSearchCV\nfrom sklearn.svm import SVC\nx = GridSearchCV(SVC(), {})',
    'Model'
  ],
  ['a net of the notebook', 'from torch import nn\nclass Net(nn.Module): pass\nx = Net()', 'Model'],
  ['two tables that share', 'import pandas as pd\nx = pd.DataFrame({"a": [1]})\ny = x\nx["b"] = y', 'Dataset'],
  ['a splitter is no model', 'from sklearn.model_selection import KFold\nx = KFold(3)', undefined],
  ['a model’s name says nothing', 'model = [1]\nx = model', undefined],
  ['a part of a table', 'import pandas as pd\nx = pd.read_csv("a.csv").shape[0]', undefined],
  [
    'what a model predicts',
    'from sklearn.svm import SVC\nm = SVC().fit([[0], [1]], [0, 1])\nx = m.predict([[0]])',
    undefined
  ],
  ['what a model has learnt', 'from sklearn.svm import SVC\nm = SVC()\nx = m.coef_', undefined],
  [
    'what a function makes of it',
    'import pandas as pd\ndef f(d): return d.shape[0]\nx = f(pd.read_csv("a.csv"))',
    undefined
  ],
  ['a function that is called so', 'def DataFrame(): return 1\nx = DataFrame()', undefined],
  ['what a branch may leave', 'import pandas as pd\nx = None\nif pd: x = pd.DataFrame()', undefined],
  ['in place gives nothing', 'import pandas as pd\ndf = pd.DataFrame()\nx = df.dropna(inplace=True)', undefined]
])('%s', async (_, source, expected) => expect(await kindOf(source)).toBe(expected));
