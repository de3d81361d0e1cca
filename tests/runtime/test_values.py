"""Values that cross from one step to the next: each line makes one, and asks a question of what arrives, in another process."""

from __future__ import annotations

import json
import os
import re
import sys
import types

import pytest

from .conftest import other_pythons
from .harness import Steps

PLAIN = [
    ("None and booleans", "v = [None, True, False]", "v == [None, True, False] and v[0] is None"),
    ("integers", "v = [0, -1, 2**70, 10**3000]", "v == [0, -1, 2**70, 10**3000]"),
    (
        "floats",
        "v = [0.1, -0.0, float('inf'), 1e-310]",
        "v == [0.1, 0.0, float('inf'), 1e-310] and str(v[1]) == '-0.0'",
    ),
    ("not a number", "v = float('nan')", "v != v"),
    (
        "texts",
        "v = ['', 'ä€\\U0001f600', '\\ud83d' + '\\ude00', '\\x00']",
        "v == ['', 'ä€\\U0001f600', '\\ud83d' + '\\ude00', '\\x00'] and len(v[2]) == 2",
    ),
    (
        "tuples, lists and dicts in each other",
        "v = ((), [], {}, ([1], {'a': (2,)}))",
        "v == ((), [], {}, ([1], {'a': (2,)})) and type(v[3][1]['a']) is tuple",
    ),
    (
        "keys of all kinds",
        "v = {1: 'a', '1': 'b', None: 'c', (1, 2): 'd', 1.5: 'e'}",
        "v == {1: 'a', '1': 'b', None: 'c', (1, 2): 'd', 1.5: 'e'} and list(v)[0] == 1",
    ),
    (
        "matches of regular expressions",
        "import re\nv = [re.match('(?P<a>x)(y)?', 'xz'), re.fullmatch('a|ab', 'ab'), *re.finditer('.', 'abc')]",
        "[m.span() for m in v] == [(0, 1), (0, 2), (0, 1), (1, 2), (2, 3)] and v[0].groups() == ('x', None)",
    ),
    ("a deep list", "v = []\nfor _ in range(300): v = [v]", "str(v).count('[') == 301"),
    ("a long list", "v = list(range(200_000))", "v == list(range(200_000))"),
    (
        "bytes and sets",
        "v = (b'a', bytearray(b'b'), {1}, frozenset([2]), 1j, range(3), ...)",
        "v == (b'a', bytearray(b'b'), {1}, frozenset([2]), 1j, range(3), ...)",
    ),
    ("a list in itself", "v = [1]\nv.append(v)", "v[1] is v"),
    (
        "a dict of subclasses",
        "import collections as c\nv = (c.OrderedDict(a=1), c.Counter('aab'), c.defaultdict(list, a=[1]), c.deque([1], 2))",
        "v[1]['a'] == 2 and v[2]['zz'] == [] and v[3].maxlen == 2",
    ),
    ("booleans are no integers", "v = True", "v is True"),
    ("a subclass of int", "class I(int): pass\nv = I(3)", "v == 3 and type(v).__name__ == 'I'"),
    (
        "dates, paths, decimals",
        "import datetime, pathlib, decimal, uuid\nv = (datetime.date(2024, 1, 2), pathlib.Path('a'), decimal.Decimal('1.5'), uuid.UUID(int=1))",
        "v[1].name == 'a' and v[0].year == 2024 and v[3].int == 1",
    ),
    ("patterns", "import re\nv = re.compile('a+')", "v.match('aa')"),
    ("an exception", "v = ValueError('x')", "v.args == ('x',)"),
    ("in-memory files stay what they are", "import io\nv = io.StringIO('ab')", "v.read() == 'ab'"),
    ("a module", "import json as v", "v is __import__('json')"),
    ("a function of a module", "from os.path import join as v", "v('a', 'b') == 'a/b'"),
    ("a class of a module", "from collections import OrderedDict as v", "v is __import__('collections').OrderedDict"),
]

FUNCTIONS = [
    (
        "a function",
        "def f(a, b=2, *, c=3):\n    'doc'\n    return a + b + c\nv = f",
        "v(1) == 6 and v.__doc__ == 'doc' and v.__name__ == 'f' and v.__module__ == '__main__'",
    ),
    ("a lambda", "v = lambda x: x + 1", "v(1) == 2"),
    (
        "a closure",
        "def make(n):\n    def add(x):\n        return x + n\n    return add\nv = make(3)",
        "v(1) == 4 and v.__qualname__ == 'make.<locals>.add'",
    ),
    (
        "closures that share a cell",
        "def pair():\n    n = 0\n    def up():\n        nonlocal n\n        n += 1\n    def get():\n        return n\n    return up, get\nv = pair()\nv[0]()",
        "(v[0](), v[1]())[1] == 2",
    ),
    (
        "a recursive closure",
        "def make():\n    def fact(n):\n        return 1 if n < 2 else n * fact(n - 1)\n    return fact\nv = make()",
        "v(5) == 120",
    ),
    (
        "an empty cell",
        "def make():\n    def f():\n        return later\n    if False:\n        later = 1\n    return f\nv = make()",
        "raises(NameError, v)",
    ),
    ("a function in its own attributes", "def f(): pass\nf.me = f\nf.n = 3\nv = f", "v.me is v and v.n == 3"),
    ("annotations", "def f(a: int) -> 'str': pass\nv = f", "v.__annotations__ == {'a': int, 'return': 'str'}"),
    ("a partial", "import functools\ndef f(a, b): return a - b\nv = functools.partial(f, b=1)", "v(3) == 2"),
    ("a bound method", "class A:\n    n = 5\n    def m(self): return self.n\nv = A().m", "v() == 5"),
    (
        "a method bound to what lacks it",
        "import types\nclass A: pass\na = A()\na.n = 4\nv = types.MethodType(lambda self: self.n, a)",
        "v() == 4",
    ),
    ("a generator function", "def f():\n    yield 1\nv = f", "list(v()) == [1]"),
    ("an async function", "async def f():\n    return 7\nv = f", "__import__('asyncio').run(v()) == 7"),
    (
        "a decorated function",
        "import functools\ndef deco(g):\n    @functools.wraps(g)\n    def inner(*a): return g(*a) + 1\n    return inner\n@deco\ndef f(x): return x\nv = f",
        "v(1) == 2 and v.__wrapped__(1) == 1",
    ),
    (
        "a cached function",
        "import functools\n@functools.lru_cache(maxsize=8)\ndef f(x): return x\nv = f",
        "v(3) == 3 and v.cache_info().maxsize == 8",
    ),
    (
        "a function that was defined late",
        "def f(): return later_name\nv = [f]\nlater_name = 1",
        "raises(NameError, v[0])",
    ),
    ("a function made by exec", "space = {}\nexec('k = 3\\ndef f(): return k', space)\nv = space['f']", "v() == 3"),
    (
        "built-in functions and methods",
        "v = [len, [1, 2].count, str.upper, 'a'.upper]",
        "v[0]([1]) == 1 and v[1](2) == 1 and v[2]('a') == 'A' and v[3]() == 'A'",
    ),
    ("the namespace itself", "v = {'g': globals()}", "v['g'] is globals()"),
    ("the main module", "import sys\nv = sys.modules['__main__']", "v.__dict__ is globals()"),
    ("sys.stdout", "import sys\nv = sys.stdout", "v is __import__('sys').stdout"),
    (
        "a function with defaults shared with a value",
        "acc = []\ndef f(x, acc=acc): acc.append(x)\nv = (f, acc)",
        "(v[0](1), v[1])[1] == [1]",
    ),
]

CLASSES = [
    (
        "a class whose metaclass does something when a class is made",
        "count = [0]\ndef make():\n    class M(type):\n        def __new__(m, n, b, s):\n            count[0] += 1\n            s['tag'] = n + '!'\n            return super().__new__(m, n, b, s)\n    class A(metaclass=M): pass\n    return A\nv = make()",
        "v.tag == 'A!' and 'count' not in globals()",
    ),
    (
        "a class whose base does something when a class is made",
        "seen = []\ndef make():\n    class B:\n        def __init_subclass__(c): seen.append(c.__name__)\n    class A(B): pass\n    return A\nv = make()\nB = v.__bases__[0]",
        "'seen' not in globals() and v.__bases__[0].__dict__['__init_subclass__'].__func__.__name__ == '__init_subclass__'",
    ),
    (
        "an instance",
        "class A:\n    def __init__(self): self.n = 1\n    def twice(self): return self.n * 2\nv = A()",
        "v.twice() == 2 and type(v).__qualname__ == 'A' and type(v).__module__ == '__main__'",
    ),
    (
        "super and inheritance",
        "class A:\n    def f(self): return 1\nclass B(A):\n    def f(self): return super().f() + 1\nv = B()",
        "v.f() == 2 and type(v).__mro__[1].__name__ == 'A'",
    ),
    (
        "properties and methods of all kinds",
        "class A:\n    @property\n    def p(self): return 1\n    @classmethod\n    def c(cls): return cls.__name__\n    @staticmethod\n    def s(): return 3\nv = A()",
        "(v.p, v.c(), v.s()) == (1, 'A', 3)",
    ),
    (
        "slots",
        "class A:\n    __slots__ = ('a', '__weakref__')\nv = A()\nv.a = 1",
        "v.a == 1 and raises(AttributeError, lambda: setattr(v, 'b', 1))",
    ),
    (
        "a class that knows itself",
        "class A:\n    others = []\nA.others.append(A)\nA.me = A\nv = A",
        "v.me is v and v.others[0] is v",
    ),
    (
        "a class in a class",
        "class A:\n    class B:\n        n = 1\nv = A.B()",
        "v.n == 1 and type(v).__qualname__ == 'A.B'",
    ),
    ("a class in a function", "def make():\n    class A:\n        n = 1\n    return A\nv = make()()", "v.n == 1"),
    (
        "a dataclass",
        "import dataclasses as d\n@d.dataclass(order=True)\nclass P:\n    x: int\n    y: list = d.field(default_factory=list)\n    k: d.InitVar[int] = 3\nv = P(1)",
        "v == type(v)(1) and v.y == [] and __import__('dataclasses').replace(v, x=2, k=1).x == 2 and [f.name for f in __import__('dataclasses').fields(v)] == ['x', 'y']",
    ),
    (
        "a frozen dataclass",
        "import dataclasses as d\n@d.dataclass(frozen=True)\nclass P:\n    x: int\nv = {P(1): 2}",
        "v[next(iter(v))] == 2 and raises(Exception, lambda: setattr(next(iter(v)), 'x', 1))",
    ),
    (
        "an enum",
        "import enum\nclass Color(enum.Enum):\n    RED = 1\n    ROT = 1\n    BLUE = 'b'\n    def low(self): return self.name.lower()\nv = [Color.RED, Color]",
        "v[0] is v[1].RED is v[1].ROT is v[1](1) and v[0].low() == 'red' and len(v[1]) == 2",
    ),
    (
        "flags and int enums",
        "import enum\nclass F(enum.Flag):\n    A = enum.auto()\n    B = enum.auto()\nclass I(enum.IntEnum):\n    X = 3\nv = (F.A | F.B, I.X)",
        "v[0] == type(v[0])(3) and v[1] + 1 == 4",
    ),
    ("an enum by call", "import enum\nC = enum.Enum('C', 'X Y')\nv = C.Y", "v.name == 'Y' and v.value == 2"),
    (
        "a named tuple",
        "import collections\nP = collections.namedtuple('P', 'x y', defaults=[5])\nv = P(1)",
        "v == (1, 5) and v.y == 5 and v._replace(x=2).x == 2 and type(v)._make([3, 4]).y == 4",
    ),
    (
        "a typed named tuple",
        "import typing\nclass P(typing.NamedTuple):\n    x: int\n    y: int = 2\n    def sum(self): return self.x + self.y\nv = P(1)",
        "v.sum() == 3 and v._asdict() == {'x': 1, 'y': 2}",
    ),
    (
        "an abstract class",
        "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def f(self): ...\nclass B(A):\n    def f(self): return 1\n@A.register\nclass C: pass\nv = (A, B(), C())",
        "raises(TypeError, v[0]) and v[1].f() == 1 and isinstance(v[1], v[0]) and isinstance(v[2], v[0])",
    ),
    (
        "a metaclass",
        "class M(type):\n    def hi(cls): return cls.__name__\nclass A(metaclass=M): pass\nv = A",
        "v.hi() == 'A'",
    ),
    (
        "a generic class",
        "import typing\nT = typing.TypeVar('T')\nclass Box(typing.Generic[T]):\n    def __init__(self, x): self.x = x\nv = (Box[int](3), Box)",
        "v[0].x == 3 and v[1][str] is not None",
    ),
    (
        "a class with its own reduce",
        "class R:\n    def __init__(self, n): self.n = n\n    def __reduce__(self): return R, (self.n + 1,)\nv = R(1)",
        "v.n == 2",
    ),
    (
        "an exception class",
        "class E(Exception):\n    pass\nv = E('x')",
        "raises(type(v), lambda: (_ for _ in ()).throw(v))",
    ),
    (
        "operators",
        "class V:\n    def __init__(self, n): self.n = n\n    def __add__(self, o): return V(self.n + o.n)\n    def __eq__(self, o): return self.n == o.n\n    __hash__ = None\nv = V(1)",
        "v == v",
    ),
    (
        "a cached property",
        "import functools\nclass A:\n    @functools.cached_property\n    def p(self): return [1]\nv = A()",
        "v.p is v.p",
    ),
]

NUMPY = [
    (
        "an array",
        "import numpy as np\nv = np.arange(6.0).reshape(2, 3)",
        "v.tolist() == [[0, 1, 2], [3, 4, 5]] and v.flags.writeable and v.flags.c_contiguous",
    ),
    ("an array can be changed", "import numpy as np\nv = np.zeros(100_000)", "(v.__setitem__(0, 1), v.sum())[1] == 1"),
    (
        "order of memory",
        "import numpy as np\nv = np.asfortranarray(np.arange(6).reshape(2, 3))",
        "v.flags.f_contiguous and v.tolist() == [[0, 1, 2], [3, 4, 5]]",
    ),
    (
        "views see the change of what they view",
        "import numpy as np\nw = np.arange(10)\nv = [w, w[2:4], w.reshape(2, 5).T, w[::-1]]",
        "(v[0].__setitem__(3, 99), v[1][1], v[2][3, 0], v[3][6])[1:] == (99, 99, 99)",
    ),
    (
        "two views without their base",
        "import numpy as np\nw = np.arange(10)\nv = [w[:6], w[4:]]\ndel w",
        "(v[0].__setitem__(5, -1), v[1][1])[1] == -1 and v[1].tolist()[2:] == [6, 7, 8, 9]",
    ),
    (
        "a small view of a large array is small",
        "import numpy as np\nv = np.zeros(4_000_000)[::1000]",
        "v.shape == (4000,) and v.sum() == 0",
    ),
    (
        "read-only stays read-only",
        "import numpy as np\nv = np.arange(3)\nv.flags.writeable = False",
        "not v.flags.writeable",
    ),
    (
        "broadcast arrays",
        "import numpy as np\nv = np.broadcast_to(np.array([1, 2]), (3, 2))",
        "v.tolist() == [[1, 2]] * 3 and v.strides[0] == 0",
    ),
    (
        "dtypes",
        "import numpy as np\nv = [np.array(['2024-01-02'], 'M8[D]'), np.array([(1, 2.5)], [('a', 'i4'), ('b', 'f8')]), np.array(['ab', 'c']), np.array([True]), np.array(3.5), np.zeros((0, 3)), np.array([{'a': 1}], object), np.array([1], '>i4')]",
        "str(v[0][0]) == '2024-01-02' and v[1]['b'][0] == 2.5 and v[2][0] == 'ab' and v[4] == 3.5 and v[5].shape == (0, 3) and v[6][0] == {'a': 1} and v[7].dtype.str == '>i4'",
    ),
    (
        "scalars and generators",
        "import numpy as np\nv = (np.float32(1.5), np.random.default_rng(3))\nw = v[1].bit_generator.state",
        "type(v[0]).__name__ == 'float32' and 0 <= v[1].random() < 1",
    ),
    (
        "masked arrays and matrices",
        "import numpy as np\nv = (np.ma.array([1, 2], mask=[0, 1]), np.matrix([[1]]))",
        "v[0].sum() == 1 and type(v[1]).__name__ == 'matrix'",
    ),
    (
        "types of numbers are the ones that all arrays have, so that asking for one takes no view",
        "import numpy as np\nv = [np.zeros(3), np.arange(3), np.ones(2, bool)]",
        "all(__import__('numpy').asarray(a, dtype=k) is a for a, k in zip(v, (float, int, bool)))",
    ),
    ("an array in two places", "import numpy as np\nw = np.arange(3)\nv = {'a': w, 'b': [w]}", "v['a'] is v['b'][0]"),
    (
        "a frame",
        "import pandas as pd\nv = pd.DataFrame({'a': [1, 2], 'b': ['x', None], 'c': pd.Categorical(['u', 'v']), 'd': pd.to_datetime(['2024-01-01', None])}, index=['i', 'j'])",
        "v.loc['i', 'a'] == 1 and v['b'].isna().tolist() == [False, True] and str(v['c'].dtype) == 'category' and v['d'].dt.year.tolist()[0] == 2024",
    ),
    (
        "a frame can be changed",
        "import pandas as pd\nv = pd.DataFrame({'a': range(1000)}, dtype=float)",
        "(v.__setitem__('b', 1), v.__setitem__('a', v['a'] + 1), v.loc.__setitem__((0, 'a'), 7), v['a'].iloc[0], v['b'].sum())[3:] == (7, 1000)",
    ),
    (
        "a frame and its array",
        "import pandas as pd, numpy as np\nw = np.ones((3, 2))\nf = pd.DataFrame(w, columns=['a', 'b'], copy=False)\nv = (f, w)",
        "(v[1].__setitem__((0, 0), 5), v[0].iloc[0, 0])[1] == 5",
    ),
    (
        "a fitted model",
        "from sklearn.linear_model import LinearRegression\nimport numpy as np\nv = LinearRegression().fit(np.arange(4).reshape(-1, 1), [0, 2, 4, 6])",
        "round(float(v.predict([[5]])[0])) == 10",
    ),
    ("a sparse matrix", "import scipy.sparse as s\nv = s.eye(3, format='csr')", "v.sum() == 3"),
    (
        "a figure",
        "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()\nv = ax.plot([1, 2])[0].get_ydata()",
        "list(v) == [1, 2]",
    ),
]

HELPERS = """
def raises(kind, call):
    try:
        call()
    except kind:
        return True
    return False
"""


def arrive(steps: Steps, cases: list) -> dict[str, str]:
    """One step makes the values of all cases, the next answers all questions: title → `True` or what came instead."""
    names = [f"v{number}" for number in range(len(cases))]
    cells = [f"{make}\n{name} = v" for name, (_, make, _) in zip(names, cases)]
    first = steps.run("make", *cells, give=";".join(names))
    if first.status:
        return dict.fromkeys((title for title, *_ in cases), first.stderr)
    check = "import json\nanswers = {}\n" + "\n".join(
        f"try:\n    v = {name}\n    answers[{title!r}] = str(bool({check}))\nexcept BaseException as e:\n    answers[{title!r}] = repr(e)"
        for name, (title, _, check) in zip(names, cases)
    )
    second = steps.run("ask", check + "\nprint(json.dumps(answers))", take=";".join(names), setup=[HELPERS])
    if second.status:
        return dict.fromkeys((title for title, *_ in cases), second.stderr)
    return json.loads(second.stdout)


def rows(cases: list) -> list:
    return [pytest.param(title, id=title) for title, *_ in cases]


@pytest.fixture(scope="module")
def answers(tmp_path_factory, bare_python):
    """What arrived with IPython and packages, and in a bare Python."""
    common = PLAIN + FUNCTIONS + CLASSES
    folders = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    return {
        "ipython": arrive(Steps(folders[0], sys.executable), common + NUMPY),
        "bare": arrive(Steps(folders[1], bare_python), common),
    }


@pytest.mark.parametrize("title", rows(PLAIN + FUNCTIONS + CLASSES))
@pytest.mark.parametrize("kind", ["ipython", "bare"])
def test_value(answers, kind, title):
    assert answers[kind][title] == "True"


@pytest.mark.parametrize("title", rows(NUMPY))
def test_array(answers, title):
    assert answers["ipython"][title] == "True"


@pytest.mark.parametrize("python", other_pythons(), ids=lambda path: path.split("/")[-3])
def test_values_in_other_pythons(tmp_path, python):
    found = arrive(Steps(tmp_path, python), PLAIN + FUNCTIONS + CLASSES)
    assert {title: answer for title, answer in found.items() if answer != "True"} == {}


def test_functions_see_what_the_step_binds_later(steps):
    steps.run("make", "def f(): return scale * 2\nscale = 1\nkept = {'f': f}", give="kept")
    ended = steps.run("use", "scale = 10", "print(kept['f']())\nscale = 20\nprint(kept['f']())", take="kept")
    assert ended.stdout == "20\n40\n"


def test_a_function_run_from_source_is_not_doubled(steps):
    source = "def f(): return 1\nclass A:\n    def m(self): return f()\n"
    steps.run("make", source + "kept = [f, A(), A]", give="kept", setup=[])
    ended = steps.run(
        "use",
        "print(kept[0] is f, type(kept[1]) is A, kept[2] is A, kept[1].m())",
        take="kept",
        setup=[{"kind": "source", "cell": 0, "line": 1, "source": source}],
    )
    # In `command`, source comes before values, as definitions come before their use in a notebook.
    assert (ended.stdout, ended.stderr) == ("True True True 1\n", "")


def test_a_function_that_changed_keeps_its_old_code(bare):
    bare.run("make", "def f(): return 'old'\nkept = f", give="kept")
    ended = bare.run("use", "print(kept(), f())", take="kept", setup=["def f(): return 'new'"])
    assert ended.stdout == "old new\n"


def test_a_class_stays_one_class_over_many_steps(bare):
    bare.run("make", "def make():\n    class A: pass\n    return A\nA = make()\na, b = A(), A()", give="a; b")
    bare.run("left", "c = a", take="a", give="c")
    ended = bare.run("join", "print(type(b) is type(c))", take="b; c")
    assert ended.stdout == "True\n"


def test_random_states_go_on(bare):
    whole = bare.run("whole", "import random\nrandom.seed(1)\nrandom.random()\nprint(random.random())")
    bare.run("make", "import random\nrandom.seed(1)\nx = random.random()", give="x", states=["random"])
    assert bare.run("use", "import random\nprint(random.random())", take="x", states=["random"]).stdout == whole.stdout


def test_numpy_random_state_goes_on(ipython):
    whole = ipython.run("whole", "import numpy as np\nnp.random.seed(1)\nnp.random.normal()\nprint(np.random.normal())")
    ipython.run(
        "make",
        "import numpy as np\nnp.random.seed(1)\nx = np.random.normal()",
        give="x",
        states=["random", "numpy.random", "torch.random"],
    )
    assert (
        ipython.run(
            "use",
            "import numpy as np\nprint(np.random.normal())",
            take="x",
            states=["random", "numpy.random", "torch.random"],
        ).stdout
        == whole.stdout
    )


def test_a_name_without_value_stays_without(bare):
    made = bare.run("make", "a = 1\nif a > 1:\n    b = 2\nc = 3\ndel c", give="a b c")
    (artifact,) = made.output["artifacts"]["a_b_c"]["artifacts"]
    assert artifact["metadata"] == {"variables": [{"name": "a", "type": "int", "summary": "1"}], "absent": ["b", "c"]}
    assert bare.run("use", "print(a, 'b' in globals(), 'c' in globals())", take="a b c").stdout == "1 False False\n"


def test_a_step_may_take_some_names_of_a_bundle(bare):
    bare.run("make", "a, b = {1}, {2}", give="a b")
    assert bare.run("use", "print(b, 'a' in globals())", take="a b", wanted="b").stdout == "{2} False\n"


def test_plain_data_are_written_without_code(bare):
    bare.run("make", "a = {'x': [1, (2,)]}", give="a")
    assert b'"encoding": "json"' in (bare.folder / "a").read_bytes()


def test_summaries(ipython):
    made = ipython.run(
        "make",
        "import numpy as np, pandas as pd\na = np.zeros((2, 3))\nb = pd.DataFrame({'x': [1]})\nc = list(range(10))\nd = 'x' * 100\ne = np.float64(1.5)\nf = {'lr': 0.1}\nclass K: pass\ng = K()",
        give="a b c d e f g",
    )
    (artifact,) = made.output["artifacts"]["a_b_c_d_e_f_g"]["artifacts"]
    assert [(item["type"], item["summary"]) for item in artifact["metadata"]["variables"]] == [
        ("numpy.ndarray", "(2, 3) float64"),
        ("pandas.DataFrame", "1 rows × 1 columns"),
        ("list", "10 items"),
        ("str", "100 characters"),
        ("numpy.float64", "np.float64(1.5)"),
        ("dict", "{'lr': 0.1}"),
        ("K", ""),
    ]


def test_a_large_array_is_mapped_and_stays_writable(ipython):
    code = (
        "import numpy as np, mmap, gc\nfrom sluice_runtime import values, contract\n"
        "namespace = {'v': np.random.default_rng(0).random(2_500_000)}\nstep = contract.Step('p', 's', None, None, [], [], [], [])\n"
        "values.write('big', namespace, contract.Output('big', ['v'], []), step)\n"
        "v = values.read(contract.Artifact('big', '', 'big', {}), contract.Value('big', ['v'], [])).variables['v']\n"
        "base = v\nwhile isinstance(base, np.ndarray): base = base.base\n"
        "print(type(getattr(base, 'obj', base)).__name__, (v == namespace['v']).all(), v.flags.writeable)\n"
        "v[0] = 5\n"
        "again = values.read(contract.Artifact('big', '', 'big', {}), contract.Value('big', ['v'], [])).variables['v']\n"
        "print(again[0] == namespace['v'][0])"
    )
    ended = ipython.run("map", code)
    assert ended.status == 0, ended.stderr
    assert ended.stdout == "mmap True True\nTrue\n"


#: what needs no pickle, and for comparison what does: made of `np` and `pd`
CODELESS = [
    "{'lr': 0.1, 'n': (1, [2, None])}",
    "np.arange(12.0).reshape(3, 4)[:, ::2]",
    "np.asfortranarray(np.ones((2, 3), 'f4'))",
    "{'a': np.array(['x', 'yz']), 'b': [np.array('2024-01-02', 'M8[D]'), np.array([True, False])]}",
    "np.arange(3, dtype='>i2')",
    "[np.float64('nan'), np.float32(0.1), np.int8(-3), np.bool_(True)]",
    "pd.DataFrame({'a': [1, 2], 'b': [0.5, None], 'c': ['x', None], 'd': [True, False], 'e': [3, 4]})",
    "pd.DataFrame({'a': [1, 2]}, index=['p', 'q'])",
    "pd.DataFrame({'t': pd.to_datetime(['2024-01-01', None]), 'n': [1, 2]}, index=pd.Index([5, 6], name='k'))",
    "pd.DataFrame(np.ones((3, 2)), index=pd.date_range('2024-01-01', periods=3, freq='D'))",
    "pd.DataFrame({0: [1], 1: [2]}, index=pd.Index([0.5]))",
    "pd.DataFrame({'a': range(5)})[1:4]",
    "pd.Series([1, 2, 3], name='s')",
    "pd.Series(['a', 'b'], index=pd.RangeIndex(2, 6, 2), dtype=object).index",
    "pd.Series(['a', None], dtype='string')",
    "pd.Series(['a', 'b'])",
    "pd.Index(['a', 'b'], dtype=object, name='i')",
]
PICKLED = [
    "np.array([{}, None])",
    "np.ma.array([1, 2], mask=[0, 1])",
    "np.zeros(1, [('n', 'i4')])",
    "np.complex128(1j)",
    "pd.Series(['a', 1])",
    "pd.Series(['a', 'b'], dtype='category')",
    "pd.DataFrame({'a': [1]}, index=pd.MultiIndex.from_tuples([(1, 2)]))",
    "pd.Series(pd.date_range('2024-01-01', periods=2, tz='UTC'))",
    "(lambda frame: [frame.attrs.update(a=1), frame])(pd.DataFrame({'a': [1]}))[1]",
    "(lambda index: [pd.Series([1], index=index), pd.Series([2], index=index)])(pd.Index(['a']))",
]


@pytest.mark.parametrize(("encoding", "source"), [("json", case) for case in CODELESS] + [("pickle", case) for case in PICKLED])
def test_arrays_and_tables_are_written_without_code(tmp_path, encoding, source):
    import numpy as np
    import pandas as pd

    from jupyterlab_sluice.runtime import contract, values

    path, value = str(tmp_path / "v"), eval(source, {"np": np, "pd": pd})
    step = contract.Step("p", "s", None, None, [], [], [], [])
    values.write(path, {"v": value}, contract.Output("v", ["v"], []), step)
    artifact, item = contract.Artifact("v", "", path, {}), contract.Value("v", ["v"], [])
    assert values.check(artifact, item)[1]["encoding"] == encoding
    if encoding == "json":
        assert _told(values.read(artifact, item).variables["v"]) == _told(value)


def _told(value):
    """All that can be seen of plain values, arrays and tables."""
    import numpy as np
    import pandas as pd

    if isinstance(value, dict):
        return {name: _told(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [_told(item) for item in value]
    if isinstance(value, pd.DataFrame):
        blocks = [(block.mgr_locs.as_array.tolist(), _told(block.values)) for block in value._mgr.blocks]
        return _told(value.index), _told(value.columns), blocks
    if isinstance(value, pd.Series):
        return _told(value.index), _told(value.array), value.name
    if isinstance(value, pd.Index):
        return type(value), value.dtype, value.name, getattr(value, "freq", None), _told(value.array)
    if isinstance(value, np.ndarray):
        return value.dtype.char, value.dtype, value.shape, value.flags.writeable, repr(value.tolist())
    return type(value), repr(value)


def test_only_what_changed_is_written_again(tmp_path):
    import numpy

    from jupyterlab_sluice.runtime import contract, values

    step = contract.Step("p", "s", None, None, [], [], [], [])
    output, item = contract.Output("b", ["v"], []), contract.Value("b", ["v"], [])
    paths = [str(tmp_path / name / "b") for name in ("made", "same", "other", "mended")]
    made, same, other, mended = paths
    artifacts = {path: contract.Artifact("b", "", path, {}) for path in paths}
    values.write(made, {"v": [numpy.ones(1_000_000), "x"]}, output, step)
    namespace = values.read(artifacts[made], item).variables
    values.write(same, namespace, output, step._replace(name="later"), [(artifacts[made], item)])
    assert os.path.samefile(made, same)
    namespace["v"][0][-1] = 2
    values.write(other, namespace, output, step, [(artifacts[made], item)])
    assert not os.path.samefile(made, other)
    assert [values.read(artifacts[path], item).variables["v"][0][-1] for path in (same, other)] == [1, 2]
    with open(other, "r+b") as file:
        file.seek(-1, 2)
        file.write(b"?")
    values.write(mended, namespace, output, step, [(artifacts[other], item)])
    assert values.read(artifacts[mended], item).variables["v"][0][-1] == 2


DAMAGES = [
    ("a byte of the stream", lambda data: data[:-40000] + bytes([data[-40000] ^ 1]) + data[-39999:]),
    ("the last byte of an array", lambda data: _flip(data, data.rindex(b"\x3f"))),
    ("the header", lambda data: _flip(data, 100)),
    ("the end is missing", lambda data: data[:-100]),
    ("empty", lambda data: b""),
    ("something else", lambda data: b"PK" + data),
    ("a length beyond the end", lambda data: data[:8] + b"\xff" * 8 + data[16:]),
]


def _flip(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


@pytest.mark.parametrize("size", [10_000, 1_000_000])
def test_damage_is_found(tmp_path, size):
    import numpy

    from jupyterlab_sluice.runtime import contract, problems, values

    path = str(tmp_path / "b")
    step = contract.Step("p", "maker", None, None, [], [], [], [])
    item, artifact = contract.Value("b", ["v"], []), contract.Artifact("b", "", path, {})
    values.write(path, {"v": [numpy.ones(size), object]}, contract.Output("b", ["v"], []), step)
    whole = open(path, "rb").read()
    for _, damage in DAMAGES:
        with open(path, "wb") as file:
            file.write(damage(whole))
        with pytest.raises(problems.DamagedBundle, match="‘b’ .‘v’.*again"):
            values.read(artifact, item)
    with open(path, "wb") as file:  # a copy has another time, and is whole
        file.write(whole)
    assert values.read(artifact, item).variables["v"][0].sum() == size
    os.unlink(path)
    with pytest.raises(problems.DamagedBundle, match="missing"):
        values.read(artifact, item)


def test_a_damaged_input_ends_the_step_with_4(steps):
    steps.run("make", "a = {1}", give="a")
    path = steps.folder / "a"
    path.write_bytes(_flip(path.read_bytes(), 300))
    ended = steps.run("use", "print(a)", take="a")
    assert (ended.status, ended.stdout, ended.failure["name"]) == (4, "", "damaged-input")
    assert re.search("The input ‘a’ .* damaged.*Run .* again", ended.failure["message"])
    assert ended.notebook and ended.output


def test_sums_are_the_same_without_numpy(monkeypatch):
    import builtins
    import random

    from jupyterlab_sluice.runtime import values

    data = memoryview(random.Random(1).randbytes(600_001))

    def find_sum():
        check = values.CHECKS["sums"]()
        check.add(data)
        return check.hexdigest()

    quick = find_sum()
    true_import = builtins.__import__

    def fake(name, *rest):
        if name == "numpy":
            raise ImportError(name)
        return true_import(name, *rest)

    monkeypatch.setattr(builtins, "__import__", fake)
    assert find_sum() == quick


TRAVELERS = [
    (
        "an open file",
        "v = open('f', 'w')",
        "‘v’ is an open file (_io.TextIOWrapper), which exists only in this process.",
    ),
    (
        "deep inside",
        "class M: pass\nv = M()\nv.cb = [open('f', 'w')]",
        "‘v’ contains an open file (_io.TextIOWrapper) at v.cb[0], which",
    ),
    (
        "in a dict",
        "v = {'a': [1, {'b': (x for x in [])}]}",
        "‘v’ contains a generator (generator) at v['a'][1]['b'], which",
    ),
    ("a lock", "import threading\nv = threading.Lock()", "‘v’ is a lock (_thread.lock), which"),
    ("a thread", "import threading\nv = threading.Thread()", "‘v’ contains"),
    ("a socket", "import socket\nv = socket.socket()", "‘v’ is a socket (socket.socket), which"),
    (
        "a database connection",
        "import sqlite3\nv = sqlite3.connect(':memory:')",
        "‘v’ is a connection (sqlite3.Connection), which",
    ),
    (
        "a closure over a file",
        "def make():\n    f = open('f', 'w')\n    return lambda: f\nv = make()",
        "at v (closure ‘f’), which",
    ),
    ("a default of a function", "def g(f=open('f', 'w')): pass\nv = g", "at v.__defaults__[0], which"),
    ("a partial", "import functools, threading\nv = functools.partial(print, threading.Lock())", "at v.args[0], which"),
    (
        "a bound method",
        "class A:\n    def m(self): pass\na = A()\na.f = (x for x in '')\nv = a.m",
        "at v.__self__.f, which",
    ),
    ("an attribute of a class", "class A:\n    f = (x for x in '')\nv = A()", "at v (its class).f, which"),
    ("slots", "class A:\n    __slots__ = 'f'\nv = A()\nv.f = (x for x in '')", "at v.f, which"),
    (
        "a temporary folder",
        "import tempfile\nv = tempfile.TemporaryDirectory()",
        "‘v’ is a temporary folder (tempfile.TemporaryDirectory), which",
    ),
    (
        "a temporary file",
        "import tempfile\nv = tempfile.NamedTemporaryFile()",
        "‘v’ contains an open file (_io.BufferedRandom) at v.file, which",
    ),
    ("a mapped file", "import mmap\nv = mmap.mmap(-1, 10)", "‘v’ is a mapped file (mmap.mmap), which"),
    ("a process", "import subprocess\nv = subprocess.Popen('true')", "at v."),
    ("a weak reference", "import weakref\nclass A: pass\na = A()\nv = weakref.ref(a)", "‘v’ is a weak reference"),
    (
        "its own refusal",
        "class A:\n    def __reduce__(self): raise TypeError('not me')\nv = A()",
        "‘v’ is of type ‘A’, which cannot be saved: not me.",
    ),
    ("too deep", "v = []\nfor _ in range(10**5): v = [v]", "‘v’ is nested too deeply to be saved."),
    ("a module made at run time", "import types\nv = types.ModuleType('mine')", "a module made at run time (‘mine’)"),
]


@pytest.mark.parametrize("title, make, message", TRAVELERS, ids=[title for title, *_ in TRAVELERS])
def test_what_cannot_travel_is_named(tmp_path, monkeypatch, title, make, message):
    from jupyterlab_sluice.runtime import contract, problems, values

    main = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.chdir(tmp_path)
    exec(make, main.__dict__)
    step = contract.Step("p", "train", None, None, [], [], [], [])
    with pytest.raises(problems.CannotTravel) as raised:
        values.write(str(tmp_path / "v"), main.__dict__, contract.Output("v", ["v"], []), step)
    text = str(raised.value)
    assert text.startswith("Step ‘train’ cannot give ‘v’ to later steps. ") and message in text
    assert not (tmp_path / "v").exists()


def test_a_step_whose_value_cannot_travel_ends_with_3(steps):
    ended = steps.run("train", "class M: pass\nmodel = M()\nmodel.cb = [open('f', 'w')]", give="model")
    assert (ended.status, ended.failure["name"]) == (3, "cannot-travel")
    assert ended.failure["message"] == (
        "Step ‘train’ cannot give ‘model’ to later steps. ‘model’ contains an open file (_io.TextIOWrapper) at model.cb[0], which exists only in this process. "
        "Create it in the step that uses it, or keep what later steps need of it in plain values."
    )
    assert ended.failure["message"] in ended.stderr
    assert ended.notebook and not (steps.folder / "model").exists()


def test_all_that_cannot_travel_is_named_at_once(ipython):
    ended = ipython.run("train", "a = 1\nf = open('f', 'w')\ng = (x for x in '')", give="a f g")
    assert "‘f’ and ‘g’" in ended.failure["message"] and "‘a’" not in ended.failure["message"]


def test_a_missing_package_is_named(ipython, tmp_path, bare_python):
    ipython.run("make", "import numpy as np\na = np.float64(1)", give="a")
    ended = Steps(tmp_path, bare_python).run("use", "a", take="a")
    assert (
        ended.status == 4
        and "‘a’ from step ‘make’ cannot be read here: No module named 'numpy'. Install" in ended.stderr
    )


def test_nothing_is_left_of_a_write_that_failed(bare):
    bare.run("make", "a = open('f', 'w')", give="a")
    assert not [path for path in bare.folder.iterdir() if ".part" in path.name]
