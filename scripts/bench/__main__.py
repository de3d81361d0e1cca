"""Every benchmark, or those that are named: `python scripts/bench [NAME…] [--rounds N] [--full]`. `make bench` runs all with what is there.

A benchmark prints figures beside their budgets and beside those of other programs, taken in the same run in turns, since the machine is
never as quiet as one thinks. It fails for no figure: a figure over its budget says OVER.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import analysis
import browser
import output
import records
import snapshots
import steps
import values
from figures import RESULTS, Figure, keep, machine
from peers import PEERS, ROOT

# by name, from how often each thing is measured, and whether in the full size
BENCHES: dict[str, Callable[[int, bool], list[Figure]]] = {
    "analysis": lambda rounds, _: analysis.measure(rounds),
    "browser": lambda rounds, _: browser.measure(rounds),
    "output": lambda rounds, _: output.measure(rounds),
    "records": lambda rounds, _: records.measure(rounds),
    "values": lambda rounds, _: values.measure(rounds),
    "snapshots": snapshots.measure,
    "steps": lambda rounds, _: steps.measure(rounds),
}


def main() -> None:
    """Read the arguments, measure, print, write."""
    arguments = argparse.ArgumentParser(prog="bench", description=__doc__.split("\n")[0])
    arguments.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all by default")
    arguments.add_argument("--rounds", type=int, default=3, help="how often each thing is measured (3); medians are shown")
    arguments.add_argument("--full", action="store_true", help="snapshots of 2 GB, not of 200 MB")
    chosen = arguments.parse_args()
    unknown = set(chosen.names) - set(BENCHES)
    if unknown:
        arguments.error(f"There is no benchmark ‘{min(unknown)}’. There are {', '.join(BENCHES)}.")
    versions = {name: peer.version for name, peer in PEERS.items() if peer.version} | {"sluice": _commit()}
    taken: list[Figure] = []
    broken: list[str] = []
    for name in chosen.names or BENCHES:
        before, begin = machine(), time.monotonic()
        print(f"\n=== {name} · load {before['load'][0]} on {before['cores']} cores", flush=True)
        try:
            figures = BENCHES[name](chosen.rounds, chosen.full)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:  # the others are worth measuring all the same
            print(f"‘{name}’ could not be measured: {error}", flush=True)
            broken.append(name)
            continue
        for figure in figures:
            print(figure.text())
        keep(name, figures, before, versions)
        taken += figures
        print(f"    {time.monotonic() - begin:.0f} s", flush=True)
    _summarize(taken)
    print(f"\nWritten to {RESULTS.relative_to(ROOT)}.")
    if broken:
        sys.exit(f"Not measured: {', '.join(broken)}.")


def _summarize(figures: list[Figure]) -> None:
    held = [figure for figure in figures if figure.budget is not None]
    over = [figure for figure in held if figure.is_over]
    print(f"\n=== {len(held) - len(over)} of {len(held)} figures are within their budgets")
    for figure in over:
        print(figure.text())


def _commit() -> str:
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True)
    return said.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()
