"""Runs cells with IPython in this process, without a kernel: magics, `!command`, `display`, rich results and figures
do what they do in Jupyter.

Nothing is written to the user's home: no profile, no history.
"""

from __future__ import annotations

import ast
import codeop
import contextlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterator, List, Optional

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets import Type
from traitlets.config import Config

from .failures import Raised, Rewrite, print_traceback, remember_source, trim
from .outputs import Recorder


class ResultHook(DisplayHook):  # type: ignore[misc]
    """The value of a cell's last expression goes to the recorder."""

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(self, format_dict: Dict[str, Any], md_dict: Optional[Dict[str, Any]] = None) -> None:
        self.shell.recorder.result(self.prompt_count, format_dict, md_dict or {})

    def log_output(self, format_dict: Dict[str, Any]) -> None:
        pass  # IPython would keep all results a second time

    def finish_displayhook(self) -> None:
        self._is_active = False


class Publisher(DisplayPublisher):  # type: ignore[misc]
    """display() goes to the recorder."""

    def publish(
        self,
        data: Dict[str, Any],
        metadata: Optional[Dict[str, Any]] = None,
        source: Any = None,
        *,
        transient: Optional[Dict[str, Any]] = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        self.shell.recorder.display(data, metadata or {}, (transient or {}).get("display_id"), update)

    def clear_output(self, wait: bool = False) -> None:
        self.shell.recorder.clear(wait)


class Compiler(CachingCompiler):  # type: ignore[misc]
    """Cells are compiled under their own names, not `<ipython-input-…>`."""

    file = "<cell>"

    def cache(self, transformed_code: str, number: int = 0, raw_code: Optional[str] = None) -> str:
        return self.file

    def format_code_name(self, name: str) -> Any:
        if name.startswith("<cell "):
            return "Cell", name[len("<cell ") :].partition(":")[0].rstrip(">")
        return None


class Profile(ProfileDir):  # type: ignore[misc]
    """A folder without the folders in it that only IPython's own programs look into."""

    def check_log_dir(self, change: Any = None) -> None:
        pass

    check_startup_dir = check_security_dir = check_pid_dir = check_log_dir


class ZMQInteractiveShell(InteractiveShell):  # type: ignore[misc]
    """Named as Jupyter's, because libraries ask for this name to learn whether they are in a notebook."""

    displayhook_class = Type(ResultHook)
    display_pub_class = Type(Publisher)
    compiler_class = Type(Compiler)
    recorder: Recorder
    raised: Optional[List[str]] = None

    def system(self, cmd: str) -> None:
        if cmd.rstrip().endswith("&"):
            raise OSError("Background processes not supported.")  # as Jupyter says
        sys.stdout.flush()
        command = self.var_expand(cmd, depth=1)
        process = subprocess.Popen(
            command,
            shell=True,
            executable=os.environ.get("SHELL"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )
        with process:
            for data in process.stdout or ():
                sys.stdout.write(data.decode("utf-8", "replace"))
        self.user_ns["_exit_code"] = process.returncode

    def enable_gui(self, gui: Optional[str] = None) -> None:
        pass  # there is no screen

    def ask_exit(self) -> None:
        raise SystemExit

    def init_virtualenv(self) -> None:
        pass  # the step's Python is the one that was asked for

    @contextlib.contextmanager
    def _tee(self, channel: str) -> Iterator[None]:
        yield  # IPython ≥ 9 would keep all printed text a second time

    def showtraceback(
        self,
        exc_tuple: Any = None,
        filename: Optional[str] = None,
        tb_offset: Optional[int] = None,
        exception_only: bool = False,
        running_compiled_code: bool = False,
    ) -> None:
        error = sys.exc_info()[1]
        if exc_tuple is None and error is not None and not isinstance(error, SyntaxError):
            exc_tuple, tb_offset = (type(error), trim(error), error.__traceback__), 0
        try:
            super().showtraceback(
                exc_tuple,
                filename,
                tb_offset,
                exception_only and not isinstance(error, SystemExit),
                running_compiled_code,
            )
        except Exception:  # the error's own __str__ may fail
            self.raised = print_traceback(error) if error else []

    def _format_exception_for_storage(self, *_: Any, **__: Any) -> Any:
        return []  # for a history that nobody keeps; it would call the error's own __str__

    def _showtraceback(self, etype: Any, evalue: Any, stb: List[str]) -> None:
        self.raised = [line for item in stb for line in item.split("\n")]


class Shell:
    """The one IPython shell of the step."""

    def __init__(self, module: ModuleType, recorder: Recorder) -> None:
        self._make_folder()
        warnings.filterwarnings("ignore", "To exit: use")
        config = Config()
        config.HistoryManager.enabled = False
        config.HistoryManager.hist_file = ":memory:"
        config.InteractiveShell.separate_in = ""
        ZMQInteractiveShell.recorder = recorder
        self._shell = ZMQInteractiveShell.instance(
            config=config, user_module=module, user_ns=module.__dict__, profile_dir=self._profile()
        )
        # nobody types on: what is incomplete is a SyntaxError that says why, not the private kind of Python 3.13
        self._shell.compile.flags &= ~getattr(codeop, "PyCF_ALLOW_INCOMPLETE_INPUT", 0)
        self._recorder = recorder

    def settle(self) -> None:
        """Make a shell that was set up in another process this one's own: its folder, its environment."""
        self._folder._finalizer.detach()  # type: ignore[attr-defined]  # that process removes the one it made
        self._make_folder()
        shell = self._shell
        shell.init_ipython_dir(None)
        shell.init_profile_dir(self._profile())
        shell.starting_dir = os.getcwd()
        shell.history_manager.dir_hist[:] = [Path.cwd()]
        if "db" in vars(shell):  # IPython < 9 opens it at once
            shell.db = type(shell.db)(os.path.join(shell.profile_dir.location, "db"))

    def _make_folder(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="sluice-ipython-")
        os.environ["IPYTHONDIR"] = self._folder.name
        if "MPLBACKEND" not in os.environ and importlib.util.find_spec("matplotlib_inline"):
            os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"

    def _profile(self) -> Profile:
        return Profile(location=os.path.join(self._folder.name, "profile_default"))

    def rehearse(self) -> None:
        """Read and import what the first cell needs; nothing is run."""
        import bdb  # noqa: F401

        self._shell.transform_cell("1\n")
        getattr(self._shell, "logger", None)

    @property
    def execution_count(self) -> int:
        """How many cells have run."""
        return self._shell.execution_count - 1

    def number(self, number: int) -> None:
        """The next cell is that one of the notebook."""
        self._shell.execution_count = number

    def take_results(self, names: List[str]) -> None:
        """These names hold what cells of earlier steps have shown: IPython goes on from there."""
        shell = self._shell
        held = {name: shell.user_ns[name] for name in names if name in shell.user_ns}
        shell.push(held, interactive=False)  # else they are taken for the user's own
        for name, value in held.items():
            if name.strip("_"):
                shell.user_ns["_oh"][int(name[1:])] = value
            else:
                setattr(shell.displayhook, name, value)

    def run(
        self, source: str, file: str, first_line: int = 1, silent: bool = False, rewrite: Optional[Rewrite] = None
    ) -> Optional[Raised]:
        """Run a cell, or a piece of one that starts at `first_line`; what it raises is returned."""
        remember_source(file, source, first_line)
        shell = self._shell
        shell.compile.file, shell.raised = file, None
        transformers = [Rewriter(first_line, rewrite)]
        shell.ast_transformers[:0] = transformers
        try:
            result = shell.run_cell(source, store_history=not silent, silent=silent)
        finally:
            for transformer in transformers:
                if transformer in shell.ast_transformers:
                    shell.ast_transformers.remove(transformer)
        error = result.error_before_exec or result.error_in_exec
        if error is None:
            if shell.raised:  # a magic such as %run showed a traceback and went on, as it does in Jupyter
                self._recorder.error("Error", "", shell.raised)
            return None
        if isinstance(error, SyntaxError) and error.filename == file and first_line > 1:
            error.lineno = (error.lineno or 1) + first_line - 1
        trim(error)
        return Raised(error, shell.raised or print_traceback(error))


class Rewriter(ast.NodeTransformer):
    """Moves a piece of a cell to the lines it has there, and captures metrics."""

    def __init__(self, first_line: int, rewrite: Optional[Rewrite]) -> None:
        self._first_line, self._rewrite = first_line, rewrite

    def visit(self, node: ast.AST) -> ast.AST:
        """Called by IPython once, with the module."""
        if self._first_line > 1:
            ast.increment_lineno(node, self._first_line - 1)
        if self._rewrite and isinstance(node, ast.Module):
            node = self._rewrite(node)
        return node
