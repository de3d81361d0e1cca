"""Generators of random numbers that an import has made. A process of its own would have seeded them by chance, so each step does that
again; those that the module seeded itself stay as they are.
"""

from __future__ import annotations

import gc
import random
import sys
from typing import Any, List, Optional, Set

#: a seed from the system's entropy is longer than this, a seed that somebody chose hardly ever
CHOSEN_BITS = 64


class Generators:
    """Those that have been made since `watch`."""

    def __init__(self) -> None:
        self._found: List[Any] = []
        self._chosen: Set[int] = set()
        self._seed = random.Random.seed

    def watch(self) -> None:
        """From now on, note who seeds a `random.Random`."""
        seed, chosen = self._seed, self._chosen

        def noted(self: random.Random, *args: Any, **kwargs: Any) -> None:
            if args and args[0] is not None or kwargs:
                chosen.add(id(self))
            seed(self, *args, **kwargs)

        random.Random.seed = noted  # type: ignore[method-assign]

    def find(self) -> bool:
        """Look among the objects that the collector does not yet leave alone. False when there is one whose seed nobody can tell."""
        random.Random.seed = self._seed  # type: ignore[method-assign]
        numpy = sys.modules.get("numpy.random")
        globals_ = [numpy.mtrand._rand, numpy.mtrand._rand._bit_generator] if numpy else []
        for item in gc.get_objects():
            kind = type(item)
            if issubclass(kind, random.Random):
                is_by_chance: Optional[bool] = kind is not random.SystemRandom and id(item) not in self._chosen
            elif numpy and issubclass(kind, numpy.RandomState) and item is not globals_[0]:
                is_by_chance = _is_state_by_chance(item)
            elif numpy and issubclass(kind, numpy.BitGenerator) and item is not globals_[1]:
                is_by_chance = _is_by_chance(item)
            else:
                continue
            if is_by_chance is None:
                return False
            if is_by_chance:
                self._found.append(item)
        return True

    def reseed(self) -> None:
        """Give them new seeds, and NumPy's global one; `random` itself does it after each fork."""
        for item in self._found:
            if hasattr(item, "seed"):
                item.seed()
            else:
                item.state = type(item)().state
        if "numpy.random" in sys.modules:
            sys.modules["numpy.random"].seed()


def _is_state_by_chance(state: Any) -> Optional[bool]:
    """None where it has been used already, so that nothing is left of its seed."""
    name, key, position = state.get_state()[:3]
    if name != "MT19937" or position < 623:
        return None
    return bool(position == 623 and key[0] == 0x80000000)  # as it is left by the system's entropy only


def _is_by_chance(bits: Any) -> bool:
    sequence = getattr(bits, "seed_seq", None) or getattr(bits, "_seed_seq", None)
    entropy: Optional[Any] = getattr(sequence, "entropy", None)
    return isinstance(entropy, int) and entropy.bit_length() > CHOSEN_BITS
