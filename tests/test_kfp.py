"""KFP's own SDK judges what core compiles: it loads every golden pipeline, and its local runner executes them, but for those that it cannot.

The SDK lives in ``.venv-kfp``, which is made once from ``requirements-kfp.txt``; ``SLUICE_KFP_PYTHON`` names another
Python that has it. Where it cannot be installed, these tests are skipped and say so.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import yaml
from runtime.harness import BOOT, PACKED

ROOT = Path(__file__).parent.parent
PIPELINES = sorted((ROOT / "core" / "test" / "pipelines").glob("*/pipeline.yaml"))
REQUIREMENTS = ROOT / "requirements-kfp.txt"
FOLDER = ROOT / ".venv-kfp"


@pytest.fixture(scope="session")
def kfp_python() -> str:
    given = os.environ.get("SLUICE_KFP_PYTHON")
    if given:
        return given
    stamp, wanted = FOLDER / ".done", REQUIREMENTS.read_text()
    python = FOLDER / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(FOLDER, with_pip=True, clear=True)
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", REQUIREMENTS]
        done = subprocess.run(install, capture_output=True, text=True, timeout=900, check=False)
        if done.returncode != 0:
            pytest.skip(f"KFP’s SDK cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
        stamp.write_text(wanted)
    return str(python)


LOAD = """
import sys, warnings
warnings.simplefilter("ignore")
from kfp import components
for path in sys.argv[1:]:
    component = components.load_component_from_file(path)
    print(component.name, len(component.pipeline_spec.root.dag.tasks), bool(component.platform_spec.platforms))
"""


@pytest.mark.timeout(1200)
def test_the_sdk_loads_every_pipeline(kfp_python):
    answer = subprocess.run([kfp_python, "-c", LOAD, *PIPELINES], capture_output=True, text=True, timeout=300, check=False)
    assert answer.returncode == 0, answer.stderr
    expected = []
    for path in PIPELINES:
        pipeline, *platforms = yaml.safe_load_all(path.read_text(encoding="utf-8"))
        expected.append(f"{pipeline['pipelineInfo']['name']} {len(pipeline['root']['dag']['tasks'])} {bool(platforms)}")
    assert answer.stdout.splitlines() == expected


RUN = """
import json, logging, sys, warnings
warnings.simplefilter("ignore")
from kfp import components, local
local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[1], raise_on_error=True)
for path in sys.argv[2:]:
    print("PIPELINE", path, flush=True)
    try:
        components.load_component_from_file(path)()
    except Exception as error:
        print("REFUSED", error, flush=True)
"""

#: what steps print, of those of which more is asked than that they succeed
PRINTED = {
    "steps-diamond": ["1 1"],
    "parameter-integer": ["-1 1099511627776 1000"],
    "parameter-float": ["1e-07 0.5 2.0"],
    "parameter-annotated": ["1 []"],
    "value-shared": ["[1]"],
    "value-maybe-absent": ["none"],
    "function-chain": ["2.732"],
    "metrics": ["done"],
    "names-not-ascii": ["3"],
    "at-end": ["the end"],
    "everything": ["x 6", "cleaned"],
    "artifact-kinds": ["accuracy 1.0"],
}


#: those that need what KFP's local runner has not: a value that is None, also in a list or an object, and containers
REFUSED = {
    "chain": "Unknown value type",
    "parameter-none": "Unknown value type",
    "parameter-list": 'Got: "None"',
    "parameter-dict": 'Got: "None"',
    "volume-snapshots": "only supports running Lightweight Python Components",
}

#: those whose steps need packages
PACKAGED = ["artifact-kinds"]


@pytest.fixture(scope="session")
def executed(kfp_python, tmp_path_factory) -> dict[str, str]:
    """What KFP's local runner printed, by pipeline. Many run in one process: to import the SDK is the greater part of it."""
    folder = tmp_path_factory.mktemp("kfp")
    (folder / "work").mkdir()
    # the local runner takes its own Python for each step
    (folder / "packages").mkdir()
    (folder / "packages" / "sitecustomize.py").write_text(f"import sys\nsys.path.append({sysconfig.get_paths()['purelib']!r})\n")
    plain = [path.parent.name for path in PIPELINES if path.parent.name not in PACKAGED]
    return {
        **execute(kfp_python, folder, plain, {}),
        **execute(kfp_python, folder, PACKAGED, {"PYTHONPATH": str(folder / "packages")}),
    }


def execute(kfp_python: str, folder: Path, names: list[str], env: dict[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    files = [fill(name, folder) for name in names]
    answer = subprocess.run(
        [kfp_python, "-c", RUN, folder / "root", *files],
        capture_output=True, text=True, timeout=600, check=False, cwd=folder / "work", env={**os.environ, "PATH": path, **env},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-3000:] + answer.stderr[-3000:]
    pieces = answer.stdout.split("PIPELINE ")[1:]
    return {Path(piece.split("\n", 1)[0]).stem: piece for piece in pieces}


def fill(name: str, folder: Path) -> Path:
    """The golden text with the runtime in it. KFP runs without containers only what has its own entry point in the command: there it is, in a comment."""
    documents = list(yaml.safe_load_all((ROOT / "core" / "test" / "pipelines" / name / "pipeline.yaml").read_text(encoding="utf-8")))
    real = {"BOOT": f"# kfp.dsl.executor_main\n{BOOT}", "RUNTIME": PACKED}
    for executor in documents[0]["deploymentSpec"]["executors"].values():
        container = executor["container"]
        for key in ("command", "args"):
            container[key] = [real.get(text, text) for text in container[key]]
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return file


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", [path.parent.name for path in PIPELINES])
def test_the_sdk_executes_them(name, executed):
    printed = [line.strip() for line in executed[name].splitlines()]
    refusals = [line for line in printed if line.startswith("REFUSED")]
    if name in REFUSED:
        assert REFUSED[name] in "".join(refusals)
        return
    assert refusals == []
    assert any("Pipeline" in line and "SUCCESS" in line for line in printed)
    for text in PRINTED.get(name, []):
        assert any(line.startswith(text) for line in printed), executed[name]
    assert "FAILURE" not in executed[name]


def test_every_step_leaves_what_the_contract_says(executed, tmp_path_factory):
    outputs = left_by("everything", tmp_path_factory)
    assert set(outputs) == {"load", "train", "publish", "clean"}
    train = outputs["train"]["artifacts"]
    assert train["sluice_metrics"]["artifacts"][0]["metadata"] == {"model": 6}
    assert [variable["name"] for variable in train["model"]["artifacts"][0]["metadata"]["variables"]] == ["model"]


def test_artifacts_are_of_their_kinds(executed, tmp_path_factory):
    outputs = left_by("artifact-kinds", tmp_path_factory)
    artifacts = {key: artifact["artifacts"][0] for step in outputs.values() for key, artifact in step["artifacts"].items()}
    assert artifacts["model"]["metadata"]["kind"] == "Dataset"
    assert artifacts["table"]["metadata"] | {"variables": []} == {"kind": "Model", "framework": "sklearn", "variables": []}
    assert artifacts["sluice_metrics"]["metadata"]["accuracy"] == 1.0
    assert artifacts["sluice_classification"]["metadata"]["confusionMatrix"]["rows"] == [{"row": [2, 0]}, {"row": [0, 2]}]
    assert artifacts["sluice_classification"]["metadata"]["confidenceMetrics"][-1]["recall"] == 1.0
    tell = Path(outputs["tell"]["artifacts"]["sluice_report"]["artifacts"][0]["uri"])
    assert "<title>tell</title>" in tell.read_text() and (tell.parent / "sluice_markdown").read_text() == "**4** rows"


def left_by(name, tmp_path_factory) -> dict[str, dict]:
    """ExecutorOutput of each step, as KFP's local runner kept it."""
    roots = sorted(tmp_path_factory.getbasetemp().glob(f"kfp*/root/{name}-*"))
    return {file.parent.name: json.loads(file.read_text()) for file in roots[-1].glob("*/executor_output.json")}
