"""Print what CPython's parser makes of the standard library's files, one JSON object a line.

The truth that core/test/python/ast.test.ts holds our syntax tree to. Usage: ast_truth.py EVERY prints every EVERYth
file. A line is {"path", "source", "statements"}, with a digest for each top-level statement; `--show PATH LINE`
prints the canonical form of one statement instead. Offsets are UTF-16 units; strings become a number.
"""

from __future__ import annotations

import ast
import hashlib
import json
import sys
import sysconfig
import tokenize
import warnings
from pathlib import Path

OPERATORS = {
    "Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "Mod": "%", "Pow": "**", "FloorDiv": "//", "MatMult": "@",
    "BitOr": "|", "BitAnd": "&", "BitXor": "^", "LShift": "<<", "RShift": ">>",
    "And": "and", "Or": "or", "Not": "not", "USub": "-", "UAdd": "+", "Invert": "~",
    "Eq": "==", "NotEq": "!=", "Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">=",
    "Is": "is", "IsNot": "is not", "In": "in", "NotIn": "not in",
}  # fmt: skip


def units(text: str) -> int:
    """Return the length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Canon:
    """Turns nodes into nested lists that JSON writes the same everywhere."""

    def __init__(self, source: str) -> None:
        self.lines = [line.encode() for line in source.split("\n")]
        self.starts = [0]
        for line in source.split("\n"):
            self.starts.append(self.starts[-1] + units(line) + 1)
        self.formatted = 0

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a place; 0 inside f-strings, where Python 3.11 counts wrongly."""
        if self.formatted:
            return 0
        return self.starts[line - 1] + units(self.lines[line - 1][:column].decode())

    def span(self, node: ast.AST) -> list:
        """Return where a node begins and ends."""
        return [self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)]

    def all(self, nodes: list) -> list:
        """Return the canonical form of each node."""
        return [self.one(node) for node in nodes]

    def one(self, node: ast.AST | None) -> list | None:
        """Return the canonical form of a node."""
        if node is None:
            return None
        return getattr(self, type(node).__name__)(node)

    def Assign(self, n):
        return ["Assign", self.all(n.targets), self.one(n.value), self.span(n)]

    def AugAssign(self, n):
        return ["Aug", self.one(n.target), OPERATORS[type(n.op).__name__], self.one(n.value), self.span(n)]

    def AnnAssign(self, n):
        return ["Ann", self.one(n.target), self.one(n.annotation), self.one(n.value), self.span(n)]

    def Delete(self, n):
        def flat(target):
            return sum(map(flat, target.elts), []) if isinstance(target, (ast.Tuple, ast.List)) else [self.one(target)]

        return ["Delete", sum(map(flat, n.targets), []), self.span(n)]

    def Expr(self, n):
        return ["Expr", self.one(n.value)]

    def Return(self, n):
        return ["Return", self.one(n.value), self.span(n)]

    def Raise(self, n):
        return ["Raise", self.one(n.exc), self.one(n.cause), self.span(n)]

    def Assert(self, n):
        return ["Assert", self.one(n.test), self.one(n.msg), self.span(n)]

    def Global(self, n):
        return ["Global", n.names]

    def Nonlocal(self, n):
        return ["Nonlocal", n.names]

    def Import(self, n):
        return ["Import", [[a.name, a.asname, self.span(a)] for a in n.names], self.span(n)]

    def ImportFrom(self, n):
        names = [[a.name, a.asname, self.span(a)] for a in n.names]
        return ["ImportFrom", "." * n.level + (n.module or ""), names, self.span(n)]

    def If(self, n):
        return ["If", self.one(n.test), self.all(n.body), self.all(n.orelse), self.span(n)]

    def While(self, n):
        return ["While", self.one(n.test), self.all(n.body), self.all(n.orelse), self.span(n)]

    def For(self, n, is_async=False):
        parts = [self.one(n.target), self.one(n.iter), self.all(n.body), self.all(n.orelse)]
        return ["For", is_async, *parts, self.span(n)]

    def AsyncFor(self, n):
        return self.For(n, True)

    def Try(self, n):
        handlers = [[self.one(h.type), h.name, self.all(h.body), self.span(h)] for h in n.handlers]
        return ["Try", self.all(n.body), handlers, self.all(n.orelse), self.all(n.finalbody), self.span(n)]

    TryStar = Try

    def With(self, n, is_async=False):
        items = [[self.one(i.context_expr), self.one(i.optional_vars)] for i in n.items]
        return ["With", is_async, items, self.all(n.body), self.span(n)]

    def AsyncWith(self, n):
        return self.With(n, True)

    def Match(self, n):
        cases = []
        for case in n.cases:
            reads, captures = [], []
            self.pattern(case.pattern, reads, captures)
            is_always = self.is_irrefutable(case.pattern) and case.guard is None
            cases.append([reads, captures, is_always, self.one(case.guard), self.all(case.body)])
        return ["Match", self.one(n.subject), cases, self.span(n)]

    def pattern(self, p, reads, captures):
        kind = type(p).__name__
        if kind == "MatchValue" and isinstance(p.value, ast.Attribute):
            reads.append(self.one(p.value))
        elif kind in ("MatchSequence", "MatchOr"):
            for inner in p.patterns:
                self.pattern(inner, reads, captures)
        elif kind == "MatchMapping":
            for key, inner in zip(p.keys, p.patterns):
                if isinstance(key, ast.Attribute):
                    reads.append(self.one(key))
                self.pattern(inner, reads, captures)
            if p.rest:
                captures.append(p.rest)
        elif kind == "MatchClass":
            reads.append(self.one(p.cls))
            for inner in p.patterns + p.kwd_patterns:
                self.pattern(inner, reads, captures)
        elif kind in ("MatchAs", "MatchStar"):
            if getattr(p, "pattern", None):
                self.pattern(p.pattern, reads, captures)
            if p.name:
                captures.append(p.name)

    def is_irrefutable(self, p):
        if isinstance(p, ast.MatchOr):
            return self.is_irrefutable(p.patterns[-1])
        return isinstance(p, ast.MatchAs) and (p.pattern is None or self.is_irrefutable(p.pattern))

    def FunctionDef(self, n, is_async=False):
        parts = [self.all(n.decorator_list), self.parameters(n.args), self.one(n.returns), self.all(n.body)]
        return ["Def", is_async, n.name, *parts, self.span(n)[1]]

    def AsyncFunctionDef(self, n):
        return self.FunctionDef(n, True)

    def ClassDef(self, n):
        parts = [self.all(n.decorator_list), self.all(n.bases), self.keywords(n.keywords), self.all(n.body)]
        return ["Class", n.name, *parts, self.span(n)[1]]

    def parameters(self, a):
        positional = a.posonlyargs + a.args
        defaults = [None] * (len(positional) - len(a.defaults)) + a.defaults
        rows = [
            [p, "positional-only" if i < len(a.posonlyargs) else "positional", d]
            for i, (p, d) in enumerate(zip(positional, defaults))
        ]
        rows += [[a.vararg, "var-positional", None]] if a.vararg else []
        rows += [[p, "keyword-only", d] for p, d in zip(a.kwonlyargs, a.kw_defaults)]
        rows += [[a.kwarg, "var-keyword", None]] if a.kwarg else []
        return [[p.arg, kind, self.one(p.annotation), self.one(d)] for p, kind, d in rows]

    def keywords(self, keywords):
        return [[k.arg, self.one(k.value)] for k in keywords]

    def Pass(self, n):
        return ["Pass", self.span(n)]

    def Break(self, n):
        return ["Break", self.span(n)]

    def Continue(self, n):
        return ["Continue", self.span(n)]

    def Name(self, n):
        return [n.id, *self.span(n)]

    def Constant(self, n):
        v = n.value
        kind = {bool: "bool", type(None): "none", int: "int", type(...): "ellipsis"}.get(type(v), type(v).__name__)
        if kind in ("str", "bytes"):
            data = v.encode("utf-16-le", "surrogatepass") if kind == "str" else v
            step = 2 if kind == "str" else 1
            number = 7
            for i in range(0, len(data), step):
                number = (number * 31 + int.from_bytes(data[i : i + step], "little")) % 1000003
            return ["Constant", kind, number, self.span(n)]
        is_told = kind in ("bool", "none") or (kind == "int" and abs(v) < 2**53)
        return ["Constant", kind, v if is_told else None, self.span(n)]

    def Attribute(self, n):
        return ["Attribute", self.one(n.value), n.attr, self.span(n)]

    def Subscript(self, n):
        return ["Subscript", self.one(n.value), self.one(n.slice), self.span(n)]

    def Slice(self, n):
        return ["Operation", "slice", self.all([p for p in (n.lower, n.upper, n.step) if p])]

    def Call(self, n):
        return ["Call", self.one(n.func), self.all(n.args), self.keywords(n.keywords), self.span(n)]

    def Lambda(self, n):
        return ["Lambda", self.parameters(n.args), self.one(n.body), self.span(n)]

    def comprehension(self, n, kind, elements):
        generators = [
            [self.one(g.target), self.one(g.iter), self.all(g.ifs), bool(g.is_async)] for g in n.generators
        ]
        return ["Comprehension", kind, self.all(elements), generators, self.span(n)]

    def ListComp(self, n):
        return self.comprehension(n, "list", [n.elt])

    def SetComp(self, n):
        return self.comprehension(n, "set", [n.elt])

    def GeneratorExp(self, n):
        return self.comprehension(n, "generator", [n.elt])

    def DictComp(self, n):
        return self.comprehension(n, "dict", [n.key, n.value])

    def collection(self, kind, elements):
        return ["Collection", kind, elements]

    def Tuple(self, n):
        return self.collection("tuple", self.all(n.elts))

    def List(self, n):
        return self.collection("list", self.all(n.elts))

    def Set(self, n):
        return self.collection("set", self.all(n.elts))

    def Dict(self, n):
        elements = []
        for key, value in zip(n.keys, n.values):
            elements += [["Starred", self.one(value)]] if key is None else [self.one(key), self.one(value)]
        return self.collection("dict", elements)

    def BinOp(self, n):
        return ["Binary", OPERATORS[type(n.op).__name__], self.one(n.left), self.one(n.right)]

    def BoolOp(self, n):
        return ["Operation", OPERATORS[type(n.op).__name__], self.all(n.values)]

    def UnaryOp(self, n):
        return ["Operation", OPERATORS[type(n.op).__name__], [self.one(n.operand)]]

    def Compare(self, n):
        operators = " ".join(OPERATORS[type(op).__name__] for op in n.ops)
        return ["Operation", operators, self.all([n.left, *n.comparators])]

    def IfExp(self, n):
        return ["Conditional", self.one(n.test), self.one(n.body), self.one(n.orelse)]

    def JoinedStr(self, n):
        self.formatted += 1
        holes = []
        for value in n.values:
            if isinstance(value, ast.FormattedValue):
                holes.append(self.one(value.value))
                if value.format_spec:
                    holes += self.one(value.format_spec)[1]
        self.formatted -= 1
        return ["Formatted", holes]

    def NamedExpr(self, n):
        return ["Named", self.one(n.target), self.one(n.value)]

    def Starred(self, n):
        return ["Starred", self.one(n.value)]

    def Await(self, n):
        return ["Await", self.one(n.value)]

    def Yield(self, n):
        return ["Yield", False, self.one(n.value)]

    def YieldFrom(self, n):
        return ["Yield", True, self.one(n.value)]


def write(node: list) -> str:
    """Return the canonical text of a statement."""
    return json.dumps(node, separators=(",", ":"), ensure_ascii=False)


def main() -> None:
    """Print the truth for each file that this Python accepts."""
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10000)
    root = Path(sysconfig.get_path("stdlib"))
    if sys.argv[1] == "--show":
        source = (root / sys.argv[2]).read_text()
        canon = Canon(source)
        for statement in ast.parse(source).body:
            if statement.lineno <= int(sys.argv[3]) <= statement.end_lineno:
                print(write(canon.one(statement)))
        return
    paths = sorted(path for path in root.rglob("*.py") if "site-packages" not in path.parts)
    for path in paths[:: int(sys.argv[1])]:
        try:
            with tokenize.open(path) as file:
                source = file.read()
            body = ast.parse(source).body
            compile(source, str(path), "exec")
        except (SyntaxError, ValueError, UnicodeError, RecursionError, MemoryError):
            continue
        if "\f" in source or "\r" in source or "\\N{" in source:
            continue
        canon = Canon(source)
        digests = [[node.lineno, hashlib.sha1(write(canon.one(node)).encode()).hexdigest()] for node in body]
        print(json.dumps({"path": str(path.relative_to(root)), "source": source, "statements": digests}))


if __name__ == "__main__":
    main()
