"""A notebook's globals that tell which names are looked up, however deep in functions, comprehensions, `eval` or `!cmd {x}`.

Python looks global names up through `__getitem__` where the globals are a dict subclass, in functions as well; but it stores them past
`__setitem__`, hence the test of identity in `Recorder.read`. In class bodies it looks past `__getitem__`, too: their names are noted by
calls that `ClassBodies` puts in. Checked on CPython 3.9 to 3.14 by `oracle.check`.
"""

from __future__ import annotations

import ast
from typing import Any, Optional

NOTE = "__oracle_note__"


class Namespace(dict):
    """Globals with a recorder, while there is one."""

    recorder: Optional[Recorder] = None

    def __getitem__(self, name: Any) -> Any:
        value = dict.__getitem__(self, name)
        if Namespace.recorder:
            Namespace.recorder.read(name, value)
        return value

    def get(self, name: Any, default: Any = None) -> Any:
        return self[name] if dict.__contains__(self, name) else default

    def __contains__(self, name: Any) -> bool:
        found = dict.__contains__(self, name)
        if found and Namespace.recorder:
            Namespace.recorder.read(name, dict.__getitem__(self, name))
        return found

    def __setitem__(self, name: Any, value: Any) -> None:
        dict.__setitem__(self, name, value)
        if Namespace.recorder:
            Namespace.recorder.bound.add(name)

    def __delitem__(self, name: Any) -> None:
        if Namespace.recorder and dict.__contains__(self, name):
            Namespace.recorder.read(name, dict.__getitem__(self, name))
        dict.__delitem__(self, name)
        if Namespace.recorder:
            Namespace.recorder.bound.add(name)

    def copy(self) -> Namespace:
        """IPython's var_expand looks names up in a copy."""
        return Namespace(self)


class Recorder:
    """What a cell reads of the values that were there before it."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.before = dict(namespace)
        self.bound: set[Any] = set()
        self.seen: dict[Any, Any] = {}

    def read(self, name: Any, value: Any) -> None:
        if name not in self.bound and name in self.before and self.before[name] is value:
            self.seen[name] = value


def note(name: str, local: dict[str, Any]) -> None:
    """A class body reads a name that is not its own."""
    recorder = Namespace.recorder
    if recorder and name not in local and dict.__contains__(recorder.namespace, name):
        recorder.read(name, dict.__getitem__(recorder.namespace, name))


class ClassBodies(ast.NodeTransformer):
    """In a class body, `x` becomes `(note("x", locals()), x)[1]`; what runs outside of the body, or later, stays as it is."""

    is_inside = False

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.bases = [self.visit(base) for base in node.bases]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.body = self._visit_all(node.body, True)
        return node

    def visit_FunctionDef(self, node: Any) -> ast.AST:
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.args = self.visit(node.args)
        node.body = self._visit_all(node.body, False)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def _visit_all(self, nodes: list[Any], is_inside: bool) -> list[Any]:
        outer, self.is_inside = self.is_inside, is_inside
        visited = [self.visit(node) for node in nodes]
        self.is_inside = outer
        return visited

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        node.args = self.visit(node.args)
        return node

    def _visit_comprehension(self, node: Any) -> ast.AST:
        """Only its first iterable is evaluated in the class body. The rest has a scope of its own, which never sees the body's names; but since
        Python 3.12 its code may stand in the body's, where look-ups go past us: so all its names are noted before."""
        if self.is_inside:
            first = node.generators[0]
            own = {name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
            inner = [name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)]
            first.iter = self.visit(first.iter)
            calls = [_parse(f"{NOTE}({name!r}, {{}})") for name in sorted(set(inner) - own)]
            if calls:
                noted = ast.Subscript(ast.Tuple([*calls, first.iter], ast.Load()), ast.Constant(len(calls)), ast.Load())
                first.iter = ast.copy_location(noted, first.iter)
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not self.is_inside or not isinstance(node.ctx, ast.Load):
            return node
        return ast.copy_location(_parse(f"({NOTE}({node.id!r}, locals()), {node.id})[1]"), node)


def _parse(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body
