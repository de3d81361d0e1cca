"""Fingerprints: equal in any process, whatever the hash seed; changed by each change in place; never made by the user's code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import other_pythons

RUNTIME = Path(__file__).parents[2] / "jupyterlab_sluice" / "runtime"

# What all programs below begin with: `one(value)` is its fingerprint, or the reason why it has none.
BEGIN = f"""
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("fingerprint", {str(RUNTIME / "fingerprint.py")!r})
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
def one(value, folder=""):
    try: return module.fingerprint(value, folder)
    except module.NotComparable as reason: return "not: " + str(reason)
import collections, copy, dataclasses, datetime, decimal, enum, fractions, functools, io, itertools, pathlib, pickle, random, re, threading, types, uuid, weakref
"""

# Values that any Python has. Equal in two processes; what is left out has no value to compare.
PLAIN = """
class A:
    kind = {"z", "y"}
    def __init__(self): self.x, self.y = 1, {"b", "a"}
    def __eq__(self, other): raise RuntimeError
    def __repr__(self): raise RuntimeError
class Slots:
    __slots__ = ("p", "q")
slots = Slots(); slots.p = 3
class Silent(list):
    def __iter__(self): raise RuntimeError
class Wild:
    def __getattr__(self, name): raise RuntimeError
class Own:
    def __reduce__(self): raise RuntimeError
@dataclasses.dataclass
class Data: a: int; b: list
Color = enum.Enum("Color", "red green")
Pair = collections.namedtuple("Pair", "a b")
def function(x, y=[1], *, k={1, 2}): return {"u", "v", x} | {"w"}
def counting():
    count = [0]
    def count_up(): count[0] += 1; return count_up
    return count_up
@functools.lru_cache(None)
def cached(x): return x
def generator(): yield 1
loop = []; loop.append(loop)
values = {
    "long": 10**5000, "floats": [0.1, float("nan"), -0.0, 1j, float("inf")], "set": {"a", "b", ("c", 1)}, "sets": {frozenset("ab"), frozenset("cd")},
    "A": A, "a": A(), "slots": slots, "silent": Silent([1]), "wild": Wild(), "own": Own(), "data": Data(1, [2]), "color": Color.red, "Color": Color,
    "pair": Pair(1, 2), "Pair": Pair, "function": function, "closure": counting(), "cached": cached, "lambda": lambda q: q + 1, "loop": loop,
    "partial": functools.partial(function, 1), "method": A().__init__, "builtin": [1].append, "len": len, "module": json,
    "time": datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc), "decimal": decimal.Decimal("1.1"), "fraction": fractions.Fraction(1, 3),
    "random": random.Random(3), "pattern": re.compile("a"), "path": pathlib.Path("a/b"), "uuid": uuid.UUID(int=3), "file": io.StringIO("abc"),
    "deque": collections.deque([1, 2], 5), "default": collections.defaultdict(list, {1: [2]}), "ordered": collections.OrderedDict(a=1),
    "counter": collections.Counter("abca"), "event": threading.Event(), "lock": threading.Lock(), "weak": weakref.ref(A), "bytes": bytearray(b"x"),
    "view": memoryview(b"ab"), "error": ValueError("x", 1), "slice": slice(1, 2), "generator": generator(), "property": property(function),
    "proxy": types.MappingProxyType({"a": 1}), "object": object(), "surrogate": "\\udc80",
}
print(json.dumps({name: one(value) for name, value in values.items()}))
"""

SCIENCE = """
import numpy as np, pandas as pd, matplotlib
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
matplotlib.use("agg")
import matplotlib.pyplot as plt
X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
figure, axes = plt.subplots(); axes.plot([1, 2], [3, 4], label="x"); axes.legend()
frame = pd.DataFrame({"a": [1, 2], "b": ["x", None], "c": pd.Categorical(["u", "v"]), "d": pd.to_datetime(["2020", "2021"]).tz_localize("UTC"),
    "e": pd.array([1, None], dtype="Int64"), "f": pd.array(["a", None], dtype="string"), "g": pd.period_range("2020", periods=2, freq="D")})
values = {
    "view": np.arange(6).reshape(2, 3).T, "scalar": np.float64(3.5), "record": np.zeros(3, dtype=np.dtype([("a", "i1"), ("b", "f8")], align=True)),
    "objects": np.array([1, "a", None], dtype=object), "generator": np.random.default_rng(1), "state": np.random.RandomState(2), "dtype": np.dtype("f8"),
    "masked": np.ma.array([1, 2], mask=[0, 1]), "frame": frame, "series": pd.Series([1.5, 2], name="s"), "index": pd.MultiIndex.from_product([[1, 2], ["a", "b"]]),
    "forest": RandomForestClassifier(5, random_state=0).fit(X, y), "boosting": HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(X, y),
    "pipeline": make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=1)).fit(X, y), "figure": figure, "axes": axes,
}
for name in ["frame", "series", "index", "view", "generator", "forest", "pipeline", "boosting"]:
    values["copy of " + name] = pickle.loads(pickle.dumps(values[name]))
print(json.dumps({name: one(value) for name, value in values.items()}))
"""


def run(python: str, program: str, seed: int = 0) -> dict:
    """What a program prints."""
    env = {**os.environ, "PYTHONHASHSEED": str(seed)}
    done = subprocess.run([python, "-c", BEGIN + program], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("python", [sys.executable, *other_pythons()])
def test_plain_values_have_equal_fingerprints_in_two_processes(python: str):
    first, second = (run(python, PLAIN, seed) for seed in (1, 2))
    assert {name: value for name, value in first.items() if value.startswith("not: ")} == {}
    assert first == second


def test_arrays_frames_learners_and_figures_have_equal_fingerprints_in_two_processes_and_after_travel():
    first, second = (run(sys.executable, SCIENCE, seed) for seed in (1, 2))
    assert {name: value for name, value in first.items() if value.startswith("not: ")} == {}
    assert first == second
    assert {name: value for name, value in first.items() if name.startswith("copy of ")} == {name: first[name[8:]] for name in first if name.startswith("copy of ")}


# Each pair is two programs' values that must not look alike.
DIFFERENT = [
    ("[1, 2]", "[2, 1]"),
    ("1", "1.0"),
    ("0.1 + 0.2", "0.3"),
    ("0.0", "-0.0"),
    ("True", "1"),
    ("'1'", "1"),
    ("['a', 'b']", "['ab']"),
    ("{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}"),
    ("{1, 2}", "{1, 3}"),
    ("[[], []]", "(lambda a: [a, a])([])"),
    ("lambda: 1", "lambda: 2"),
    ("lambda x=1: x", "lambda x=2: x"),
    ("random.Random(1)", "random.Random(2)"),
    ("types.SimpleNamespace(a=1)", "types.SimpleNamespace(a=2)"),
    ("type('T', (), {'a': 1})", "type('T', (), {'a': 2})"),
    ("collections.deque([1], 2)", "collections.deque([1], 3)"),
    ("(i for i in [1, 2])", "(lambda g: (next(g), g)[1])(i for i in [1, 2])"),
    ("__import__('numpy').arange(3)", "__import__('numpy').arange(3.0)"),
    ("__import__('numpy').zeros((2, 3))", "__import__('numpy').zeros((3, 2))"),
    ("__import__('pandas').Series([1])", "__import__('pandas').Series([1], index=[1])"),
    ("__import__('pandas').Series(['1'])", "__import__('pandas').Series(['2'])"),
    ("__import__('pandas').DataFrame({'a': [1]})", "__import__('pandas').DataFrame({'b': [1]})"),
]


def test_different_values_have_different_fingerprints():
    pairs = ", ".join(f"(one({a}), one({b}), one({a}))" for a, b in DIFFERENT)
    for (a, b), (first, other, again) in zip(DIFFERENT, run(sys.executable, f"print(json.dumps([{pairs}]))")):
        assert first != other, f"{a} looks like {b}"
        assert first == again, f"{a} does not look like itself"


def test_a_folder_counts_as_the_same_place():
    made = run(sys.executable, "print(json.dumps([one('/tmp/a/x', '/tmp/a'), one('/tmp/b/x', '/tmp/b'), one('/tmp/b/x')]))")
    assert made[0] == made[1] != made[2]


def test_what_is_too_large_or_deep_is_said():
    program = "deep = []\nfor _ in range(100_000): deep = [deep]\nprint(json.dumps([one([[]] * 10), one([[] for _ in range(500_000)]), one(deep)]))"
    fine, many, deep = run(sys.executable, program)
    assert not fine.startswith("not: ")
    assert (many, deep) == ("not: it has too many parts", "not: it is nested too deeply")
