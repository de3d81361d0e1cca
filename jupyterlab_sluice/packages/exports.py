"""What `from MODULE import *` binds, asked of the Python that the notebook runs on.

Reads ``{"modules": [NAME]}`` from standard input and prints ``{"names": {NAME: [...]}, "path": [FOLDER]}`` as JSON. A module that cannot be imported
is left out. Modules are imported to find out, in this process of its own: what they print or leave running is nobody's business.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import warnings
from typing import List, Optional


def find_names(module: str) -> Optional[List[str]]:
    """The names; None where the import fails, as it would in the notebook."""
    try:
        found = importlib.import_module(module)
        listed = getattr(found, "__all__", None)
        if listed is None:
            return sorted(name for name in vars(found) if not name.startswith("_"))
        names = list(dict.fromkeys(listed))
        return names if all(hasattr(found, name) for name in names) else None
    except BaseException:  # a module may do anything, such as leave by sys.exit()
        return None


def main() -> None:
    """Read, import, print."""
    modules = json.load(sys.stdin)["modules"]
    sys.path[:] = [folder for folder in sys.path[1:] if folder]  # our own folder came first
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.setdefault("MPLBACKEND", "agg")
    warnings.simplefilter("ignore")
    names = {module: find_names(module) for module in modules}
    json.dump({"names": {module: found for module, found in names.items() if found is not None}, "path": sys.path}, answer)
    answer.flush()
    os._exit(0)  # whatever still runs


if __name__ == "__main__":
    main()
