"""Runs one step: read the contract, set up the namespace, run the cells, give the values; and leave the executed
notebook, metrics and ExecutorOutput behind, whatever happens.

What only some steps need is imported where they need it: a step's start is counted in milliseconds.
"""

from __future__ import annotations

import builtins
import faulthandler
import os
import signal
import sys
import sysconfig
import types
from _thread import get_ident
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import contract, executed, failures
from .events import Events
from .outputs import Recorder, Tee
from .own import monotonic
from .problems import EXIT_BROKEN, EXIT_DONE, EXIT_RAISED, Problem, Terminated
from .starter import open_events

NOTEBOOK, METRICS = "sluice_notebook", "sluice_metrics"
SHOWN = {"sluice_report", "sluice_markdown", "sluice_classification"}
SAVE_SECONDS = 1.0


def main(argv: List[str]) -> int:
    """Run the step that the arguments describe.

    Returns:
        The exit status: 0 done, 1 the user's code raised, 3 a value cannot travel, 4 an input is missing or damaged, or the contract is broken.
    """
    events = open_events()
    stage = STAGES.pop() if STAGES else Stage()
    stage.log.prefix = events.stderr_prefix
    try:
        job = contract.read(argv)
    except Problem as problem:
        return _tell(problem, events)
    status = StepRun(job, events, stage).run()
    if stage.end:
        stage.end(status, stage.module)
    return status


class Stage:
    """What a step has before anything is known of it: its streams, an empty namespace, a shell. A fork server sets one up
    ahead of its steps.
    """

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.log = _install_tees(_prepare_streams(), self.recorder)
        self.module = types.ModuleType("__main__")
        self.module.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = self.module
        self._shell: Any = None
        #: waits until the step may begin, where a fork server has its process get ready before
        self.begin: Callable[[], None] = lambda: None
        #: ends the process sooner than Python does, where a fork server knows how
        self.end: Optional[Callable[[int, types.ModuleType], None]] = None

    def shell(self) -> Any:
        """The shell; the step that finds it ready makes it its own."""
        if self._shell is None:
            self._shell = _shell(self.module, self.recorder)
        else:
            self._shell.settle()
        return self._shell

    def rehearse(self) -> None:
        """Do ahead of all steps what each would do before its first cell."""
        sysconfig.get_paths()
        rehearse = getattr(self.shell(), "rehearse", None)
        if rehearse:
            rehearse()


STAGES: List[Stage] = []  # set up ahead: one, or none


class StepRun:
    """One execution of a step, from its job to its exit status."""

    def __init__(self, job: contract.Job, events: Events, stage: Stage) -> None:
        self._job, self._events, self._stage = job, events, stage
        self._recorder, self._log = stage.recorder, stage.log
        self._recorder.on_output = events.send_output
        self._runs = [executed.CellRun(cell) for cell in job.step.cells]
        self._metrics: Any = None
        self._files: Any = None
        self._taken: List[Tuple[contract.Artifact, contract.Value]] = []
        self._metadata: Dict[str, Dict[str, Any]] = {}
        self._failure: Optional[Dict[str, Any]] = None
        self._saved = monotonic()
        self._namespace: Dict[str, Any] = stage.module.__dict__

    def run(self) -> int:
        """Run it, then leave everything behind that others look for."""
        _catch_sigterm()
        try:
            status = self._attempt()
        except Problem as problem:
            self._failure = {"name": problem.name, "message": str(problem)}
            status = _tell(problem, self._events)
        except (KeyboardInterrupt, Terminated) as error:
            status = self._interrupted(error)
        except Exception as error:  # a full disk, or a fault of ours: the step must still leave its notebook
            status = self._broken(error)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what follows is short and must be whole
        if self._files:
            self._events.send(self._files.told())
        self._show()
        self._leave()
        sys.stdout.flush()
        sys.stderr.flush()
        self._events.send_left(self._job)
        self._events.send({"type": "ended", "status": status, "usage": _usage()})
        return status

    def _attempt(self) -> int:
        self._shell = self._stage.shell()
        self._checkpoints = self._open_checkpoints()
        self._files = self._watch_files()
        self._stage.begin()
        self._namespace.update(self._job.values)
        raised = self._set_up() or self._run_cells()
        if raised:
            return raised
        return self._give()

    def _give(self) -> int:
        for output in self._job.step.outputs:
            from . import values

            path = self._job.outputs[output.artifact].path
            self._metadata[output.artifact] = values.write(path, self._namespace, output, self._job.step, self._taken)
        return EXIT_DONE

    def _set_up(self) -> int:
        self._recorder.is_muted = True  # what it prints, it has printed in the step it comes from
        try:
            for item in self._job.step.setup:
                if isinstance(item, contract.Value):
                    self._take(item)
                else:
                    file = failures.file_of(item.cell, self._job.step.name)
                    raised = self._shell.run(item.source, file, item.line, silent=True)
                    if raised:
                        return self._fail(raised, item.cell, file)
        finally:
            self._recorder.is_muted = False
        if self._job.step.results:
            self._shell.take_results(self._job.step.results)
        return EXIT_DONE

    def _take(self, item: contract.Value) -> None:
        from . import attributes, values

        artifact = self._job.inputs[item.input]
        bundle = values.read(artifact, item)
        self._taken.append((artifact, item))
        attributes.bind(self._namespace, bundle.variables)
        if bundle.states:
            from . import states

            states.restore(bundle.states)

    def _run_cells(self) -> int:
        for run in self._runs:
            cell = run.cell
            file = failures.file_of(cell.index, self._job.step.name)
            self._events.send({"type": "cell", "cell": cell.index, "state": "running"})
            run.begin(self._recorder.begin(cell.index))
            capture = self._measure() if cell.is_metrics else None
            if cell.number is not None:
                self._shell.number(cell.number)
            raised = self._shell.run(cell.source, file, rewrite=capture.rewrite if capture else None)
            if capture and not raised:
                capture.finish()
            run.end("failed" if raised else "succeeded", self._shell.execution_count)
            self._events.send({"type": "cell", "cell": cell.index, "state": run.state})
            if raised:
                return self._fail(raised, cell.index, file)
            if self._checkpoints:
                self._checkpoints.reach(cell.index)
            self._save_now_and_then()
        return EXIT_DONE

    def _open_checkpoints(self) -> Any:
        if not self._job.step.checkpoints:
            return None
        from .checkpoints import Checkpoints

        return Checkpoints(self._job.step.checkpoints, self._namespace)

    def _watch_files(self) -> Any:
        if not self._events.wants_files:
            return None
        from .files import Files

        job = self._job
        own = [artifact.path for artifact in (*job.inputs.values(), *job.outputs.values())]
        output = job.output_file or os.devnull
        return Files([*own, output, os.path.dirname(os.path.dirname(output))])

    def _measure(self) -> Any:
        from . import metrics

        if self._metrics is None:
            self._metrics = metrics.Metrics(
                lambda name, value: self._events.send({"type": "metric", "name": name, "value": value})
            )
        return self._metrics.capture(self._namespace)

    def _fail(self, raised: failures.Raised, cell: int, file: str) -> int:
        if isinstance(raised.error, (KeyboardInterrupt, Terminated)):
            raise raised.error
        if isinstance(raised.error, Problem):
            raise raised.error
        self._recorder.is_muted = False
        self._failure = failures.describe(raised, cell, file)
        self._recorder.error(self._failure["name"], self._failure["message"], raised.lines)
        self._log.log("\n".join(failures.print_traceback(raised.error)))
        self._events.send({"type": "failure", "failure": self._failure})
        return EXIT_RAISED

    def _interrupted(self, error: BaseException) -> int:
        is_term = isinstance(error, Terminated)
        message = f"The step was ended by {'SIGTERM' if is_term else 'SIGINT'} before its last cell was done."
        running = next((run for run in self._runs if run.state in ("running", "failed")), None)
        self._failure = {"name": "interrupted", "message": message, **({"cell": running.cell.index} if running else {})}
        if running:
            running.end("canceled", running.count)
            self._recorder.error("interrupted", message, [message])
        self._events.send({"type": "failure", "failure": self._failure})
        return 128 + (signal.SIGTERM if is_term else signal.SIGINT)

    def _broken(self, error: Exception) -> int:
        self._log.log("\n".join(failures.print_traceback(error)))
        message = f"Step ‘{self._job.step.name}’ could not finish outside of its cells: {type(error).__name__}: {error}. Its log has the details."
        self._failure = {"name": "runtime-error", "message": message}
        self._log.log(message)
        self._events.send({"type": "failure", "failure": self._failure})
        return EXIT_BROKEN

    def _save_now_and_then(self) -> None:
        # A cell may end the process where we cannot see it (os._exit, a crash, SIGKILL): what was done by then is kept.
        if monotonic() - self._saved > SAVE_SECONDS:
            self._leave()
            self._saved = monotonic()

    def _show(self) -> None:
        if not self._job.outputs.keys() & SHOWN:
            return
        from . import shown

        try:
            self._metadata.update(shown.write(self._job, self._runs, self._metrics))
        except OSError as error:
            self._tell_unwritten(error)

    def _leave(self) -> None:
        outputs = self._job.outputs
        try:
            if NOTEBOOK in outputs:
                executed.write(outputs[NOTEBOOK].path, self._job, self._runs, self._failure)
            if METRICS in outputs:
                contract.write_file(outputs[METRICS].path, self._metrics.as_json() if self._metrics else b"{}")
                self._metadata[METRICS] = self._metrics.scalars() if self._metrics else {}
            contract.write(self._job, self._metadata)
        except OSError as error:
            self._tell_unwritten(error)

    def _tell_unwritten(self, error: OSError) -> None:
        print(f"Step ‘{self._job.step.name}’ could not write its results: {error}.", file=sys.stderr)


def _shell(module: types.ModuleType, recorder: Recorder) -> Any:
    builtins.input = _refuse_input
    if "" not in sys.path:
        sys.path.insert(0, "")  # modules beside the notebook
    try:
        from .interactive import Shell
    except ImportError:
        from .plain import PlainShell

        return PlainShell(module.__dict__, recorder)
    return Shell(module, recorder)


def _refuse_input(prompt: object = "") -> str:
    raise EOFError(
        f"input({str(prompt)!r}) has nobody to ask while a pipeline runs. Make the answer a pipeline parameter."
    )


def _prepare_streams() -> Dict[str, Any]:
    streams = {"stdout": sys.stdout, "stderr": sys.stderr}
    for stream in streams.values():
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=False)
    faulthandler.enable(sys.stderr)
    return streams


def _install_tees(streams: Dict[str, Any], recorder: Recorder) -> Tee:
    """Put our streams in place of Python's, and return the one for errors."""
    tees = [Tee(name, stream, recorder) for name, stream in streams.items()]
    sys.stdout, sys.stderr = tees  # type: ignore[assignment]

    def flush() -> None:
        for tee in tees:
            tee.flush()

    def renew() -> None:
        for tee in tees:
            tee.after_fork()

    os.register_at_fork(before=flush, after_in_child=renew)
    return tees[1]


def _usage() -> Optional[Dict[str, int]]:
    """What this process and those that it waited for used; the memory is that of the largest of them."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "cpuMs": round(sum(usage.ru_utime + usage.ru_stime for usage in used) * 1000),
        "peakMemoryBytes": max(usage.ru_maxrss for usage in used) * unit,
    }


def _catch_sigterm() -> None:
    starter = os.getpid()

    def terminate(number: int, frame: Any) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # a second one ends the process at once
        if os.getpid() != starter:  # a forked worker: ends as its maker expects, wherever it is now
            os.kill(os.getpid(), signal.SIGTERM)
        raise Terminated()

    masks: Dict[int, Any] = {}

    # Python forgets in a forked process what signals came before it was ready: the worker would run on, and its maker wait for its end
    def hold() -> None:
        masks[get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, masks.pop(get_ident()))

    def forget() -> None:
        if signal.getsignal(signal.SIGTERM) is terminate:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        release()

    signal.signal(signal.SIGTERM, terminate)
    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=forget)


def _tell(problem: Problem, events: Events) -> int:
    print(problem, file=sys.stderr, flush=True)
    events.send({"type": "failure", "failure": {"name": problem.name, "message": str(problem)}})
    return problem.status
