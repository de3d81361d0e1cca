"""The step contract (decision 0002): from the command line to a `Job`, from a job's results to ExecutorOutput.

Everything that comes from outside is checked here, once; other modules rely on what `read` returns.
"""

from __future__ import annotations

import os
from typing import Any, Dict, List, NamedTuple, Optional

from .own import dumps, loads
from .problems import BrokenContract

VERSION = 1
MOUNTS = {"gs://": "/gcs/", "minio://": "/minio/", "s3://": "/s3/", "file://": ""}


class Value(NamedTuple):
    """Setup: take a bundle."""

    input: str
    names: List[str]
    states: List[str]


class Source(NamedTuple):
    """Setup: run again what an earlier cell defines. `line` is where it starts in that cell, from 1."""

    cell: int
    line: int
    source: str


class Cell(NamedTuple):
    """A cell of the step. `index` counts all cells of the notebook, from 0; `number` is what IPython counts at it, where that matters."""

    index: int
    id: Optional[str]
    source: str
    is_metrics: bool
    number: Optional[int] = None


class Output(NamedTuple):
    """A bundle to give."""

    artifact: str
    names: List[str]
    states: List[str]


class Parameter(NamedTuple):
    """A parameter to bind. JSON has one kind of number, so its type (`float`, …) says which Python value is meant.

    A nullable one that is given no value is None: KFP has no null. `exact` is the notebook's own value, in Python, where type and JSON say less.
    """

    name: str
    type: Optional[str]
    is_nullable: bool = False
    exact: Optional[str] = None


class Step(NamedTuple):
    """What the compiler wrote about this step."""

    pipeline: str
    name: str
    notebook: Optional[str]
    kernel: Optional[str]
    parameters: List[Parameter]
    setup: List[Any]
    cells: List[Cell]
    outputs: List[Output]
    checkpoints: List[int] = []  # cells after which the values are written down, when a notebook is verified
    results: List[str] = []  # names among those that the setup binds which hold what earlier cells have shown, such as `_`


class Artifact(NamedTuple):
    """A file given or to be made. `metadata` is what its maker said of it."""

    name: str
    uri: str
    path: str
    metadata: Dict[str, Any]


class Job(NamedTuple):
    """A step with everything that one execution of it gets."""

    step: Step
    values: Dict[str, Any]
    inputs: Dict[str, Artifact]
    outputs: Dict[str, Artifact]
    output_file: Optional[str]


def read(argv: List[str]) -> Job:
    """Read the arguments after BOOT.

    Raises:
        BrokenContract: something is missing or of an unknown version.
    """
    options = _options(argv)
    step = _step(_json("".join(options["--step"]), "--step"))
    given = _json("".join(options["--executor-input"]), "--executor-input")
    inputs, outputs = given.get("inputs") or {}, given.get("outputs") or {}
    job = Job(
        step,
        _parameters(step, inputs.get("parameterValues") or {}),
        _artifacts(inputs.get("artifacts")),
        _artifacts(outputs.get("artifacts")),
        outputs.get("outputFile"),
    )
    for item in step.setup:
        if isinstance(item, Value) and item.input not in job.inputs:
            raise BrokenContract(
                f"Step ‘{step.name}’ needs the input ‘{item.input}’ ({_list(item.names)}), but ExecutorInput has none of that name. Run the step that makes it first."
            )
    for output in step.outputs:
        if output.artifact not in job.outputs:
            raise BrokenContract(
                f"Step ‘{step.name}’ makes ‘{output.artifact}’ ({_list(output.names)}), but ExecutorInput names no place for it. Compile the notebook again."
            )
    return job


def write(job: Job, metadata: Dict[str, Dict[str, Any]]) -> None:
    """Write ExecutorOutput: every output artifact whose file is there, with what we know of it."""
    if not job.output_file:
        return
    artifacts = {
        key: {
            "artifacts": [
                {"name": artifact.name, "uri": artifact.uri, "metadata": {**artifact.metadata, **metadata.get(key, {})}}
            ]
        }
        for key, artifact in job.outputs.items()
        if os.path.exists(artifact.path)
    }
    write_file(job.output_file, dumps({"parameterValues": {}, "artifacts": artifacts}, allow_nan=False).encode())


def write_file(path: str, content: bytes) -> None:
    """Replace a file in one step, so that nobody ever reads half of it."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    temporary = f"{path}.{os.getpid()}.part"
    with open(temporary, "wb") as file:
        file.write(content)
    os.replace(temporary, path)


def path_of(uri: str) -> str:
    """Where KFP's launcher puts the file of a uri."""
    for scheme, mount in MOUNTS.items():
        if uri.startswith(scheme):
            return mount + uri[len(scheme) :]
    return uri


def _options(argv: List[str]) -> Dict[str, List[str]]:
    options: Dict[str, List[str]] = {"--runtime": [], "--step": [], "--executor-input": []}
    rest = list(argv)
    while rest:
        name = rest.pop(0)
        if name not in options or not rest:
            raise BrokenContract(
                f"The step’s command has an argument ‘{name[:40]}’ that this runtime does not know, or that lacks its value. Compile the notebook again."
            )
        options[name].append(rest.pop(0))
    for name in ("--step", "--executor-input"):
        if not options[name]:
            raise BrokenContract(f"The step’s command lacks ‘{name}’. Compile the notebook again.")
    return options


def _json(text: str, what: str) -> Dict[str, Any]:
    try:
        value = loads(text)
    except ValueError as error:
        raise BrokenContract(f"{what} is not JSON: {error}. Compile the notebook again.") from None
    if not isinstance(value, dict):
        raise BrokenContract(f"{what} is not a JSON object. Compile the notebook again.")
    return value


def _step(spec: Dict[str, Any]) -> Step:
    if spec.get("version") != VERSION:
        raise BrokenContract(
            f"The step was compiled for version {spec.get('version')} of the step contract; this runtime knows {VERSION}. Compile the notebook again."
        )
    try:
        return Step(
            str(spec.get("pipeline") or ""),
            spec["step"],
            spec.get("notebook"),
            spec.get("kernel"),
            [_parameter(item) for item in spec.get("parameters") or ()],
            [_setup(item) for item in spec.get("setup") or ()],
            [
                Cell(item["index"], item.get("id"), item["source"], bool(item.get("metrics")), item.get("number"))
                for item in spec.get("cells") or ()
            ],
            [
                Output(item["artifact"], list(item["names"]), list(item.get("states") or ()))
                for item in spec.get("outputs") or ()
            ],
            [item["afterCell"] for item in spec.get("checkpoints") or ()],
            list(spec.get("results") or ()),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenContract(
            f"The step’s description is incomplete: {type(error).__name__} {error}. Compile the notebook again."
        ) from None


def _parameter(item: Any) -> Parameter:
    return (
        Parameter(item, None)
        if isinstance(item, str)
        else Parameter(item["name"], item.get("type"), bool(item.get("nullable")), item.get("exact"))
    )


def _setup(item: Dict[str, Any]) -> Any:
    if item["kind"] == "value":
        return Value(item["input"], list(item["names"]), list(item.get("states") or ()))
    if item["kind"] == "source":
        return Source(item["cell"], item.get("line", 1), item["source"])
    raise ValueError(f"setup of kind ‘{item['kind']}’")


def _parameters(step: Step, values: Dict[str, Any]) -> Dict[str, Any]:
    bound = {}
    for parameter in step.parameters:
        if parameter.name not in values and not parameter.is_nullable:
            raise BrokenContract(
                f"Step ‘{step.name}’ needs the parameter ‘{parameter.name}’, but ExecutorInput has no value for it. Give it a value when you submit the run."
            )
        value = typed(values.get(parameter.name), parameter.type)
        own = value if parameter.exact is None else eval(parameter.exact, {})  # a literal that the compiler printed
        bound[parameter.name] = own if own == value else value
    return bound


def typed(value: Any, kind: Optional[str]) -> Any:
    """The Python value that a JSON value of a parameter means."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if kind == "float":
            return float(value)
        if kind == "integer" and value == int(value):
            return int(value)
    return value


def _artifacts(listed: Optional[Dict[str, Any]]) -> Dict[str, Artifact]:
    found = {}
    for key, value in (listed or {}).items():
        for artifact in (value.get("artifacts") or ())[:1]:
            uri = artifact.get("uri") or ""
            found[key] = Artifact(
                artifact.get("name") or key,
                uri,
                artifact.get("customPath") or path_of(uri),
                artifact.get("metadata") or {},
            )
    return found


def _list(names: List[str]) -> str:
    return ", ".join(f"‘{name}’" for name in names) or "no names"
