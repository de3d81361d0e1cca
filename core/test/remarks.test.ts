// What Sluice says about a notebook, and where it holds its tongue: real notebooks showed which remarks were wrong.
import { makeAnalyzer } from '../src/analyze';
import type { Analyzer } from '../src/analyze';
import { parser } from './python/python';
import { analyzeText, inputsOf } from './steps';

let analyzer: Analyzer;
beforeAll(async () => {
  analyzer = makeAnalyzer(await parser());
});

const end = '\n--- z\nprint("end")';

test.each([
  ['a result that nobody reads', '--- a\nx = [1]\nxs = [y + 1 for y in x]', ['unused-step']],
  ['a list that nobody reads grows', '--- a\nxs = []\nxs.append(1)', ['unused-step']],
  ['a model that nobody uses is fitted', '--- a\nfrom sklearn.svm import SVC\nSVC().fit([[1], [2]], [0, 1])', []],
  ['draws are shown', '--- a\nimport numpy as np\nnp.random.random((3, 3))', []],
  ['a function named as a method is shown', '--- a\nimport numpy as np\nnp.sort([2, 1])', []],
  ['a frame is added to', '--- a\nimport pandas as pd\ndf = pd.DataFrame({"x": [1]})\ndf.add(1)', []],
  ['an array is sorted in place', '--- a\nimport numpy as np\nxs = np.array([2, 1])\nxs.sort()', ['unused-step']],
  [
    'what is fitted and transformed is shown',
    '--- a\nfrom sklearn.impute import SimpleImputer\ni = SimpleImputer()\ni.fit_transform([[1]])',
    []
  ],
  ['a cell is timed', '--- a\n%%time\nx = 1', []],
  ['a cell is captured', '--- a\n%%capture\nx = 1', ['unused-step']],
  ['code of its own namespace', '--- a\nspace = {}\nexec("k = 1", space)\n--- b\nprint(space["k"])', []],
  ['code of the notebook’s namespace', '--- a\nexec("k = 1", globals())\n--- b\nprint(k)', []],
  ['a name is looked for', '--- a\nk = 1\n--- b\nif "k" not in globals():\n    k = 2\nprint(k)', []],
  ['any name is looked for', '--- a\nk = "k"\n--- b\nprint(k in globals())', ['opaque-code']],
  [
    'an accessor is registered',
    '--- a\nimport pandas as pd\n@pd.api.extensions.register_series_accessor("my")\nclass My:\n    pass',
    []
  ],
  [
    'a patch is started',
    '--- a\nfrom unittest import mock\np = mock.patch("json.dumps")\np.start()\n--- b\nprint(p)',
    ['ambient-state']
  ],
  [
    'calls of earlier steps are counted',
    '--- a\nimport functools\n@functools.cache\ndef f(x):\n    return x\n--- b\nprint(f.cache_info())',
    ['ambient-state']
  ],
  [
    'a function remembers what it gave with another global',
    '--- a\nimport functools\nk = 2\n@functools.cache\ndef f(x):\n    return x * k\nprint(f(1))\n--- b\nk = 3\nprint(f(1))',
    ['ambient-state']
  ],
  [
    'a function that remembers reads a constant',
    '--- a\nimport functools\nk = 2\n@functools.cache\ndef f(x):\n    return x * k\nprint(f(1))\n--- b\nprint(f(1))\n--- c\nprint(f(2))',
    []
  ],
  ['addresses are keys', '--- a\nxs = [1]\nknown = {}\nknown[id(xs)] = 1\n--- b\nprint(known)', ['cannot-travel']],
  [
    'a context is entered by hand',
    '--- a\nimport numpy as np\ne = np.errstate(divide="raise")\ne.__enter__()\n--- b\nprint(np.array([1.0]) / 0)',
    ['ambient-state']
  ],
  ['an address is kept', '--- a\nxs = [1]\nn = id(xs)\n--- b\nprint(n)', ['cannot-travel']],
  ['a file is in a list', '--- a\nfiles = [open("x.txt")]\n--- b\nprint(files)', ['cannot-travel']],
  ['the shell is asked to run what is not yet typed', '--- a\nget_ipython().run_cell()', ['opaque-code']],
  ['a script binds names', '--- a\n%run part.py', ['opaque-code']],
  [
    'a text of an earlier step is compared by ‘is’',
    '--- a\nk = "x"\n--- b\nif k is not "x":\n    print(k)',
    ['identity']
  ],
  ['two texts of earlier steps are', '--- a\nk = "x"\nm = k\n--- b\nprint(k is m)', ['identity']],
  ['a text of its own step is', '--- a\nk = "x"\nprint(k is "x")', []],
  ['None is asked for', '--- a\nk = "x"\n--- b\nprint(k is None)', []],
  [
    'the shell’s names are bound',
    '--- a\nx = 1\n--- b\nget_ipython().user_ns["x"] = 2\n--- c\nprint(x)',
    ['unused-step']
  ]
])('%s', (_, text, expected) => {
  const { pipeline } = analyzeText(analyzer, text + end);
  expect(pipeline.diagnostics.map(({ code }) => code)).toEqual(expected);
});

test('a formula reads what its text names', () => {
  const text = `--- a
import numpy as np
import patsy
df = {}
w = 2
def twice(x):
    return w * x
--- b
y = patsy.dmatrix("np.log(x) + twice(x)", df)`;
  const analysis = analyzeText(analyzer, text);
  const inputs = inputsOf(analysis, 'b', ['value', 'definition', 'import']);
  expect(inputs.sort()).toEqual(['df', 'np', 'patsy', 'twice', 'w']);
});
