"""What the user's names hold after certain cells, written down for `sluice verify`: a fingerprint of each value and a few words about it.

A step has checkpoints only when a notebook is verified; one file each goes to the folder that SLUICE_FINGERPRINTS names.
"""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional

from . import contract, summaries
from .fingerprint import NotComparable, attributes, fingerprint
from .own import dumps

HISTORY = re.compile(r"^(_|__|___|_\d+|_i\d*|_ii|_iii|In|Out|_dh|_ih|_oh|_exit_code|__annotations__|__warningregistry__)$")
MOST_PARTS = 60


class Checkpoints:
    """Writes the fingerprints of a namespace. Names that are there from the start are not the user's."""

    def __init__(self, after: List[int], namespace: Dict[str, Any]) -> None:
        self._after, self._namespace = set(after), namespace
        self._given = {name: id(value) for name, value in namespace.items()}
        self._folder = os.environ.pop("SLUICE_FINGERPRINTS", "")
        self._work = os.getcwd()

    def reach(self, cell: int) -> None:
        """A cell has ended."""
        if self._folder and cell in self._after:
            described = {name: self._describe(value) for name, value in list(self._namespace.items()) if self._is_users(name, value)}
            contract.write_file(os.path.join(self._folder, f"{cell}.json"), dumps({"names": described}).encode())

    def _is_users(self, name: str, value: Any) -> bool:
        return self._given.get(name) != id(value) and not HISTORY.match(name)

    def _describe(self, value: Any) -> Dict[str, Any]:
        about = self._of(value)
        parts = _parts(value)
        if parts and "fingerprint" in about:
            about["parts"] = {label: self._of(part) for label, part in parts.items()}
        return about

    def _of(self, value: Any) -> Dict[str, Any]:
        about = summaries.describe("", value)
        del about["name"]
        try:
            return {**about, "fingerprint": fingerprint(value, self._work)}
        except NotComparable as reason:
            return {**about, "reason": str(reason)}
        except Exception as error:  # a library's own way to say what it is made of may fail
            return {**about, "reason": f"{type(error).__name__}: {error}"[:200]}


def _parts(value: Any) -> Optional[Dict[str, Any]]:
    """One level down, so that a difference can be named more closely: `settings['rate']`, `model.coef_`."""
    kind = type(value)
    if kind is dict:
        parts = {f"[{key!r}]": item for key, item in value.items() if type(key) in (str, int)}
    elif kind is list:
        parts = {f"[{index}]": item for index, item in enumerate(value[: MOST_PARTS + 1])}
    elif kind.__name__ == "DataFrame" and kind.__module__.startswith("pandas"):
        labels = [label for label in value.columns[: MOST_PARTS + 1] if type(label) in (str, int)]
        parts = {f"[{label!r}]": value[label] for label in labels} if value.columns.is_unique else {}
    else:
        parts = {f".{name}": item for name, item in attributes(value).items()} if kind.__module__ != "builtins" else {}
    return parts if 0 < len(parts) <= MOST_PARTS else None
