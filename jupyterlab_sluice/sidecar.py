"""The sidecar: the Node process that keeps and runs pipelines beside Jupyter Server, and the socket that leads to it.

It starts when it is first needed, and again whenever its socket no longer answers. Nobody stops it: its standard input
is a pipe that we hold, so when Jupyter ends, in whatever way, it reads end-of-file and ends after its last run.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from logging import Logger
from pathlib import Path
from typing import IO

from tornado.iostream import IOStream

from .node import FLAGS, NodeMissing, bundle_path, find_node, python_environment

#: seconds a sidecar may take until it listens
START_SECONDS = 60.0
#: seconds for which a failed start stands, so that a page that polls does not start Node each time
HOLD_SECONDS = 2.0
#: bytes of a unix socket's path; Linux allows 107, macOS 103
LONGEST_PATH = 103
PREFIX = "sluice-socket-"
#: bytes after which a line without an end is logged as it is
LONGEST_LINE = 1 << 16
READY = '{"ready":true}'


class SidecarError(Exception):
    """The sidecar does not run; the message says why and what to do."""


class Sidecar:
    """One sidecar for one Jupyter Server.

    Args:
        root: the folder that Jupyter Server serves.
        log: takes what the sidecar writes to its standard error.
        folders: where the socket's own folder may be made; the first that is usable is taken.
    """

    def __init__(self, root: str, log: Logger, folders: Iterable[str]) -> None:
        self._root = root
        self._log = log
        self._folders = list(folders)
        self._lock = asyncio.Lock()
        self._folder: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._failed: tuple[float, SidecarError] | None = None
        #: goes with each request; nobody else knows it
        self.secret = ""

    @property
    def pid(self) -> int | None:
        """The process that was started last, if it still runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    async def connect(self) -> IOStream:
        """A new connection to the sidecar, which is started first where need be.

        Raises:
            SidecarError: it does not start.
        """
        with suppress(OSError):
            return await self._open()
        async with self._lock:
            with suppress(OSError):
                return await self._open()  # while we waited, another request started it
            if self._failed and time.monotonic() - self._failed[0] < HOLD_SECONDS:
                raise self._failed[1]
            try:
                await self._start()
                return await self._open()
            except (OSError, NodeMissing, SidecarError) as error:
                self.close()
                failure = error
                if not isinstance(failure, SidecarError):
                    failure = SidecarError(f"Sluice’s server did not start. {error}")
                self._failed = (time.monotonic(), failure)
                raise failure from error

    def close(self) -> None:
        """Let the sidecar go: it takes no more requests and ends after its last run."""
        if self._process and self._process.stdin:
            self._process.stdin.close()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._folder = None

    @property
    def socket_path(self) -> str:
        """Where it listens; only its owner can reach it."""
        return os.path.join(self._folder or "", "s")

    async def _open(self) -> IOStream:
        if self._folder is None:
            raise FileNotFoundError
        link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            link.setblocking(False)
            await asyncio.get_running_loop().sock_connect(link, self.socket_path)
        except BaseException:
            link.close()
            raise
        return IOStream(link)

    async def _start(self) -> None:
        if not hasattr(socket, "AF_UNIX"):
            raise SidecarError(
                "Sluice’s server needs unix sockets, which this system’s Python lacks. "
                "Run Jupyter in WSL, or on Linux or macOS."
            )
        self.close()
        self.secret = secrets.token_hex(32)
        self._folder = _make_folder(self._folders)
        program = [find_node(), *FLAGS, bundle_path("main.mjs")]
        process = subprocess.Popen(
            [*program, "--socket", self.socket_path, "--root", self._root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **python_environment(), "SLUICE_SECRET": self.secret},
            start_new_session=True,  # Ctrl+C in Jupyter's terminal is not meant for the runs
        )
        self._process = process
        last_lines: deque[str] = deque(maxlen=8)
        is_ready: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        has_ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def heard(line: str) -> None:
            if line.replace(" ", "") == READY and not is_ready.done():
                is_ready.set_result(True)
            else:
                logged(line)

        def logged(line: str) -> None:
            last_lines.append(line)
            self._log.info("sluice: %s", line)

        def ended() -> None:
            if not has_ended.cancelled():
                has_ended.set_result(True)

        _follow(process.stdout, heard, lambda: None)
        _follow(process.stderr, logged, ended)
        await asyncio.wait({is_ready, has_ended}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if is_ready.done():
            self._failed = None
            self._log.info("Sluice’s server runs as process %d.", process.pid)
            return
        process.kill()
        status = process.wait()
        why = f"was not ready after {START_SECONDS:g} seconds"
        if has_ended.done():
            why = f"ended with exit status {status} before it was ready"
        said = "\n".join(last_lines) or "(nothing)"
        raise SidecarError(
            f"Sluice’s server {why}. It said:\n{said}\n"
            "Mend what it names, then try again; if it is Sluice’s own fault, install jupyterlab_sluice again or report it."
        )


def _follow(pipe: IO[bytes], take: Callable[[str], None], ended: Callable[[], None]) -> None:
    """Hand over each line of a pipe as it comes, then its end. By callbacks: a task would outlive the event loop."""
    loop = asyncio.get_running_loop()
    os.set_blocking(pipe.fileno(), False)
    rest = b""

    def readable() -> None:
        nonlocal rest
        data = os.read(pipe.fileno(), 1 << 16)
        *lines, rest = (rest + data).split(b"\n")
        if not data or len(rest) > LONGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            if line:
                take(line.decode(errors="replace").rstrip())
        if not data:
            loop.remove_reader(pipe.fileno())
            pipe.close()
            ended()

    loop.add_reader(pipe.fileno(), readable)


def _make_folder(folders: list[str]) -> str:
    """A new folder that only its owner can enter (mode 0700), with a path short enough for a socket's."""
    for parent in folders:
        if len(os.fsencode(parent)) + len(f"/{PREFIX}12345678/s") > LONGEST_PATH:
            continue
        with suppress(OSError):
            Path(parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            _sweep(parent)
            return tempfile.mkdtemp(prefix=PREFIX, dir=parent)
    tried = " or ".join(f"‘{folder}’" for folder in folders)
    raise SidecarError(
        f"No folder for Sluice’s socket can be made in {tried}. "
        "Make one of them writable, or set XDG_RUNTIME_DIR to a short path."
    )


def _sweep(parent: str) -> None:
    """Remove the empty folders that a sidecar leaves whose Jupyter was killed."""
    for folder in Path(parent).glob(f"{PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > START_SECONDS:
                folder.rmdir()
