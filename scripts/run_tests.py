"""Every test of the project, in one go: jest, pytest, the user stories in a browser, and what needs a Kubernetes.

Each suite's own report appears as it runs, and that of one that runs beside another when both have ended; a table and
one line ‘N passed, N failed’ end it. The counts come from the
reports that the suites write, and a suite that wrote none has failed, whatever it printed. One that cannot run on this
machine says so, and counts as neither. Names of suites as arguments run these alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).parent.parent
#: a suite that takes longer hangs
LONGEST_SECONDS = 40 * 60
#: suites that have not ended
RUNNING: list[subprocess.Popen[bytes]] = []


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    #: why the whole suite cannot run here
    why: str = ""


@dataclass
class Suite:
    """How to run one suite, and how to read what it reports. ``REPORT`` in command and environment becomes a path."""

    name: str
    command: list[str]
    read: Callable[[Path], Count]
    folder: str = "."
    environment: tuple[tuple[str, str], ...] = ()
    #: where building comes first
    longest_seconds: int | None = None
    #: runs at the same time as the one before it: both leave half of two cores idle
    is_beside: bool = False


#: a suite's name, counts and seconds
Row = tuple[str, Count, float]


def read_jest(report: Path) -> Count:
    told = json.loads(report.read_text())
    # a file that does not compile has no tests to count
    failed = told["numFailedTests"] + told["numRuntimeErrorTestSuites"]
    return Count(told["numPassedTests"], failed, told["numPendingTests"] + told["numTodoTests"])


def read_pytest(report: Path) -> Count:
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    count = Count()
    for suite in suites:
        tests, failed, skipped = int(suite.get("tests", 0)), _failures(suite), int(suite.get("skipped", 0))
        count = Count(count.passed + tests - failed - skipped, count.failed + failed, count.skipped + skipped)
    return count


def _failures(suite: ElementTree.Element) -> int:
    return int(suite.get("failures", 0)) + int(suite.get("errors", 0))


def read_playwright(report: Path) -> Count:
    told = json.loads(report.read_text())
    stats = told["stats"]
    # `errors` are those outside of any test, such as a server that does not start
    return Count(stats["expected"] + stats["flaky"], stats["unexpected"] + len(told.get("errors", [])), stats["skipped"])


def read_cluster(report: Path) -> Count:
    told = json.loads(report.read_text())
    return Count(told["passed"], told["failed"], why=told.get("skipped", ""))


SUITES = [
    Suite("jest", ["npx", "jest", "--json", "--outputFile=REPORT"], read_jest),
    Suite("pytest", [sys.executable, "-m", "pytest", "--junitxml=REPORT"], read_pytest, is_beside=True),
    Suite(
        "playwright",
        ["npx", "playwright", "test", "--reporter=list,json"],
        read_playwright,
        folder="ui-tests",
        environment=(("PLAYWRIGHT_JSON_OUTPUT_FILE", "REPORT"), ("CI", "1")),
    ),
    Suite("cluster", [sys.executable, "scripts/test_cluster", "--report", "REPORT"], read_cluster, longest_seconds=45 * 60),
]


def run(suite: Suite, report: Path, output: Path | None = None) -> Count:
    """Run a suite to its end and count. What it prints goes to ``output``, where one is given."""

    def filled(text: str) -> str:
        return text.replace("REPORT", str(report))

    environment = {**os.environ, **{name: filled(value) for name, value in suite.environment}}
    command = [filled(part) for part in suite.command]
    longest = suite.longest_seconds or LONGEST_SECONDS
    with open(output, "wb") if output else nullcontext() as printed:
        # jest prints its JSON on stdout as well; its readable report is on stderr
        streams = {"stdout": subprocess.DEVNULL if suite.name == "jest" else printed, "stderr": printed}
        process = subprocess.Popen(command, cwd=ROOT / suite.folder, env=environment, start_new_session=True, **streams)
        RUNNING.append(process)
        try:
            status = process.wait(longest)
        except BaseException as error:  # too slow, or Ctrl+C: nothing that it started may stay
            end(process)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            print(f"{suite.name} had not ended after {longest} seconds.", flush=True)
            return Count(failed=1)
        finally:
            RUNNING.remove(process)
    try:
        count = suite.read(report)
    except (OSError, ValueError, KeyError, ElementTree.ParseError) as error:
        print(f"{suite.name} left no report that can be read ({error}).", flush=True)
        return Count(failed=1)
    if status and not count.failed or not count.passed + count.failed and not count.why:
        print(f"{suite.name} ended with exit status {status} after {count.passed} passed tests.", flush=True)
        count.failed += 1
    return count


def end(process: subprocess.Popen[bytes]) -> None:
    """End a suite with all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_side_by_side(suites: list[Suite], folder: Path) -> list[Row]:
    """The first one prints as it runs, the others' output follows."""

    def timed(suite: Suite, output: Path | None) -> Row:
        start = time.monotonic()
        return suite.name, run(suite, folder / suite.name, output), time.monotonic() - start

    outputs = [None, *(folder / f"{suite.name}.log" for suite in suites[1:])]
    print(f"\n=== {', and beside it '.join(suite.name for suite in suites)}", flush=True)
    with ThreadPoolExecutor() as pool:
        others = [pool.submit(timed, suite, output) for suite, output in zip(suites[1:], outputs[1:])]
        try:
            rows = [timed(suites[0], None)]
            for suite, output, row in zip(suites[1:], outputs[1:], others):
                rows.append(row.result())
                print(f"\n=== {suite.name}\n{output.read_text(errors='replace')}", flush=True)
        except BaseException:
            for process in list(RUNNING):
                end(process)
            raise
    return rows


def in_groups(suites: list[Suite]) -> list[list[Suite]]:
    """Each with those that run beside it."""
    groups: list[list[Suite]] = []
    for suite in suites:
        if suite.is_beside and groups:
            groups[-1].append(suite)
        else:
            groups.append([suite])
    return groups


def main(names: list[str]) -> int:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for group in in_groups([suite for suite in SUITES if not names or suite.name in names]):
            rows += run_side_by_side(group, Path(folder))
    print(f"\n{'suite':12}{'passed':>8}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for name, count, seconds in rows:
        why = count.why and f"  skipped: {count.why}"
        print(f"{name:12}{count.passed:8}{count.failed:8}{count.skipped:9}{seconds:9.0f}{why}")
    failed = sum(count.failed for _, count, _ in rows)
    print(f"\n{sum(count.passed for _, count, _ in rows)} passed, {failed} failed")
    return 1 if failed or not rows else 0


if __name__ == "__main__":
    # A shell starts what it puts in the background deaf to Ctrl+C, and the tests would inherit that; some press it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as nohup does with this one
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as an exception, so that the suite is ended, too
    sys.exit(main(sys.argv[1:]))
