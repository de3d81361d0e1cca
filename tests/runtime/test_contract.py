"""What the runtime accepts from outside, and what it says to the rest."""

from __future__ import annotations

import json

import pytest

from jupyterlab_sluice.runtime import contract
from jupyterlab_sluice.runtime.problems import BrokenContract

STEP = {"version": 1, "pipeline": "p", "step": "train"}


def read(step: dict | str, given: dict | str = "{}", *more: str) -> contract.Job:
    """Read a step and ExecutorInput."""
    texts = [value if isinstance(value, str) else json.dumps(value) for value in (step, given)]
    return contract.read(["--runtime", "r", "--step", texts[0], "--executor-input", texts[1], *more])


@pytest.mark.parametrize(
    "title, step, given, more, message",
    [
        ("no step", "", "{}", [], "--step is not JSON"),
        ("an array", "[]", "{}", [], "--step is not a JSON object"),
        (
            "a later version",
            {**STEP, "version": 2},
            "{}",
            [],
            "compiled for version 2 of the step contract; this runtime knows 1",
        ),
        ("an unknown argument", STEP, "{}", ["--zzz", "1"], "an argument ‘--zzz’ that this runtime does not know"),
        ("an argument without value", STEP, "{}", ["--step"], "lacks its value"),
        ("an incomplete cell", {**STEP, "cells": [{"index": 1}]}, "{}", [], "incomplete: KeyError 'source'"),
        ("an unknown setup", {**STEP, "setup": [{"kind": "magic"}]}, "{}", [], "setup of kind ‘magic’"),
        ("a missing parameter", {**STEP, "parameters": ["n"]}, "{}", [], "needs the parameter ‘n’"),
        (
            "a missing input",
            {**STEP, "setup": [{"kind": "value", "input": "x", "names": ["x"], "states": []}]},
            "{}",
            [],
            "needs the input ‘x’",
        ),
        (
            "no place for an output",
            {**STEP, "outputs": [{"artifact": "x", "names": ["x"], "states": []}]},
            "{}",
            [],
            "makes ‘x’",
        ),
    ],
)
def test_what_is_refused(title, step, given, more, message):
    with pytest.raises(BrokenContract, match=message):
        read(step, given, *more)


@pytest.mark.parametrize(
    "kind, value, expected",
    [
        (None, 1, 1),
        ("float", 1, 1.0),
        ("integer", 1.0, 1),
        ("integer", 1.5, 1.5),
        ("string", None, None),
        ("boolean", True, True),
        ("float", True, True),
        ("list", [1], [1]),
    ],
)
def test_parameters_have_their_types(kind, value, expected):
    parameter = "n" if kind is None else {"name": "n", "type": kind}
    found = read({**STEP, "parameters": [parameter]}, {"inputs": {"parameterValues": {"n": value}}}).values["n"]
    assert found == expected and type(found) is type(expected)


def test_a_nullable_parameter_without_value_is_none():
    assert read({**STEP, "parameters": [{"name": "n", "type": "string", "nullable": True}]}).values == {"n": None}


@pytest.mark.parametrize(
    "artifact, path",
    [
        ({"uri": "gs://bucket/a"}, "/gcs/bucket/a"),
        ({"uri": "minio://bucket/a"}, "/minio/bucket/a"),
        ({"uri": "s3://bucket/a"}, "/s3/bucket/a"),
        ({"uri": "/tmp/a"}, "/tmp/a"),
        ({"uri": "s3://bucket/a", "customPath": "/x"}, "/x"),
    ],
)
def test_paths_of_artifacts(artifact, path):
    assert read(STEP, {"inputs": {"artifacts": {"a": {"artifacts": [artifact]}}}}).inputs["a"].path == path


def test_a_broken_contract_ends_with_4(bare):
    ended = bare.run("train", "x = 1", version=7)
    assert (
        (ended.status, ended.failure["name"]) == (4, "broken-contract")
        and "version 7" in ended.stderr
        and "Traceback" not in ended.stderr
    )


def test_braces_of_templates_arrive_whole(bare):
    assert bare.run("train", "print('{{$}} {{inputs.x}}')").stdout == "{{$}} {{inputs.x}}\n"
