"""Global random states that travel as values: a step goes on in the sequence of random numbers where the step before
stopped.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any, Callable, Dict, List, NamedTuple

from .problems import DamagedBundle


class State(NamedTuple):
    """A state's module, and how to get and set it there."""

    module: str
    get: Callable[[Any], Any]
    set: Callable[[Any, Any], None]


STATES = {
    "random": State("random", lambda random: random.getstate(), lambda random, state: random.setstate(state)),
    "numpy.random": State(
        "numpy.random", lambda random: random.get_state(), lambda random, state: random.set_state(state)
    ),
    "torch.random": State(
        "torch", lambda torch: torch.get_rng_state(), lambda torch, state: torch.set_rng_state(state)
    ),
}


def capture(names: List[str]) -> Dict[str, Any]:
    """The states as they are now; a module that was never imported has none."""
    found = {}
    for name in names:
        state = STATES.get(name)
        if state and state.module in sys.modules:
            found[name] = state.get(sys.modules[state.module])
    return found


def restore(states: Dict[str, Any]) -> None:
    """Put the states back.

    Raises:
        DamagedBundle: a state's module is not installed here.
    """
    for name, value in states.items():
        try:
            module = importlib.import_module(STATES[name].module)
        except ImportError as error:
            raise DamagedBundle(
                f"The random state ‘{name}’ comes from an earlier step, but this step’s Python cannot import it: {error}. Install it in this step’s environment."
            ) from None
        STATES[name].set(module, value)
