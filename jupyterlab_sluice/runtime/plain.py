"""Runs cells in a Python that has no IPython: the last expression is shown, top-level `await` works, `!command` too.

Of the magics, those that change nothing here are passed over with a note; any other is a clear error.
"""

from __future__ import annotations

import __future__ as futures
import ast
import re
import subprocess
import sys
from types import CodeType
from typing import Any, Dict, List, Optional, Tuple

from .failures import Raised, Rewrite, print_traceback, remember_source, trim
from .outputs import Recorder

HARMLESS = {
    "matplotlib",
    "load_ext",
    "reload_ext",
    "autoreload",
    "config",
    "pylab",
    "precision",
    "time",
    "timeit",
    "capture",
}
SHELLS = {"bash": "bash", "sh": "sh"}
LINE = re.compile(r"^(\s*)(?:([\w.,\s]+?)\s*=\s*)?(%|!!?)\s*(\S.*)$")
CELL = re.compile(r"^\s*%%(\w+)(.*)\n?")
NEW_FLAGS = sum(getattr(futures, name).compiler_flag for name in futures.all_feature_names)

RESULTS = ("_", "__", "___")

# What `repr` cannot show; a method's name and the type its answer has.
RICH = (
    ("_repr_html_", "text/html"),
    ("_repr_markdown_", "text/markdown"),
    ("_repr_svg_", "image/svg+xml"),
    ("_repr_png_", "image/png"),
    ("_repr_jpeg_", "image/jpeg"),
    ("_repr_latex_", "text/latex"),
    ("_repr_json_", "application/json"),
)


class PlainShell:
    """Runs cells by `compile` and `exec` in the namespace of `__main__`."""

    def __init__(self, namespace: Dict[str, Any], recorder: Recorder) -> None:
        self._namespace, self._recorder = namespace, recorder
        self._flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        self._loop: Any = None
        self.execution_count = 0
        self._results: List[Any] = ["", "", ""]
        namespace["Out"] = {}
        namespace["display"] = self._display
        namespace["__sluice_shell__"] = self._command

    def run(
        self, source: str, file: str, first_line: int = 1, silent: bool = False, rewrite: Optional[Rewrite] = None
    ) -> Optional[Raised]:
        """Run a cell, or a piece of one that starts at `first_line`; what it raises is returned."""
        remember_source(file, source, first_line)
        if not silent:
            self.execution_count += 1
        try:
            body, last = self._parse(source, file, first_line, silent, rewrite)
            self._execute(compile(body, file, "exec", self._flags, dont_inherit=True))
            if last is not None:
                self._show(self._execute(compile(last, file, "eval", self._flags, dont_inherit=True)))
            _show_figures(self._recorder)
        except BaseException as error:  # also SystemExit, KeyboardInterrupt, Terminated: all end the cell
            return Raised(error, print_traceback(trim(error)))
        return None

    def _parse(
        self, source: str, file: str, first_line: int, silent: bool, rewrite: Optional[Rewrite]
    ) -> Tuple[ast.Module, Optional[ast.Expression]]:
        source = _without_cell_magic(source)
        while True:
            try:
                body = ast.parse("\n" * (first_line - 1) + source, file)
                break
            except SyntaxError as error:
                changed = _without_magic(source, (error.lineno or 0) - first_line)
                if changed is None:
                    raise
                source = changed
        if rewrite:
            body = rewrite(body)
        if silent or not body.body or not isinstance(body.body[-1], ast.Expr) or _ends_with_semicolon(source):
            return body, None
        return body, ast.Expression(body.body.pop().value)  # type: ignore[attr-defined]

    def _execute(self, code: CodeType) -> Any:
        self._flags |= code.co_flags & NEW_FLAGS
        if not code.co_flags & 0x80:  # CO_COROUTINE: no top-level await in it
            return eval(code, self._namespace)
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop.run_until_complete(eval(code, self._namespace))

    def _show(self, value: Any) -> None:
        if value is not None:
            self._keep(value)
            self._recorder.result(self.execution_count, *bundle_of(value))

    def _keep(self, value: Any) -> None:
        # As IPython: all three are left alone once the notebook itself has bound one of them.
        are_ours = all(self._namespace.get(name, own) is own for name, own in zip(RESULTS, self._results))
        self._results = [value, *self._results[:2]]
        if are_ours:
            self._namespace.update(zip(RESULTS, self._results))
        self._namespace[f"_{self.execution_count}"] = self._namespace["Out"][self.execution_count] = value

    def number(self, number: int) -> None:
        """The next cell is that one of the notebook."""
        self.execution_count = number - 1

    def take_results(self, names: List[str]) -> None:
        """These names hold what cells of earlier steps have shown."""
        for name in names:
            if name in RESULTS:
                self._results[RESULTS.index(name)] = self._namespace.get(name, "")
            elif name in self._namespace:
                self._namespace["Out"][int(name[1:])] = self._namespace[name]

    def _display(self, *values: Any, **_: Any) -> None:
        for value in values:
            self._recorder.display(*bundle_of(value))

    def _command(self, command: str, program: Optional[str] = None) -> List[str]:
        command = re.sub(r"\{([^{}]+)\}|\$(\w+)", self._expand, command)
        return run_command([program, "-c", command] if program else command)

    def _expand(self, match: Any) -> str:
        try:
            return str(eval(match[1] or match[2], self._namespace))
        except Exception:
            return match[0]


def run_command(command: Any) -> List[str]:
    """Run a command of the shell; its output goes to the cell's, line by line, and is returned."""
    sys.stdout.flush()
    lines = []
    with subprocess.Popen(
        command,
        shell=isinstance(command, str),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
    ) as process:
        for data in process.stdout or ():
            text = data.decode("utf-8", "replace")
            lines.append(text.rstrip("\n"))
            sys.stdout.write(text)
    return lines


def bundle_of(value: Any) -> Tuple[Dict[str, Any], Dict[str, Any]]:
    """All the ways in which a value shows itself, and their metadata."""
    data: Dict[str, Any] = {"text/plain": repr(value)}
    metadata: Dict[str, Any] = {}
    if isinstance(value, type):
        return data, metadata
    for method, kind in (("_repr_mimebundle_", ""),) + RICH:
        try:
            shown = getattr(value, method)() if hasattr(type(value), method) else None
        except Exception:  # as IPython: an object that cannot show itself is still shown by repr
            continue
        if shown is None:
            continue
        content, about = shown if isinstance(shown, tuple) else (shown, {})
        if kind:
            data[kind] = content
            if about:
                metadata[kind] = about
        else:
            data.update(content)
            metadata.update(about)
    return data, metadata


def _show_figures(recorder: Recorder) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not pyplot.get_fignums():
        return
    import io

    for number in pyplot.get_fignums():
        figure, image = pyplot.figure(number), io.BytesIO()
        figure.savefig(image, format="png", bbox_inches="tight")
        recorder.display({"text/plain": repr(figure), "image/png": image.getvalue()}, {})
    pyplot.close("all")


def _without_cell_magic(source: str) -> str:
    match = CELL.match(source)
    if not match:
        return source
    name, body = match[1], source[match.end() :]
    if name in SHELLS:
        return f"__sluice_shell__({body!r}, {SHELLS[name]!r});"
    if name in HARMLESS:
        return "\n" + body
    raise _unknown_magic("%%" + name)


def _without_magic(source: str, index: int) -> Optional[str]:
    """The source with the magic at this line replaced; None where that line is none."""
    lines = source.split("\n")
    match = LINE.match(lines[index]) if 0 <= index < len(lines) else None
    if not match:
        return None
    indent, target, sign, text = match.groups()
    if sign == "%":
        name = text.split()[0]
        if name not in HARMLESS or target:
            raise _unknown_magic("%" + name)
        lines[index] = indent + (text[len(name) :].strip() if name == "time" else "pass")
    else:
        lines[index] = f"{indent}{target + ' = ' if target else ''}__sluice_shell__({text!r})" + ("" if target else ";")
    return "\n".join(lines)


def _unknown_magic(name: str) -> Exception:
    return NotImplementedError(
        f"‘{name}’ needs IPython, which this step’s Python lacks. Install ipython in the step’s image or environment, or write the line in plain Python."
    )


def _ends_with_semicolon(source: str) -> bool:
    # As in IPython: `plot(x);` shows nothing. A comment may follow.
    last = next(
        (line for line in reversed(source.split("\n")) if line.strip() and not line.lstrip().startswith("#")), ""
    )
    return re.sub(r"#[^'\"]*$", "", last).rstrip().endswith(";")
