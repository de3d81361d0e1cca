"""Which imports a step begins with. What stands before the first statement that could change how an import turns out
(a call, an environment variable, a magic) may be imported ahead of the step, and nothing else.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import site
import sys
import sysconfig
import warnings
from pathlib import Path
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

#: start threads or GPU contexts of their own, or are known not to live through a fork; or do more than be imported
DENIED = frozenset(
    "torch torchvision torchaudio tensorflow keras jax jaxlib cupy cudf cuml mxnet paddle onnxruntime ray pyspark grpc "
    "polars tkinter turtle antigravity this idlelib".split()
)


class Import(NamedTuple):
    """`import module`, or `from module import names`."""

    module: str
    names: Tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The package that is looked for on sys.path."""
        return self.module.partition(".")[0]

    def parts(self) -> Iterator["Import"]:
        """The packages that Python imports on the way there, and the import itself."""
        parents = self.module.split(".")[:-1]
        for length in range(1, len(parents) + 1):
            yield Import(".".join(parents[:length]))
        yield self


def to_import(written: List[Any]) -> Import:
    """Of its JSON."""
    return Import(written[0], tuple(written[1]))


def leading_imports(args: List[str], unsafe: Set[str]) -> Tuple[Import, ...]:
    """The imports that the step of these arguments begins with, each in its parts, up to the first that is better left to the step."""
    found: List[Import] = []
    for item in _imports(_step(args)):
        if item is None or item.root in unsafe or not is_trusted(item.root):
            break
        found += [part for part in item.parts() if part not in found]
    return tuple(found)


def _step(args: List[str]) -> Dict[str, Any]:
    text = "".join(value for name, value in zip(args, args[1:]) if name == "--step")
    try:
        step = json.loads(text)
    except ValueError:
        return {}
    return step if isinstance(step, dict) else {}


def _imports(step: Dict[str, Any]) -> Iterator[Optional[Import]]:
    # values are bound in between, which runs none of the user's code
    sources = [item.get("source") for item in step.get("setup") or () if item.get("kind") == "source"]
    for source in [*sources, *(cell.get("source") for cell in step.get("cells") or ())]:
        body, is_whole = _parse(source)
        for statement in body:
            yield from _imports_of(statement)
        if not is_whole:
            yield None


def _parse(source: Any) -> Tuple[List[ast.stmt], bool]:
    if not isinstance(source, str):
        return [], False
    lines = source.splitlines(keepends=True)
    magic = next((i for i, line in enumerate(lines) if line.lstrip()[:1] in ("%", "!", "?")), len(lines))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse("".join(lines[:magic])).body, magic == len(lines)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return [], False


def _imports_of(statement: ast.stmt) -> Iterator[Optional[Import]]:
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield Import(alias.name)
    elif isinstance(statement, ast.ImportFrom):
        if statement.level or statement.module is None:
            yield None
        elif statement.module != "__future__":
            yield Import(statement.module, tuple(sorted(alias.name for alias in statement.names)))
    elif not _is_inert(statement):
        yield None


def _is_inert(statement: ast.stmt) -> bool:
    """Whether it runs nothing: a function's definition, a literal."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
        args = statement.args
        defaults = [*args.defaults, *(default for default in args.kw_defaults if default)]
        annotations = [
            arg.annotation for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg] if arg
        ]
        return (
            not statement.decorator_list
            and all(_is_literal(default) for default in defaults)
            and all(note is None or _is_plain(note) for note in [*annotations, statement.returns])
        )
    if isinstance(statement, ast.Assign):
        return _is_literal(statement.value) and all(isinstance(target, ast.Name) for target in statement.targets)
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _is_plain(node: ast.expr) -> bool:
    return all(isinstance(part, (ast.Name, ast.Constant, ast.Attribute, ast.expr_context)) for part in ast.walk(node))


_trusted: Dict[str, bool] = {}


def is_trusted(root: str) -> bool:
    """Whether a package is an installed one: of the standard library or in site-packages, not the user's own."""
    if root in DENIED:
        return False
    if root not in _trusted:
        _trusted[root] = root in sys.builtin_module_names or _is_installed(root)
    return _trusted[root]


def _is_installed(root: str) -> bool:
    try:
        spec = importlib.util.find_spec(root)
    except (ImportError, ValueError, AttributeError):
        return False
    if spec is None or spec.origin is None:
        return False
    if spec.origin in ("built-in", "frozen"):
        return True
    parents = Path(spec.origin).parents
    return any(folder in parents for folder in _installed_folders())


def _installed_folders() -> List[Path]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    return [Path(folder) for folder in [*folders, *site.getsitepackages(), site.getusersitepackages()]]
