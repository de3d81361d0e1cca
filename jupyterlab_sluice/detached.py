"""A run that outlives its terminal: the command works in a session of its own, and a small process stays in the shell's
place.

What the shell and the terminal do to a command (Ctrl+C, `kill`, an exit status that is waited for) they do to that
process, and it passes them on. When the terminal is closed or the shell's processes are killed, it alone dies, and the
command goes on to its end. That takes a fork of a few milliseconds; a second Node would take a tenth of a second.
Of ``signal`` it takes what is written in C: the module around it imports ``enum``, which is half as long as Python's start.
"""

from __future__ import annotations

import _signal as signal
import os
import sys

from .spare import find_place

#: what is meant for the command; SIGHUP is not: it says that the terminal has gone
PASSED = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGWINCH", "SIGUSR1", "SIGUSR2")
#: after so long, or at the end, the next command's process is started: this one's first seconds should not be shared with it
SPARE_SECONDS = 0.3


def detach(program: list[str], arguments: list[str]) -> None:
    """Return in a child that leads a session of its own, where the command is to be started. The process that called stays,
    and ends as the command does. Where a spare waits that can be the command, nobody returns.
    """
    numbers = [getattr(signal, name) for name in PASSED]
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # one that comes now waits until it can be passed on
    sys.stdout.flush()
    place = find_place(program)
    spare = place and place.claim(arguments)
    if not spare and (pid := os.fork()) == 0:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        return
    worker = spare or Child(pid)
    for number in numbers:
        signal.signal(number, lambda got, _: worker.send(got))
    if place:
        signal.signal(signal.SIGALRM, lambda *_: place.leave())
        signal.setitimer(signal.ITIMER_REAL, SPARE_SECONDS)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    status = worker.wait()
    if place:
        place.leave()
    _end_as(status)


class Child:
    """What `os.fork` returned."""

    def __init__(self, pid: int) -> None:
        self._pid = pid

    def send(self, number: int) -> None:
        try:
            os.kill(self._pid, number)
        except ProcessLookupError:
            pass  # it has ended, and we are about to learn it

    def wait(self) -> int:
        return os.waitpid(self._pid, 0)[1]


def _end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
