"""The server itself: it listens, reads requests, and hands each to the template that has made the step's imports. It runs
nothing of anybody's, and imports the runtime and IPython only.

It ends by itself: when it has been idle for long, when its home is removed, when a file that it has imported has changed.
"""

from __future__ import annotations

import base64
import fcntl
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
from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from . import leaving, wire
from .statements import Import, leading_imports
from .template import HARMLESS, Template

LOOK_MS = 2000
#: templates beyond so many go, those that were not used for longest first
TEMPLATES = 8
#: an import that takes longer hangs
IMPORT_SECONDS = 60

#: beginnings of the names of variables that Python, the C library or IPython read before a step's first import
READ_AT_START = (
    *("PYTHON", "LD_", "LC_", "LANG", "HOME", "PATH", "XDG_", "IPYTHON", "TZ", "MALLOC_", "GLIBC_", "TERM", "COLORTERM"),
    *("VIRTUAL_ENV", "CONDA_", "JUPYTER", "SHELL", "TMP", "TEMP", "NO_COLOR", "EDITOR", "PAGER", "USER"),
)

Key = Tuple[Tuple[Tuple[str, str], ...], Tuple[Import, ...]]


class Importing(NamedTuple):
    """What a template is at."""

    root: str
    pid: int
    until: float


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
    stage.end = leaving.leave
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
        self._home = _identity(config["home"])
        self._env: Dict[str, str] = config["env"]
        self._unsafe = _read_unsafe(config["unsafe"])
        self._clients: Dict[int, wire.Lines] = {}
        self._templates: Dict[Key, wire.Lines] = {}  # the one used last is the last
        self._importing: Dict[Key, Importing] = {}
        self._used = time.monotonic()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind("socket")
        self._listener.listen(64)
        self._listener.setblocking(False)

    def run(self) -> Any:
        """Serve. Returns in a template's process only, with what that process is from then on."""
        while True:
            poll = select.poll()
            for sock in [self._listener, *(lines.sock for lines in [*self._clients.values(), *self._templates.values()])]:
                poll.register(sock, select.POLLIN)
            ready = {fd for fd, _ in poll.poll(LOOK_MS)}
            if self._listener.fileno() in ready:
                self._accept()
            for key, template in list(self._templates.items()):
                if template.sock.fileno() in ready:
                    self._hear(key, template)
            for fd in ready & set(self._clients):
                role = self._read(fd)
                if role is not None:
                    return role
            self._look_around()

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

    def _read(self, fd: int) -> Any:
        client = self._clients[fd]
        lines = client.read()
        if lines == []:
            return None
        del self._clients[fd]
        try:
            if lines is not None:
                client.sock.setblocking(True)
                return self._take(json.loads(lines[0]), client.sock)
        except (ValueError, KeyError, TypeError, OSError) as error:
            wire.send(client.sock, {"refused": "the request is not as it should be: %r" % error})
        client.sock.close()
        return None

    def _take(self, request: Dict[str, Any], sock: socket.socket) -> Any:
        """Give a request to the template for it. Returns in a new template's process only."""
        if request["secret"] != self._config["secret"]:
            raise ValueError("secret")
        self._used = time.monotonic()
        changed = {name for name, value in {*request["env"].items()} ^ {*self._env.items()} if name not in HARMLESS}
        read = sorted(name for name in changed if name.startswith(READ_AT_START))
        if read:
            wire.send(sock, {"refused": "‘%s’ is read when Python starts" % read[0]})
            sock.close()
            return None
        env = tuple(sorted((name, value) for name, value in request["env"].items() if name not in HARMLESS))
        imports = leading_imports(request["args"], self._unsafe)
        key = (env, imports)
        template = self._templates.pop(key, None)
        if template is None:
            ours, theirs = socket.socketpair()
            role = self._branch(key, request, theirs)
            if role is not None:
                ours.close()
                sock.close()
                return role
            theirs.close()
            template = wire.Lines(ours)
        self._templates[key] = template
        try:
            wire.pass_on(template.sock, request, sock)
        except OSError:
            self._drop(key)  # the client sees the end of its socket, and does without us
        sock.close()
        return None

    def _branch(self, key: Key, request: Dict[str, Any], theirs: socket.socket) -> Any:
        """Make a template, from the one that has most of its imports and none besides. Returns it in its process only."""
        env, imports = key
        candidates = [other for other in self._templates if other[0] == env and set(other[1]) <= set(imports)]
        while candidates:
            best = max(candidates, key=lambda other: len(other[1]))
            try:
                wire.pass_on(self._templates[best].sock, {"imports": imports}, theirs)
                return None
            except OSError:
                candidates.remove(best)
        if os.fork():
            return None
        self._listener.close()
        for lines in [*self._clients.values(), *self._templates.values()]:
            lines.sock.close()
        os.close(self._lock)
        return Template(self._stage, theirs, request["env"], imports, self._config["runtime"])

    def _hear(self, key: Key, lines: wire.Lines) -> None:
        """A template tells what it imports, or ends."""
        said = lines.read()
        for line in said or ():
            message = json.loads(line)
            if "importing" in message:
                self._importing[key] = Importing(message["importing"], message["pid"], time.monotonic() + IMPORT_SECONDS)
            elif "unsafe" in message:
                self._importing.pop(key, None)
                self._learn(message["unsafe"], message["why"])
            elif "ready" in message:
                self._importing.pop(key, None)
            elif "stale" in message:
                self._end()
        if said is None:
            if key in self._importing:
                self._learn(self._importing[key].root, "ends the process that imports it")
            self._drop(key)

    def _learn(self, root: str, why: str) -> None:
        """An import that is left to steps from now on: by later servers, too, unless only installing something is missing."""
        self._unsafe.add(root)
        if not why.startswith("raises"):
            with open(self._config["unsafe"], "a") as file:
                file.write("%s %s\n" % (root, why))

    def _drop(self, key: Key) -> None:
        """End a template. Its steps go on, and it waits for them."""
        self._importing.pop(key, None)
        template = self._templates.pop(key, None)
        if template is not None:
            template.sock.close()

    def _look_around(self) -> None:
        now = time.monotonic()
        for key, importing in list(self._importing.items()):
            if now > importing.until:
                self._learn(importing.root, "takes long")
                os.kill(importing.pid, signal.SIGKILL)
                self._drop(key)
        while len(self._templates) > TEMPLATES:
            self._drop(next(iter(self._templates)))
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            pass
        if now - self._used > self._config["idleSeconds"] or _identity(self._config["home"]) != self._home:
            self._end()

    def _end(self) -> None:
        """Templates see the end of their sockets; those whose steps still run wait for them."""
        shutil.rmtree(os.getcwd(), ignore_errors=True)
        os._exit(0)


def _read_unsafe(path: str) -> Set[str]:
    try:
        with open(path) as file:
            return {line.partition(" ")[0].strip() for line in file}
    except OSError:
        return set()


def _identity(path: str) -> Optional[Tuple[int, int]]:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_dev, stat.st_ino
