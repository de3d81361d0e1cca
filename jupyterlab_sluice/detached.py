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

#: what is meant for the command; SIGHUP is not: it says that the terminal has gone
PASSED = ("SIGINT", "SIGTERM", "SIGQUIT", "SIGWINCH", "SIGUSR1", "SIGUSR2")


def detach() -> None:
    """Return in a child that leads a session of its own; the process that called stays, and ends as the child does."""
    numbers = [getattr(signal, name) for name in PASSED]
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)  # one that comes now waits until it can be passed on
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
        return
    for number in numbers:
        signal.signal(number, lambda got, _: _send(child, got))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)
    _end_as(os.waitpid(child, 0)[1])


def _send(child: int, number: int) -> None:
    try:
        os.kill(child, number)
    except ProcessLookupError:
        pass  # it has ended, and we are about to learn it


def _end_as(status: int) -> None:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        signal.signal(number, signal.SIG_DFL) if number != signal.SIGKILL else None
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))
