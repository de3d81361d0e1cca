"""What can end a step besides the user's own exceptions. Each kind knows its exit status and the name a `failure`
event gives it.
"""

from __future__ import annotations

EXIT_DONE, EXIT_RAISED, EXIT_CANNOT_TRAVEL, EXIT_BROKEN = 0, 1, 3, 4


class Problem(Exception):
    """Ends the step with a message for people: what is wrong, where, what to do."""

    name = "broken-contract"
    status = EXIT_BROKEN


class BrokenContract(Problem):
    """The arguments, ExecutorInput or the step's description are not what decision 0002 says."""


class DamagedBundle(Problem):
    """A bundle of values is missing, damaged, or made by a Python that cannot be read here."""

    name = "damaged-input"


class CannotTravel(Problem):
    """A value cannot be given to later steps."""

    name = "cannot-travel"
    status = EXIT_CANNOT_TRAVEL


class Terminated(BaseException):
    """SIGTERM came: the step is being canceled. Not an Exception, so that `except Exception` lets it pass."""
