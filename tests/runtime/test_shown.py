"""What Kubeflow's own UI shows of a step: a page, Markdown, matrices and curves; and what kind of artifact a value is."""

from __future__ import annotations

import json

import pandas
import pytest
from sklearn.svm import SVC

from jupyterlab_sluice.runtime import summaries

from .test_metrics import capture_of

SHOWN = ("sluice_report", "sluice_markdown", "sluice_classification")


def test_a_step_leaves_a_page_and_its_markdown(ipython):
    cells = [
        "print('a < b')\nimport sys\nprint('oh', file=sys.stderr)",
        "from IPython.display import HTML, Image, Markdown, display\ndisplay(HTML('<b>bold</b>'), Markdown('# One'))",
        "display(Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(8), format='png'))\nMarkdown('*two*')",
    ]
    ended = ipython.run("show", *cells, shown=SHOWN)
    assert ended.status == 0, ended.stderr
    page = (ipython.folder / "show" / "sluice_report").read_text()
    for text in ("<title>show</title>", "<pre class=\"stdout\">a &lt; b\n</pre>", "<pre class=\"stderr\">oh\n</pre>", "<div><b>bold</b></div>", "# One"):
        assert text in page
    assert '<img src="data:image/png;base64,iVBORw0KGgo' in page
    assert (ipython.folder / "show" / "sluice_markdown").read_text() == "# One\n\n*two*"
    assert ended.output["artifacts"]["sluice_classification"]["artifacts"][0]["metadata"] == {}


def test_a_step_that_fails_leaves_its_page_without_colours(steps):
    ended = steps.run("fail", "1 / 0", shown=SHOWN)
    page = (steps.folder / "fail" / "sluice_report").read_text()
    assert ended.status == 1 and '<pre class="error">' in page and "ZeroDivisionError" in page and "\x1b" not in page


def test_a_step_that_is_given_no_place_leaves_none(steps):
    ended = steps.run("plain", "a = 1")
    assert sorted(ended.output["artifacts"]) == ["sluice_metrics", "sluice_notebook"]


MATRIX = {"annotationSpecs": [{"displayName": "0"}, {"displayName": "1"}], "rows": [{"row": [3, 1]}, {"row": [0, 4]}]}
NAMED = {**MATRIX, "annotationSpecs": [{"displayName": "cat"}, {"displayName": "dog"}]}
POINTS = [
    {"confidenceThreshold": 1.9, "falsePositiveRate": 0.0, "recall": 0.0},
    {"confidenceThreshold": 0.9, "falsePositiveRate": 0.0, "recall": 0.5},
    {"confidenceThreshold": 0.1, "falsePositiveRate": 1.0, "recall": 1.0},
]
ROC = "fpr, tpr, at = np.array([0.0, 0, 1]), np.array([0, 0.5, 1]), np.array([np.inf, 0.9, 0.1])\ndef roc_curve(): return fpr, tpr, at"


@pytest.mark.parametrize(
    ("title", "cell", "expected"),
    [
        ("a matrix of counts", "np.array([[3, 1], [0, 4]])", {"confusionMatrix": MATRIX}),
        ("a table with its labels twice", "pd.DataFrame([[3, 1], [0, 4]], ['cat', 'dog'], ['cat', 'dog'])", {"confusionMatrix": NAMED}),
        ("a matrix that is bound", "def count(): return np.array([[3, 1], [0, 4]])\ncm = count()", {"confusionMatrix": MATRIX}),
        ("a matrix that is printed", "print(np.array([[3, 1], [0, 4]]))", {"confusionMatrix": MATRIX}),
        ("sklearn's display", "from sklearn.metrics import ConfusionMatrixDisplay\nConfusionMatrixDisplay(np.array([[3, 1], [0, 4]]), display_labels=['cat', 'dog'])", {"confusionMatrix": NAMED}),
        ("sklearn's curve", "from sklearn.metrics import roc_curve\nroc_curve([0, 1], [0.1, 0.9])[0].sum()\na = roc_curve([0, 1, 1], [0.1, 0.9, 0.1])", {"confidenceMetrics": POINTS}),
        ("a curve that is shown", ROC + "\nroc_curve()", {"confidenceMetrics": POINTS}),
        ("a curve that is bound", ROC + "\nx, y, z = roc_curve()", {"confidenceMetrics": POINTS}),
        ("a matrix of correlations is none", "np.eye(2)", {}),
        ("a table that is not square is none", "np.array([[3, 1, 0], [0, 4, 1]])", {}),
        ("a table of other rows than columns is none", "pd.DataFrame([[3, 1], [0, 4]], columns=['a', 'b'])", {}),
        ("three arrays are no curve", "(np.array([3.0, 1]), np.array([1.0, 2]), np.array([1.0, 0]))", {}),
        ("a number", "0.5", {}),
    ],
)  # fmt: skip
def test_matrices_and_curves_are_known_by_their_values(title, cell, expected):
    assert capture_of(cell, "import numpy as np, pandas as pd", {}).classification == expected


def test_matrices_reach_the_artifact(ipython):
    ended = ipython.run("eval", "import numpy as np", metrics="np.array([[3, 1], [0, 4]])", shown=SHOWN)
    (artifact,) = ended.output["artifacts"]["sluice_classification"]["artifacts"]
    assert artifact["metadata"] == {"confusionMatrix": MATRIX} == json.loads((ipython.folder / "eval" / "sluice_classification").read_text())


@pytest.mark.parametrize(
    ("title", "source", "expected"),
    [
        ("a table", "x = pd.DataFrame({'a': [1]})", {"kind": "Dataset"}),
        ("a column that is called a model", "model = x = pd.Series([1])", {"kind": "Dataset"}),
        ("a model that is called a table", "from sklearn.svm import SVC\ndf = x = SVC()", {"kind": "Model", "framework": "sklearn"}),
        ("a model of the notebook's own", "from sklearn.base import BaseEstimator\nclass Mine(BaseEstimator): pass\nx = Mine()", {"kind": "Model", "framework": "sklearn"}),
        ("a number", "x = 1", {}),
        ("an array", "import numpy as np\nx = np.zeros(3)", {}),
    ],
)  # fmt: skip
def test_a_value_says_what_kind_of_artifact_it_is(title, source, expected):
    namespace = {"__name__": "__main__"}
    exec(f"import numpy as np, pandas as pd\n{source}", namespace)
    assert summaries.about([namespace["x"]]) == expected


def test_values_of_several_kinds_are_of_none():
    assert summaries.about([pandas.DataFrame(), SVC()]) == {}
    assert summaries.about([pandas.DataFrame(), pandas.Series([1])]) == {"kind": "Dataset"}


def test_the_kind_reaches_the_artifact(ipython):
    ended = ipython.run("make", "import pandas as pd\nmodel = pd.DataFrame({'a': [1]})", give="model")
    assert ended.output["artifacts"]["model"]["artifacts"][0]["metadata"]["kind"] == "Dataset"
