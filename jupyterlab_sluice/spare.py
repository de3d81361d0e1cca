"""A Node that has read our code already waits for the next ``sluice run``: starting it and reading the code takes a third of the time of a
short run. It serves one command and is from then on what that command would have started itself: a process in a session of its own.

This process stays in the shell's place: it alone has the shell's descriptors, so what the command writes comes through here.
Of ``signal``, ``socket`` and ``tempfile`` only what is written in C, or a line of our own, is used: their modules take longer than all of this.
"""

from __future__ import annotations

import _signal as signal
import _socket as socket
import os
import stat
import sys
import zlib

#: beginnings of the names of variables that are read when a program or Node starts: they can't be handed over later
READ_AT_START = (b"NODE_", b"UV_", b"LD_", b"LC_", b"LANG", b"TZ", b"MALLOC_", b"GLIBC_", b"OPENSSL_", b"SSL_")
#: and what tells where our caches are
HOMES = (b"HOME", b"XDG_CACHE_HOME")
#: one that has stopped does not answer; one that is still starting does within a tenth of this
ANSWER_SECONDS = 10.0
#: kinds of frames; server/src/cli/spare.ts has the same
OUT, ERR, STATUS = 1, 2, 3
HEADER_BYTES = 5


class Place:
    """Where a spare for such commands listens.

    Args:
        program: what is executed, without the command's own arguments.
        environment: the variables that the command gets.
    """

    def __init__(self, program: list[str], environment: dict[bytes, bytes]) -> None:
        self._program, self._environment = program, environment
        self._start = {name: value for name, value in environment.items() if name.startswith(READ_AT_START)}
        with open("/proc/self/cgroup", "rb") as file:
            kind = [*map(os.fsencode, program), *_assignments(self._start), file.read()]
        self._path = os.path.join(_own_folder(), f"spare-{zlib.crc32(bytes(1).join(kind)):08x}")

    def claim(self, arguments: list[str]) -> Spare | None:
        """Have the spare be this command. None where there is none, or where it would not be the same."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(ANSWER_SECONDS)
        try:
            sock.connect(self._path)
            request = self._request(arguments)
            sock.sendall(len(request).to_bytes(4, "big") + request)
            pid = sock.recv(4)
            if len(pid) < 4:
                return None
            spare = Spare(sock, int.from_bytes(pid, "big"))
            sock.sendall(b"go\n")  # before, it does nothing that anybody could see
            sock.settimeout(None)
            return spare
        except ConnectionRefusedError:
            os.unlink(self._path)  # it has been killed
        except OSError:
            pass
        return None

    def leave(self) -> None:
        """Leave a spare for the next command, unless one waits there already."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(self._path)
            listener.listen(4)
            if os.fork() == 0:
                self._become(listener.fileno())
        except OSError:
            pass
        finally:
            listener.close()

    def _become(self, listener: int) -> None:
        try:
            os.setsid()
            os.chdir("/")
            nothing = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(nothing, fd)
            os.dup2(listener, 3)
            os.set_inheritable(3, True)  # it may have been that number
            os.closerange(4, max(map(int, os.listdir("/proc/self/fd"))) + 1)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            homes = {name: self._environment[name] for name in HOMES if name in self._environment}
            os.execve(self._program[0], [*self._program, "--wait", self._path], {**self._start, **homes})
        finally:
            os._exit(1)

    def _request(self, arguments: list[str]) -> bytes:
        os.umask(umask := os.umask(0))
        about = f"{os.getpid()} {umask} {os.isatty(1):d} {os.isatty(2):d} {_size()}"
        fields = [about.encode(), os.readlink(b"/proc/self/ns/pid"), os.getcwdb(), b"%d" % len(arguments), *map(os.fsencode, arguments)]
        return b"\0".join([*fields, *_assignments(self._environment)])


class Spare:
    """A spare that is this command now."""

    def __init__(self, sock: socket.socket, pid: int) -> None:
        self._sock, self._process = sock, os.pidfd_open(pid)

    def send(self, number: int) -> None:
        """Pass a signal on."""
        try:
            if number == signal.SIGWINCH:
                self._sock.send(f"{_size()}\n".encode())
            else:
                signal.pidfd_send_signal(self._process, number)
        except OSError:
            pass  # it has ended, and we are about to learn it

    def wait(self) -> int:
        """Write what it writes, to its end. Returns the status as ``os.waitpid`` has it: that of a killed process where it said none."""
        data = bytearray()
        while piece := self._read():
            data += piece
            while len(data) >= HEADER_BYTES:
                end = HEADER_BYTES + int.from_bytes(data[1:HEADER_BYTES], "big")
                if len(data) < end:
                    break
                kind, content = data[0], data[HEADER_BYTES:end]
                if kind == STATUS:
                    return content[0] << 8
                _write(1 if kind == OUT else 2, content)
                del data[:end]
        return signal.SIGKILL

    def _read(self) -> bytes:
        try:
            return self._sock.recv(1 << 16)
        except OSError:
            return b""


def _write(fd: int, content: bytes) -> None:
    view = memoryview(content)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        pass  # nobody reads any more: the command goes on
    finally:
        view.release()


def _size() -> str:
    try:
        columns, rows = os.get_terminal_size(1 if os.isatty(1) else 2)
    except OSError:
        return "0 0"
    return f"{columns} {rows}"


def _assignments(environment: dict[bytes, bytes]) -> list[bytes]:
    return sorted(b"%s=%s" % item for item in environment.items())


def _own_folder() -> str:
    """As server/src/warm/address.ts has it.

    Raises:
        OSError: somebody else has made it.
    """
    variables = [os.environ.get(name) for name in ("TMPDIR", "TMP", "TEMP")]
    temporary = next(filter(None, variables), "/tmp")
    parent = next((folder for folder in (os.environ.get("XDG_RUNTIME_DIR"), temporary) if folder and len(folder) < 50), "/tmp")
    folder = os.path.join(parent, f"sluice-{os.getuid()}")
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        found = os.lstat(folder)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(folder) from None
    return folder


def find_place(program: list[str]) -> Place | None:
    """Where a spare may wait; None where there is none, as on another system than Linux, or with ``SLUICE_WARM=0``."""
    if not sys.platform.startswith("linux") or os.environ.get("SLUICE_WARM") == "0":
        return None
    try:
        return Place(program, dict(os.environb))
    except OSError:
        return None
