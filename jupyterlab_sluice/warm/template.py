"""A process that has made a step's imports, in the step's environment, with a shell: it forks a new process for each step of
that kind, watches over it and tells how it ended.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import tempfile
import time
from types import ModuleType
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set

from . import wire
from .randomness import Generators
from .safety import Inventory
from .statements import Import, to_import
from .watched import Watched

#: variables that differ from terminal to terminal, and that nothing reads while it is imported
HARMLESS = frozenset(
    "PWD OLDPWD SHLVL _ TERM_SESSION_ID WINDOWID COLUMNS LINES SLUICE_FINGERPRINTS SLUICE_LAB_HINT SSH_CLIENT SSH_CONNECTION "
    "SSH_TTY SSH_AUTH_SOCK GPG_TTY TMUX TMUX_PANE STY XDG_SESSION_ID DBUS_SESSION_BUS_ADDRESS VSCODE_IPC_HOOK_CLI "
    "VSCODE_GIT_IPC_HANDLE MAKEFLAGS MAKELEVEL MFLAGS".split()
)
#: files that a module reads from the folder that it is imported in
SETTINGS = {"matplotlibrc": "matplotlib"}
ENDS = ("out", "err", "events", "alive")
#: an import that took more CPU time than that is worth a template that stops there
ASIDE_SECONDS = 0.05
_count = 0


class Waiting(NamedTuple):
    """A step whose client opens its ends of the pipes."""

    request: Dict[str, Any]
    client: wire.Lines
    folder: str
    holders: List[int]


class Step(NamedTuple):
    """A step that runs, or will when its client says so: by then it is under the limits that are set from outside. One that
    is held is told its arguments only then.
    """

    pid: int
    request: Dict[str, Any]
    client: wire.Lines
    gate: int


class Template:
    """Takes requests from the server's socket. With its end it takes no more, and ends with its last step."""

    def __init__(
        self, stage: Any, server: socket.socket, env: Dict[str, str], imports: Sequence[Any], runtime: str
    ) -> None:
        self._stage, self._server, self._runtime = stage, server, runtime
        self._folder = os.getcwd()
        self._imports: Dict[Import, None] = {}  # in their order
        self._watched = Watched()
        self._generators = Generators()
        self._waiting: Dict[int, Waiting] = {}
        self._steps: Dict[int, Step] = {}
        self._held: Dict[int, Step] = {}
        self._branches: Set[int] = set()
        self._is_open = True
        os.environ.clear()
        os.environ.update(env)
        ours, tempfile.tempdir = tempfile.tempdir, None
        self._temporary, tempfile.tempdir = tempfile.gettempdir(), ours
        self._stage.shell()  # in that environment, as a step's is before its first import
        self._leave_path()
        self._capture()
        self._import(imports)

    def run(self) -> Any:
        """Serve. Returns in a new process only: a template's, or None in a step's."""
        while self._is_open or self._steps or self._waiting:
            poll = select.poll()
            if self._is_open:
                poll.register(self._server, select.POLLIN)
            for fd in [*self._waiting, *self._held, *self._steps, *self._branches]:
                poll.register(fd, select.POLLIN)
            for fd, _ in poll.poll():
                if fd in self._waiting:
                    if self._go(fd):
                        return None
                elif fd in self._held:
                    self._open_gate(fd)
                elif fd in self._steps:
                    self._end_step(fd)
                elif fd in self._branches:
                    self._branches.remove(fd)
                    os.waitid(os.P_PIDFD, fd, os.WEXITED)
                    os.close(fd)
                elif self._is_open and self._take():
                    return self
        os._exit(0)

    # ---- imports

    def _capture(self) -> None:
        for fd in (1, 2):
            file = os.memfd_create("sluice-output", os.MFD_CLOEXEC)
            os.dup2(file, fd)
            os.close(file)

    def _import(self, imports: Sequence[Any]) -> None:
        """Import what is not there yet. One that leaves this process unfit for forks ends it."""
        self._watched.start()
        inventory = Inventory(self._generators)
        missing = [item for item in (to_import(written) for written in imports) if item not in self._imports]
        since = time.process_time()
        for number, item in enumerate(missing, 1):
            known = set(sys.modules)
            wire.send(self._server, {"importing": item.root, "pid": os.getpid()})
            try:
                __import__(item.module, {}, {}, list(item.names), 0)
                sys.stdout.flush()
                sys.stderr.flush()
                fault = inventory.fault()
            except BaseException as error:  # the step will see for itself
                fault = "raises %s" % type(error).__name__
            if fault:
                wire.send(self._server, {"unsafe": item.root, "why": fault})
                os._exit(1)
            wire.send(self._server, {"imported": item, "implied": list(_implied(self._imports, known))})
            self._imports[item] = None
            inventory = Inventory(self._generators)
            is_more = any(other.module not in sys.modules for other in missing[number:])
            if is_more and time.process_time() - since > ASIDE_SECONDS:
                if self._step_aside():
                    break
                since = time.process_time()
        inventory.close()
        self._watched.stop()
        gc.collect()
        gc.freeze()
        wire.send(self._server, {"ready": True})

    def _step_aside(self) -> bool:
        """Stay here, where other steps may begin, and let another process go on. True in the one that stays."""
        ours, theirs = socket.socketpair()
        wire.send(self._server, {"aside": list(self._imports)}, theirs)
        theirs.close()
        pid = os.fork()
        if pid:
            self._server.close()
            self._server = ours
            self._branches.add(os.pidfd_open(pid))
        else:
            ours.close()
        return pid > 0

    def _leave_path(self) -> None:
        sys.path[:] = [folder for folder in sys.path if folder]  # '' is the step's folder

    # ---- requests

    def _take(self) -> bool:
        """Take a request. True in a new template's process."""
        taken = wire.take(self._server)
        if taken is None:
            self._is_open = False
            return False
        request, sock = taken
        if "imports" in request:
            return self._branch(request["imports"], sock)
        refusal = self._refusal(request)
        if refusal is None:
            self._offer(request, sock)
        else:
            wire.send(sock, refusal)
            sock.close()
            if "stale" in refusal:
                wire.send(self._server, refusal)
        return False

    def _refusal(self, request: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        if self._watched.is_changed():
            return {"stale": True}
        try:
            names = os.listdir(request["cwd"])
        except OSError as error:
            return {"refused": str(error)}
        ours = {name.partition(".")[0] for name in sys.modules}
        for name in names:
            root = name.partition(".")[0]
            if name in SETTINGS and SETTINGS[name] in ours:
                return {"refused": "‘%s’ beside the notebook is read by ‘%s’" % (name, SETTINGS[name])}
            if root in ours and _is_module(os.path.join(request["cwd"], name)):
                return {"refused": "‘%s’ beside the notebook has the name of a module" % name}
        return None

    def _offer(self, request: Dict[str, Any], sock: socket.socket) -> None:
        """Make the pipes, and let the client open its ends."""
        global _count
        _count += 1
        folder = os.path.join(self._folder, "%d-%d" % (os.getpid(), _count))
        os.mkdir(folder, 0o700)
        holders = []
        for name in ENDS:
            os.mkfifo(os.path.join(folder, name), 0o600)
            holders.append(os.open(os.path.join(folder, name), os.O_RDWR | os.O_CLOEXEC))
        self._waiting[sock.fileno()] = Waiting(request, wire.Lines(sock), folder, holders)
        wire.send(sock, {"pipes": folder})

    def _go(self, fd: int) -> bool:
        """Fork the step when its client says so. True in the step's process."""
        waiting = self._waiting[fd]
        said = waiting.client.read()
        if said == []:
            return False
        del self._waiting[fd]
        ends, is_step = [], False
        if said is not None:
            ends = [
                os.open(os.path.join(waiting.folder, name), os.O_RDONLY if name == "alive" else os.O_WRONLY)
                for name in ENDS
            ]
        for name in ENDS:
            os.unlink(os.path.join(waiting.folder, name))
        os.rmdir(waiting.folder)
        if said is not None:
            is_step = self._fork(waiting.request, waiting.client, ends)
        if not is_step:
            for end in [*ends, *waiting.holders]:
                os.close(end)
            if said is None:
                waiting.client.sock.close()
        return is_step

    def _fork(self, request: Dict[str, Any], client: wire.Lines, ends: List[int]) -> bool:
        told, tells = os.pipe()
        opened, gate = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os.close(tells)
            self._become_step(request, client, [*ends, opened])
            return True
        os.close(tells)
        os.close(opened)
        os.read(told, 1)  # until it has a group of its own
        os.close(told)
        step = Step(pid, request, client, gate)
        self._steps[os.pidfd_open(pid)] = self._held[client.sock.fileno()] = step
        wire.send(client.sock, {"pid": pid})
        return False

    def _open_gate(self, fd: int) -> None:
        step = self._held[fd]
        said = step.client.read()
        if said == []:
            return
        del self._held[fd]
        if said:
            _, _, args = said[0].partition(b" ")
            refusal = self._refusal(step.request) if args else None
            if args:
                wire.send(step.client.sock, refusal or {"runs": True})
            if refusal is None:
                try:
                    with open(step.gate, "wb", closefd=False) as gate:
                        gate.write(args or b".")
                except OSError:  # it has been killed
                    pass
        os.close(step.gate)  # a step whose client has gone ends there

    def _end_step(self, pidfd: int) -> None:
        step = self._steps.pop(pidfd)
        if self._held.pop(step.client.sock.fileno(), None):
            os.close(step.gate)
        os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
        try:
            os.killpg(step.pid, signal.SIGKILL)  # what it left running, while its number cannot be another's
        except OSError:
            pass
        _, status, usage = os.wait4(step.pid, 0)
        os.close(pidfd)
        end = {"signal": os.WTERMSIG(status)} if os.WIFSIGNALED(status) else {"status": os.WEXITSTATUS(status)}
        cpu_ms = round((usage.ru_utime + usage.ru_stime) * 1000)
        wire.send(step.client.sock, {**end, "usage": {"cpuMs": cpu_ms, "peakMemoryBytes": usage.ru_maxrss * 1024}})
        step.client.sock.close()

    # ---- new processes

    def _branch(self, imports: Sequence[Any], sock: socket.socket) -> bool:
        pid = os.fork()
        if pid:
            sock.close()
            self._branches.add(os.pidfd_open(pid))
            return False
        self._close_all()
        self._server = sock
        self._capture()
        self._import(imports)
        return True

    def _close_all(self) -> None:
        """Let go of what belongs to the template that this process was forked from."""
        self._server.close()
        for waiting in self._waiting.values():
            waiting.client.sock.close()
            for holder in waiting.holders:
                os.close(holder)
        for pidfd, step in self._steps.items():
            os.close(pidfd)
            step.client.sock.close()
        for step in self._held.values():
            os.close(step.gate)
        for pidfd in self._branches:
            os.close(pidfd)
        self._waiting, self._held, self._steps, self._branches = {}, {}, {}, set()

    def _become_step(self, request: Dict[str, Any], client: wire.Lines, ends: List[int]) -> None:
        """Be what a process of the step's own would be before its first line."""
        self._close_all()
        client.sock.close()
        _take_descriptors([os.open(os.devnull, os.O_RDWR), *ends])
        for name, limit in request["limits"].items():
            _limit(getattr(resource, name), limit)
        os.umask(request["umask"])
        os.chdir(request["cwd"])
        self._settle(request)
        self._stage.leave()
        self._wait(len(ends), request.get("held", False))

    def _wait(self, gate: int, is_held: bool) -> None:
        """Get ready as far as can be, and wait at the gate."""

        def begin() -> bytes:
            with open(gate, "rb") as file:
                said = file.read()
            if not said:
                if self._stage.end:
                    self._stage.end(1, self._stage.module)
                sys.exit(1)
            return said

        if is_held:
            shell = self._stage.shell()
            self._stage.shell = lambda: shell
            self._take_arguments(json.loads(begin()))
            _look_again(os.getcwd())
        elif hasattr(self._stage, "begin"):
            self._stage.begin = begin
        else:  # an older runtime does not ask
            begin()

    def _settle(self, request: Dict[str, Any]) -> None:
        for name in HARMLESS:
            os.environ.pop(name, None)
            if name in request["env"]:
                os.environ[name] = request["env"][name]
        os.environ["SLUICE_EVENTS"], os.environ["SLUICE_ALIVE"] = "3", "4"
        self._take_arguments(request["args"])
        sys.path.insert(0, "")
        importlib.invalidate_caches()
        tempfile.tempdir = self._temporary if self._temporary != os.getcwd() else None
        self._generators.reseed()
        sys.modules["sluice_runtime.files"].EARLIER[:] = self._watched.opened  # type: ignore[attr-defined]
        logging = sys.modules.get("logging")
        if logging is not None:  # records tell milliseconds since the start
            logging._startTime = time.time_ns() if isinstance(logging._startTime, int) else time.time()

    def _take_arguments(self, written: List[Optional[str]]) -> None:
        args = [self._runtime if arg is None else arg for arg in written]
        sys.argv[:] = ["-c", *args]
        if hasattr(sys, "orig_argv"):
            sys.orig_argv[sys.orig_argv.index("-c") + 2 :] = args


def _implied(earlier: Iterable[Import], known: Set[str]) -> Iterator[Import]:
    """Those of the earlier imports that the modules which are not `known` have made again."""
    used = set()
    for name in set(sys.modules) - known:
        module = sys.modules[name]
        if type(module) is ModuleType:  # another kind may load itself when it is looked at
            used.update(id(value) for value in vars(module).values() if type(value) is ModuleType)
    for item in earlier:
        parts = ["%s.%s" % (item.module, name) for name in item.names]
        modules = [item.module, *(part for part in parts if part in sys.modules)]
        if all(id(sys.modules.get(module)) in used for module in modules):
            yield item


def _look_again(folder: str) -> None:
    """Have imports see what was written into the folder in the same tick of the clock as its last look."""
    finder = sys.path_importer_cache.get(folder)
    if finder is not None:
        finder.invalidate_caches()


def _limit(what: int, limit: int) -> None:
    soft, hard = resource.getrlimit(what)
    if hard == resource.RLIM_INFINITY or limit < hard:  # one that the system has set lower stays
        resource.setrlimit(what, (limit, limit))


def _take_descriptors(wanted: List[int]) -> None:
    """Have these as 0, 1, 2, …, and no others."""
    for fd, copy in enumerate([fcntl.fcntl(fd, fcntl.F_DUPFD, 2 * len(wanted)) for fd in wanted]):
        os.dup2(copy, fd)
    for name in os.listdir("/proc/self/fd"):
        if int(name) >= len(wanted):
            try:
                os.close(int(name))
            except OSError:  # the one that listed them
                pass


def _is_module(path: str) -> bool:
    if os.path.isdir(path):
        return any(name.startswith("__init__.") for name in os.listdir(path))
    return path.endswith((".py", ".pyc", ".so"))
