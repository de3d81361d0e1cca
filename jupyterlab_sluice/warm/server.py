"""The server itself: it listens, reads requests, and hands each to the template that has made the step's imports. It runs
nothing of anybody's, and imports the runtime and IPython only.

It ends by itself: when it has been idle for long, when its home is removed, when a file that it has imported has changed.
"""

from __future__ import annotations

import base64
import fcntl
import functools
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import zlib
from typing import Any, Dict, List, Optional, Set, Tuple

from . import leaving, wire
from .statements import leading_imports, to_import
from .template import HARMLESS, Template
from .templates import Importing, Kind, Templates

LOOK_MS = 2000

#: beginnings of the names of variables that Python, the C library or IPython read before a step's first import
READ_AT_START = (
    *("PYTHON", "LD_", "LC_", "LANG", "HOME", "PATH", "XDG_", "IPYTHON", "TZ", "MALLOC_", "GLIBC_", "TERM", "COLORTERM"),
    *("VIRTUAL_ENV", "CONDA_", "JUPYTER", "SHELL", "TMP", "TEMP", "NO_COLOR", "EDITOR", "PAGER", "USER"),
)

def open_server() -> "Server":
    """Set up as standard input says. Ends the process when another server is there already."""
    with os.fdopen(os.dup(0), "rb") as stdin:
        config = json.loads(stdin.read())
    _connect_to_nothing(0)
    os.chdir(config["folder"])
    lock = os.open("lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.write(1, b"busy\n")
        os._exit(0)
    for name in os.listdir():  # what a killed one left
        if name not in ("lock", "log"):
            shutil.rmtree(name, ignore_errors=True)
            if os.path.lexists(name):
                os.unlink(name)
    os.close(os.pidfd_open(os.getpid()))  # an older kernel has none: then there is no server
    stage = _load_runtime(config["runtime"])
    server = Server(config, lock, stage)
    os.write(1, b"ready\n")
    _connect_to_nothing(1)
    return server


def _load_runtime(packed: str) -> Any:
    """Import the steps' runtime in our own place, and set the stage for a step."""
    finder = next(finder for finder in sys.meta_path if type(finder).__name__ == "Packed")
    ours = set(finder.sources) - {"__init__"}  # type: ignore[attr-defined]
    theirs = json.loads(zlib.decompress(base64.b64decode(packed)))
    finder.sources.update(theirs)  # type: ignore[attr-defined]
    sys.path[:] = [folder for folder in sys.path if folder]  # '' is the step's folder
    del sys.modules["sluice_runtime.main"]
    main = importlib.import_module("sluice_runtime.main")
    for name in theirs:
        try:
            importlib.import_module("sluice_runtime." + name)
        except ImportError:  # e.g. there is no IPython
            pass
    tempfile.tempdir = os.getcwd()
    stage = main.Stage()
    getattr(stage, "rehearse", stage.shell)()  # an older runtime has no rehearsal
    sys.path[:] = [folder for folder in sys.path if folder]
    main.STAGES.append(stage)
    end = leaving.find_exit()
    if end:
        stage.end = functools.partial(leaving.leave, end)
    stage.leave = lambda: _leave_to(finder, theirs, ours)
    return stage


def _leave_to(finder: Any, theirs: Dict[str, str], ours: Set[str]) -> None:
    """Let nothing of the server be seen in a step."""
    import linecache

    finder.sources = theirs
    package = sys.modules["sluice_runtime"]
    for name in ours - {"main"}:
        sys.modules.pop("sluice_runtime." + name, None)
        linecache.cache.pop("<sluice_runtime.%s>" % name, None)
        vars(package).pop(name, None)


def _connect_to_nothing(fd: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, fd)
    os.close(nothing)


class Server:
    """Listens in its folder, and routes."""

    def __init__(self, config: Dict[str, Any], lock: int, stage: Any) -> None:
        self._config, self._lock, self._stage = config, lock, stage
        self._env: Dict[str, str] = config["env"]
        self._unsafe = _read_unsafe(config["unsafe"])
        self._clients: Dict[int, wire.Lines] = {}
        self._wishes: List[Wish] = []
        self._templates = Templates()
        self._used = time.monotonic()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind("socket")
        self._listener.listen(64)
        self._listener.setblocking(False)

    def run(self) -> Any:
        """Serve. Returns in a template's process only, with what that process is from then on."""
        while True:
            poll = select.poll()
            templates = self._templates.items()
            for sock in [self._listener, *(lines.sock for lines in [*self._clients.values(), *dict(templates).values()])]:
                poll.register(sock, select.POLLIN)
            ready = {fd for fd, _ in poll.poll(LOOK_MS)}
            if self._listener.fileno() in ready:
                self._accept()
            for kind, template in templates:
                if template.sock.fileno() in ready:
                    self._hear(kind, template)
            for fd in ready & set(self._clients):
                self._read(fd)
            self._look_around()
            role = self._serve()
            if role is not None:
                return role

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        if int.from_bytes(credentials[4:8], sys.byteorder) == os.geteuid():
            sock.setblocking(False)
            self._clients[sock.fileno()] = wire.Lines(sock)
        else:
            sock.close()

    def _read(self, fd: int) -> None:
        client = self._clients[fd]
        lines = client.read()
        if lines == []:
            return
        del self._clients[fd]
        try:
            if lines is not None:
                client.sock.setblocking(True)
                self._take(json.loads(lines[0]), client.sock)
                return
        except (ValueError, KeyError, TypeError, OSError) as error:
            wire.send(client.sock, {"refused": "the request is not as it should be: %r" % error})
        client.sock.close()

    def _take(self, request: Dict[str, Any], sock: socket.socket) -> None:
        """Take a request to fork a step, or to be ready for steps that come."""
        if request["secret"] != self._config["secret"]:
            raise ValueError("secret")
        self._used = time.monotonic()
        if "prepare" in request:
            for step in request["prepare"]:
                if self._refusal(step["env"]) is None:
                    self._wish(step)
            sock.close()
            return
        refusal = self._refusal(request["env"])
        if refusal is None:
            self._wish(request).clients.append((request, sock))
        else:
            wire.send(sock, {"refused": refusal})
            sock.close()

    def _refusal(self, env: Dict[str, str]) -> Optional[str]:
        changed = {name for name, value in {*env.items()} ^ {*self._env.items()} if name not in HARMLESS}
        read = sorted(name for name in changed if name.startswith(READ_AT_START))
        return "‘%s’ is read when Python starts" % read[0] if read else None

    def _wish(self, step: Dict[str, Any]) -> "Wish":
        env = tuple(sorted((name, value) for name, value in step["env"].items() if name not in HARMLESS))
        wish = Wish(step, Kind(env, leading_imports(step["args"], self._unsafe)))
        self._wishes.append(wish)
        return wish

    def _serve(self) -> Any:
        """Grant what can be granted now, those first who wait for it. Returns in a new template's process only."""
        for wish in sorted(self._wishes, key=lambda wish: not wish.clients):
            kind = self._templates.find(wish.kind)
            if kind is None:
                if wish.kind.imports and self._templates.is_busy():
                    continue
                role = self._make(wish)
                if role is not None:
                    return role
                kind = wish.kind
            self._wishes.remove(wish)
            template = self._templates.use(kind)
            for request, sock in wish.clients:
                try:
                    wire.pass_on(template.sock, request, sock)
                except OSError:
                    self._templates.drop(kind)  # the client sees the end of its socket, and does without us
                sock.close()
        self._templates.drop_oldest()
        return None

    def _make(self, wish: "Wish") -> Any:
        """Make a template, from the one that has most of its imports and none besides. Returns it in its process only."""
        ours, theirs = socket.socketpair()
        for nearest in self._templates.nearest(wish.kind):
            try:
                wire.pass_on(self._templates.use(nearest).sock, {"imports": wish.kind.imports}, theirs)
                break
            except OSError:
                self._templates.drop(nearest)
        else:
            if os.fork() == 0:
                self._let_go()
                ours.close()
                return Template(self._stage, theirs, wish.step["env"], wish.kind.imports, self._config["runtime"])
        theirs.close()
        self._templates.add(wish.kind, wire.Lines(ours), Importing("", None, time.monotonic()))
        return None

    def _let_go(self) -> None:
        """In a process that is no server any more."""
        self._listener.close()
        for lines in [*self._clients.values(), *dict(self._templates.items()).values()]:
            lines.sock.close()
        for wish in self._wishes:
            for _, sock in wish.clients:
                sock.close()
        os.close(self._lock)

    def _hear(self, kind: Kind, lines: wire.Lines) -> None:
        """A template tells what it imports, or ends."""
        said = lines.read()
        for line in said or ():
            message = json.loads(line)
            if "importing" in message:
                self._templates.begins(kind, message["importing"], message["pid"])
            elif "imported" in message:
                self._templates.learn(kind, to_import(message["imported"]), map(to_import, message["implied"]))
            elif "aside" in message:
                aside = Kind(kind.env, tuple(map(to_import, message["aside"])))
                self._templates.add(aside, wire.Lines(lines.passed.pop(0)))
                self._templates.use(kind)
            elif "unsafe" in message:
                self._templates.rest(kind)
                self._learn(message["unsafe"], message["why"])
            elif "ready" in message:
                self._templates.rest(kind)
            elif "stale" in message:
                self._end()
        if said is None:
            importing = self._templates.drop(kind)
            if importing and importing.pid:
                self._learn(importing.root, "ends the process that imports it")

    def _learn(self, root: str, why: str) -> None:
        """An import that is left to steps from now on: by later servers, too, unless only installing something is missing."""
        self._unsafe.add(root)
        if not why.startswith("raises"):
            with open(self._config["unsafe"], "a") as file:
                file.write("%s %s\n" % (root, why))
        for wish in self._wishes:
            wish.kind = Kind(wish.kind.env, leading_imports(wish.step["args"], self._unsafe))

    def _look_around(self) -> None:
        for kind, importing in self._templates.hanging():
            self._templates.drop(kind)
            if importing.pid:
                self._learn(importing.root, "takes long")
                os.kill(importing.pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if time.monotonic() - self._used > self._config["idleSeconds"] or not self._is_home():
            self._end()

    def _is_home(self) -> bool:
        """Whether those who come have our secret. A home that was removed and made again has another, and the same inode as a rule."""
        try:
            with open(self._config["secretFile"]) as file:
                return file.read() == self._config["secret"]
        except OSError:
            return False

    def _end(self) -> None:
        """Templates see the end of their sockets; those whose steps still run wait for them."""
        shutil.rmtree(os.getcwd(), ignore_errors=True)
        os._exit(0)


class Wish:
    """A template that somebody wants: `step` is one that it would be for, and `clients` wait for theirs to be forked."""

    def __init__(self, step: Dict[str, Any], kind: Kind) -> None:
        self.step, self.kind = step, kind
        self.clients: List[Tuple[Dict[str, Any], socket.socket]] = []


def _read_unsafe(path: str) -> Set[str]:
    try:
        with open(path) as file:
            return {line.partition(" ")[0].strip() for line in file}
    except OSError:
        return set()
