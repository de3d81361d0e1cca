"""The fork server: it holds processes in which what a step imports is imported already, and forks one for each step.

It is started as a step is, `python -c BOOT --runtime …`, and stands where the runtime's own `main` would be. While BOOT
imports that, it serves. In a step's process the import comes to its end with the runtime's `main` in our place, and BOOT
goes on as it would have in a process of its own: the same program, the same frames.

Three roles follow on each other in a process's life: `Server` (one), `Template` (one for each set of imports), a step.
"""

from __future__ import annotations

from .server import open_server

role = open_server()
while role is not None:
    role = role.run()
