"""What server, templates and clients say to each other: JSON, one object a line; requests between our own processes travel in a
memory file, with the descriptors that go along.
"""

from __future__ import annotations

import array
import json
import os
import socket
from typing import Any, Dict, List, Optional, Tuple

LONGEST = 1 << 28
_INT = array.array("i").itemsize


class Lines:
    """The other end of a socket, from which lines come. `passed` are sockets that came along, in their order."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.passed: List[socket.socket] = []
        self._data = b""

    def read(self) -> Optional[List[bytes]]:
        """The lines that have come; None at the end."""
        try:
            data, fds, _, _ = socket.recv_fds(self.sock, 1 << 20, 4)
        except BlockingIOError:
            return []
        except OSError:
            return None
        self.passed += [socket.socket(fileno=fd) for fd in fds]
        if not data or len(self._data) > LONGEST:
            return None
        *lines, self._data = (self._data + data).split(b"\n")
        return lines


def send(sock: socket.socket, message: Dict[str, Any], passed: Optional[socket.socket] = None) -> bool:
    """Say something short, with a socket; False when nobody is there any more."""
    line = json.dumps(message).encode() + b"\n"
    try:
        if passed is None:
            sock.sendall(line)
        else:
            sock.sendall(line[socket.send_fds(sock, [line], [passed.fileno()]) :])
    except OSError:
        return False
    return True


def pass_on(sock: socket.socket, request: Dict[str, Any], passed: socket.socket) -> None:
    """Hand a request of any length to another of our processes, with a socket."""
    file = os.memfd_create("sluice", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(file), "wb") as writer:
            writer.write(json.dumps(request).encode())
        fds = array.array("i", [file, passed.fileno()])
        sock.sendmsg([b"."], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    finally:
        os.close(file)


def take(sock: socket.socket) -> Optional[Tuple[Dict[str, Any], socket.socket]]:
    """What `pass_on` handed over; None at the end."""
    data, ancillary, _, _ = sock.recvmsg(1, socket.CMSG_LEN(2 * _INT))
    if not data:
        return None
    fds = array.array("i")
    for level, kind, item in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(item[: len(item) - len(item) % _INT])
    file, passed = fds
    os.lseek(file, 0, os.SEEK_SET)
    with os.fdopen(file, "rb") as reader:
        request = json.loads(reader.read())
    return request, socket.socket(fileno=passed)
