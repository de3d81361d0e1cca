"""Whether the tracer sees all that it should, in the Python that runs this.

    python -m oracle.check [EVERY]

prints one JSON object: how many cells and notebooks were traced, how many steps of every EVERYth notebook (6) were replayed with only what they were
seen to read, and what was seen wrongly. Its tricks lean on how CPython looks names up, which differs from version to version. Notebooks with an import or syntax that this
Python does not know are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Optional

if __package__ in (None, ""):
    sys.exit("Run it as ‘python -m oracle.check’ in the folder of the tests.")

from .trace_notebook import isolated, replay, trace

CASES = json.loads((Path(__file__).parents[2] / "core" / "test" / "cases" / "flows.json").read_text())

# What the second cell reads of the first, which is SETUP.
SETUP = "x = 1; k = 2; M = type\nclass B: pass"
READS = [
    ("x + k", "k x"),
    ("[x + k for x in (1, 2)]", "k"),
    ("class A:\n  y = [x * k for _ in range(2)]", "k x"),
    ("class A:\n  y = [x for x in [1]]", ""),
    ("class A:\n  y = [[x for _ in range(k)] for _ in range(2)]", "k x"),
    ("class A:\n  z = {a: x for a in range(k) if a < k}\n  g = lambda s: M", "k x"),
    ("class A:\n  x = x\n  def f(s): return k", "x"),
    ("class A:\n  x = 5\n  y = x", ""),
    ("class A(B, metaclass=M): pass", "B M"),
    ("def f(): return [x for _ in range(k)]\nf()", "k x"),
    ("def f(a=x): return k", "x"),
    ("(lambda: x)()", "x"),
    ("f'{x!r:>{k}}'", "k x"),
    ("eval('x') + globals()['k']", "k x"),
    ("x = 5\nx", ""),
    ("del x", "x"),
    ("x += k", "k x"),
    ("%time x", "x"),
    ("!echo {k}", "k"),
    ("await __import__('asyncio').sleep(0, x)", "x"),
]
NEWER = [
    ((3, 10), "match x:\n  case 1: y = k", "k x"),
    ((3, 12), "class A[T]:\n  y: T = x\ndef g[T: (int)](a: T = k): return a\ntype X = list[M]", "k x"),
    # since 3.14 an annotation is evaluated when somebody asks for it
    ((3, 14), "def f(a: x): pass\nclass A:\n  y: M\nt'{k}'", "k"),
    ((3, 14), "def f(a: x): pass\nf.__annotations__", "x"),
]
TABLE = READS + [(source, reads) for since, source, reads in NEWER if sys.version_info >= since]


def explain_reads(source: str, expected: str) -> Optional[str]:
    """What is wrong with what the cell is seen to read; None where nothing is."""
    status, steps = isolated(trace, [{"step": "a", "source": SETUP}, {"step": "b", "source": source}])
    seen = " ".join(steps["b"]["reads"]) if status == "ok" else steps
    return None if seen == expected else f"{source!r} reads ‘{expected}’, and is seen to read ‘{seen}’."


def explain_truth(case: dict[str, Any], steps: dict[str, Any]) -> Optional[str]:
    """What is wrong with what a notebook of known truth is seen to do; None where nothing is."""
    for step, kinds in case["truth"].items():
        for kind, names in kinds.items():
            seen, known = steps[step][kind], sorted(names)
            # what `import *` brings differs from Python to Python
            if seen != known and not (kind == "binds" and min(len(seen), len(known)) > 30):
                return f"{case['name']}: {step} {kind} {known}, and is seen to have {seen}."
    return None


def main() -> None:
    """Trace all, print."""
    wrong = [explain_reads(source, expected) for source, expected in TABLE]
    notebooks = replayed = 0
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    for index, case in enumerate(CASES):
        status, steps = isolated(trace, case["cells"])
        if status == "ok":
            notebooks += 1
            wrong.append(explain_truth(case, steps))
            outcomes = {} if index % every else replay(case["cells"], steps)
            replayed += len(outcomes)
            wrong += [f"{case['name']}: {step}, replayed: {outcome}" for step, outcome in outcomes.items() if not outcome["ok"]]
        elif not steps.startswith(("ModuleNotFoundError", "ImportError", "SyntaxError")):
            wrong.append(f"{case['name']}: {steps}")
    print(json.dumps({"cells": len(TABLE), "notebooks": notebooks, "replayed": replayed, "wrong": [one for one in wrong if one]}))


if __name__ == "__main__":
    main()
