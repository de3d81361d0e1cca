"""Who judges the judge: what `make test` counts when a suite passes, fails, hangs, or says nothing."""

from __future__ import annotations

import sys

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "scripts"))
import run_tests  # noqa: E402

JEST = '{"numPassedTests": %d, "numFailedTests": %d, "numRuntimeErrorTestSuites": %d, "numPendingTests": 1, "numTodoTests": 0}'
XML = '<testsuites><testsuite tests="%d" failures="%d" errors="%d" skipped="2"/></testsuites>'
STORIES = '{"stats": {"expected": %d, "unexpected": %d, "flaky": 0, "skipped": 0}, "errors": [%s]}'
CLUSTER = '{"passed": %d, "failed": %d%s}'
CASES = [
    ("jest, all well", run_tests.read_jest, JEST % (5, 0, 0), 0, (5, 0)),
    ("jest, a test fails", run_tests.read_jest, JEST % (5, 2, 0), 1, (5, 2)),
    ("jest, a file does not compile", run_tests.read_jest, JEST % (5, 0, 1), 1, (5, 1)),
    ("pytest, all well", run_tests.read_pytest, XML % (9, 0, 0), 0, (7, 0)),
    ("pytest, a failure and an error", run_tests.read_pytest, XML % (9, 1, 1), 1, (5, 2)),
    ("stories, all well", run_tests.read_playwright, STORIES % (3, 0, ""), 0, (3, 0)),
    ("stories, the server does not start", run_tests.read_playwright, STORIES % (0, 0, "{}"), 1, (0, 1)),
    ("a cluster, all well", run_tests.read_cluster, CLUSTER % (4, 0, ""), 0, (4, 0)),
    ("a cluster, a test fails", run_tests.read_cluster, CLUSTER % (4, 1, ""), 1, (4, 1)),
    ("a cluster that cannot be built", run_tests.read_cluster, CLUSTER % (0, 0, ', "skipped": "no go"'), 0, (0, 0)),
    ("a cluster without tests", run_tests.read_cluster, CLUSTER % (0, 0, ""), 0, (0, 1)),
    ("all passed, and yet a bad exit status", run_tests.read_jest, JEST % (5, 0, 0), 1, (5, 1)),
    ("no tests at all", run_tests.read_jest, JEST % (0, 0, 0), 0, (0, 1)),
    ("no report", run_tests.read_jest, "", 0, (0, 1)),
    ("half a report", run_tests.read_jest, '{"numPassed', 0, (0, 1)),
]


@pytest.mark.parametrize("name, read, report, status, expected", CASES, ids=[case[0] for case in CASES])
def test_counts(tmp_path, name, read, report, status, expected):
    script = f"import pathlib, sys; {bool(report)} and pathlib.Path('REPORT').write_text({report!r}); sys.exit({status})"
    count = run_tests.run(run_tests.Suite(name, [sys.executable, "-c", script], read), tmp_path / "report")
    assert (count.passed, count.failed) == expected


def test_a_suite_that_hangs_is_ended_with_all_that_it_started(tmp_path, monkeypatch):
    monkeypatch.setattr(run_tests, "LONGEST_SECONDS", 1)
    marker = tmp_path / "marker"
    suite = run_tests.Suite("hang", ["sh", "-c", f"(sleep 3; touch {marker}) & sleep 60"], run_tests.read_jest)
    count = run_tests.run(suite, tmp_path / "report")
    assert (count.passed, count.failed) == (0, 1)
    with pytest.raises(pytest.fail.Exception):
        from conftest import wait_until

        wait_until(marker.exists, 3.5)
