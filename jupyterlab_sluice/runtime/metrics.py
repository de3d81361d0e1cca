"""Metrics: what the cells tagged `pipeline-metrics` show or print, captured while they run as they would in the
notebook.

Each of these is a metric, named by what the user wrote:

    auc                           auc                   print(auc)                       auc
    m.score(X, y)                 score                 print("area:", auc)              area
    round(auc, 3)                 auc                   print(f"area = {auc:.3f}")       area
    scores["rf"]                  rf                    print("area: %.3f" % auc)        area
    {"a": 1, "b": {"c": 2}}       a, b.c                print("area {}".format(auc))     area
    auc = roc_auc_score(y, p)     auc, when it is a number and nothing else shows it

In a loop, a text that is printed before a number is its label: `for k, v in scores.items(): print(k, v)` gives one
metric a key. Where two expressions would have one name, the later one gets its whole source. Tables, matrices and
series become `{columns, index, data}`; figures and other rich displays stay outputs. NaN and infinities are the
strings "NaN", "Infinity" and "-Infinity", since JSON has no numbers for them.
"""

from __future__ import annotations

import ast
import math
import numbers
import re
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from . import curves
from .own import dumps

MOST_ROWS = 1000
LONGEST_TEXT = 10_000
LONGEST_NAME = 80
RECORDER = "__sluice_metric__"
BOUND = -1  # in place of an expression's number: what a name is bound to
# Functions that only dress a value: the metric is called as what is inside.
DRESS = {"round", "float", "int", "str", "abs", "bool", "repr", "format", "list", "dict", "print", "display"}
HOLE = re.compile(r"%(?:\(\w+\))?[-+ #0]*(?:\d+|\*)?(?:\.\d+)?[diouxXeEfFgGcrsa]|\{[^{}]*\}")


class Metrics:
    """The metrics of a step, in the order in which they came."""

    def __init__(self, tell: Callable[[str, Any], None]) -> None:
        self._tell = tell
        self._values: Dict[str, Any] = {}
        self._source_of: Dict[str, str] = {}
        #: the last matrix and the last curve, in Kubeflow's words
        self.classification: Dict[str, Any] = {}

    def capture(self, namespace: Dict[str, Any]) -> Capture:
        """Capture one cell."""
        return Capture(self, namespace)

    def add(self, name: str, source: str, value: Any) -> None:
        """Record what an expression gave, if it is something that a metric can be."""
        self.classify(value)
        shown = metric_value(value)
        if shown is None:
            return
        if isinstance(shown, dict) and not is_table(shown):
            for key, item in _flat(shown):
                taken = self._source_of.get(key, source) != source
                self._put(f"{name}.{key}" if taken else key, source, item)
        else:
            taken = self._source_of.get(name, source) != source
            self._put(source[:LONGEST_NAME] if taken else name, source, shown)

    def classify(self, value: Any) -> None:
        """Keep it, if it is a confusion matrix or a ROC curve."""
        self.classification.update(curves.classification(value))

    def _put(self, name: str, source: str, value: Any) -> None:
        self._values[name] = value
        self._source_of[name] = source
        self._tell(name, value)

    def has(self, name: str) -> bool:
        """Whether there is a metric of this name."""
        return name in self._values

    def as_json(self) -> bytes:
        """All of them, for the metrics artifact's file."""
        return dumps(self._values, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")

    def scalars(self) -> Dict[str, Any]:
        """Those that Kubeflow's metrics can hold."""
        return {
            name: value
            for name, value in self._values.items()
            if isinstance(value, (int, float, str)) and not (isinstance(value, str) and len(value) > 200)
        }


class Capture:
    """Rewrites one cell so that its values are seen while it runs, each evaluated once as ever."""

    def __init__(self, metrics: Metrics, namespace: Dict[str, Any]) -> None:
        self._metrics, self._namespace = metrics, namespace
        self._labels: List[Tuple[Optional[str], str, bool]] = []
        self._shown: set[str] = set()
        self._assigned: List[str] = []
        self._text: Optional[str] = None

    def rewrite(self, module: ast.Module) -> ast.Module:
        """Wrap the expressions that are metrics."""
        self._namespace[RECORDER] = self._record
        self._assigned = [target.id for node in module.body for target in _targets(node)]
        for node in module.body:
            if isinstance(node, ast.Expr) and not _is_print(node.value):
                node.value = self._expression(node.value)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):  # `fpr, tpr, at = roc_curve(y, p)`
                node.value = self._call(BOUND, "", node.value)
        for call, in_loop in _prints(module.body, False):
            call.args = self._arguments(call.args, in_loop)
        return ast.fix_missing_locations(module)

    def finish(self) -> None:
        """The cell has run: numbers that it bound and did not show are metrics as well."""
        self._namespace.pop(RECORDER, None)
        for name in self._assigned:
            if name in self._shown or name.startswith("_") or self._metrics.has(name):
                continue
            value = self._namespace.get(name)
            if _number(value) is not None:
                self._metrics.add(name, name, value)

    def _expression(self, node: ast.expr) -> ast.expr:
        if isinstance(node, (ast.Constant, ast.Yield, ast.YieldFrom, ast.Lambda)):
            return node
        if isinstance(node, ast.Tuple):  # Jupyter shows `a, b` as a tuple: two metrics
            node.elts = [self._expression(item) for item in node.elts]
            return node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "display":
            node.args = [item if isinstance(item, ast.Starred) else self._expression(item) for item in node.args]
            return node
        return self._wrap(node, None)

    def _arguments(self, nodes: List[ast.expr], in_loop: bool) -> List[ast.expr]:
        """What `print` is given: texts are labels of what follows them."""
        label: Optional[str] = None
        seen = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                seen.append(node)
            elif isinstance(node, ast.Constant):
                label = _label(node.value) if isinstance(node.value, str) else None
                seen.append(node)
            elif isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Call)) and _template(node) is not None:
                self._template(node, in_loop)
                label = None
                seen.append(node)
            else:
                seen.append(self._wrap(node, label, in_loop))
                label = None
        return seen

    def _template(self, node: Any, in_loop: bool) -> None:
        if isinstance(node, ast.JoinedStr):
            label: Optional[str] = None
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    part.value = self._wrap(part.value, label, in_loop)
                    label = None
                elif isinstance(part, ast.Constant):
                    label = _label(str(part.value))
            return
        labels = [_label(text) for text in HOLE.split(_template(node) or "")] + [None] * 100
        if isinstance(node, ast.Call):  # "…".format(…)
            node.args = [
                item if isinstance(item, ast.Starred) else self._wrap(item, label, in_loop)
                for item, label in zip(node.args, labels)
            ]
        elif isinstance(node.right, ast.Tuple):
            node.right.elts = [self._wrap(item, label, in_loop) for item, label in zip(node.right.elts, labels)]
        elif not isinstance(node.right, ast.Dict):
            node.right = self._wrap(node.right, labels[0], in_loop)

    def _wrap(self, node: ast.expr, label: Optional[str], in_loop: bool = False) -> ast.expr:
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return node
        self._shown |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        self._labels.append((label, ast.unparse(node), in_loop))
        name = label or _name(node)
        return self._call(len(self._labels) - 1, name, node)

    def _call(self, index: int, name: str, node: ast.expr) -> ast.expr:
        arguments = [ast.Constant(index), ast.Constant(name), node]
        return ast.copy_location(ast.Call(ast.Name(RECORDER, ast.Load()), arguments, []), node)

    def _record(self, index: int, name: str, value: Any) -> Any:
        try:
            if index == BOUND:
                self._metrics.classify(value)
                return value
            label, source, in_loop = self._labels[index]
            if in_loop and isinstance(value, str):
                self._text = value.strip().rstrip(":=").strip()
                return value
            if in_loop and label is None and self._text:
                name, source = self._text, self._text
            self._text = None
            self._metrics.add(name, f"{label} = {source}" if label else source, value)
        except Exception:  # a value that cannot be a metric must not stop the cell that shows it
            pass
        return value


def metric_value(value: Any) -> Any:
    """A value as a metric: a number, text, table, list or dict of JSON; None where it is none of these."""
    number = _number(value)
    if number is not None:
        return number
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else value[:LONGEST_TEXT] + "…"
    if isinstance(value, dict):
        return {
            str(key): item
            for key, item in ((key, metric_value(item)) for key, item in value.items())
            if item is not None
        }
    table = _table(value)
    if table is not None:
        return table
    if isinstance(value, (list, tuple)) and value and len(value) <= MOST_ROWS:
        items = [metric_value(item) for item in value]
        return None if any(item is None for item in items) else items
    return None


def is_table(value: Any) -> bool:
    """Whether a metric's value is a table."""
    return isinstance(value, dict) and set(value) >= {"columns", "index", "data"}


def _number(value: Any) -> Any:
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool") and hasattr(value, "item"):
        return bool(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):  # numpy's and torch's scalars
        value = value.item()
    if isinstance(value, int):
        return value if abs(value) < 2**53 else float(value) if abs(value) < 10**300 else str(value)
    if isinstance(value, numbers.Real) or type(value).__name__ == "Decimal":
        number = float(value)
        if math.isfinite(number):
            return number
        return "NaN" if number != number else "Infinity" if number > 0 else "-Infinity"
    return None


def _table(value: Any) -> Optional[Dict[str, Any]]:
    """pandas' frames and series, and arrays, by what they can do, so that none of their packages is needed here."""
    module = type(value).__module__.partition(".")[0]
    if module == "pandas" and hasattr(value, "to_frame") and hasattr(value, "iloc"):
        name = value.name
        value = value.to_frame("value" if name is None else name)
    if module == "pandas" and hasattr(value, "iloc") and hasattr(value, "columns"):
        data = value.iloc[:MOST_ROWS]
        return _cut(
            {
                "columns": [_cell_of(name) for name in data.columns],
                "index": [_cell_of(name) for name in data.index],
                "data": [[_cell_of(item) for item in row] for row in data.itertuples(index=False, name=None)],
            },
            len(value),
        )
    if module == "polars" and hasattr(value, "rows"):
        rows = value.head(MOST_ROWS).rows()
        return _cut(
            {
                "columns": list(value.columns),
                "index": list(range(len(rows))),
                "data": [[_cell_of(item) for item in row] for row in rows],
            },
            len(value),
        )
    shape = getattr(value, "shape", None)
    if not isinstance(shape, tuple) or not hasattr(value, "tolist") or not 1 <= len(shape) <= 2 or 0 in shape:
        return None
    rows = value[:MOST_ROWS].tolist()
    if len(shape) == 1:
        rows = [[item] for item in rows]
    columns = ["value"] if len(shape) == 1 else list(range(shape[1]))
    return _cut(
        {
            "columns": columns,
            "index": list(range(len(rows))),
            "data": [[_cell_of(item) for item in row] for row in rows],
        },
        shape[0],
    )


def _cut(table: Dict[str, Any], rows: int) -> Dict[str, Any]:
    return {**table, "rows": rows} if rows > MOST_ROWS else table


def _cell_of(value: Any) -> Any:
    number = _number(value)
    if number is not None or value is None:
        return number
    return str(value)[:LONGEST_TEXT]


def _flat(value: Dict[str, Any], before: str = "") -> Iterator[Tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict) and not is_table(item):
            yield from _flat(item, f"{before}{key}.")
        else:
            yield f"{before}{key}", item


def _targets(node: ast.stmt) -> Iterator[ast.Name]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        for item in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            if isinstance(item, ast.Name):
                yield item


def _prints(body: List[ast.stmt], in_loop: bool) -> Iterator[Tuple[ast.Call, bool]]:
    """Calls of `print` in the cell itself, also in its loops and conditions, but not in its functions and classes."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if isinstance(node, ast.Expr) and _is_print(node.value):
            yield node.value, in_loop  # type: ignore[misc]
        loops = in_loop or isinstance(node, (ast.For, ast.AsyncFor, ast.While))
        for field in ("body", "orelse", "finalbody"):
            yield from _prints(getattr(node, field, None) or [], loops)
        for handler in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
            yield from _prints(handler.body, loops)


def _is_print(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"


def _template(node: ast.expr) -> Optional[str]:
    """The text of an f-string (empty), of `"…" % x` and of `"…".format(x)`; None for anything else."""
    if isinstance(node, ast.JoinedStr):
        return ""
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mod)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, str)
    ):
        return node.left.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        owner = node.func.value
        return owner.value if isinstance(owner, ast.Constant) and isinstance(owner.value, str) else None
    return None


def _label(text: str) -> Optional[str]:
    """A label in the text before a value: its last line, without the signs that tie it to the value."""
    last = re.split(r"[\n|;]|, ", text.rstrip(" \n\t"))[-1] if text.strip() else ""
    label = last.strip().rstrip(":=-> (").strip().lstrip("-*#%,( ").strip()
    return label[:LONGEST_NAME] if re.search(r"\w", label) else None


def _name(node: ast.expr) -> str:
    """What people would call the value of an expression."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript):
        index = node.slice.value if isinstance(node.slice, ast.Index) else node.slice  # type: ignore[attr-defined]
        return (
            index.value
            if isinstance(index, ast.Constant) and isinstance(index.value, str)
            else ast.unparse(node)[:LONGEST_NAME]
        )
    if isinstance(node, ast.Call):
        dressed = node.args[0] if node.args and not isinstance(node.args[0], (ast.Starred, ast.Constant)) else None
        if isinstance(node.func, ast.Name):
            return _name(dressed) if node.func.id in DRESS and dressed is not None else node.func.id
        if isinstance(node.func, ast.Attribute):
            if node.func.attr == "round":  # np.round(x) and x.round()
                return _name(dressed if dressed is not None else node.func.value)
            return _name(node.func.value) if node.func.attr in ("item", "tolist", "to_dict", "head") else node.func.attr
    return ast.unparse(node)[:LONGEST_NAME]
