"""Records docs/transcripts/cluster.md anew: the page is its own script. Its commands are run one after the other on the test cluster with pods
(cluster/README.md), on a copy of the example, and what they print takes the place of what the page said that they print.

    make transcript
"""

from __future__ import annotations

import datetime
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/transcripts/cluster.md"
EXAMPLE = ROOT / "examples/diabetes"
KIT = ROOT / "cluster"
FOLDER = Path(os.environ.get("SLUICE_CLUSTER_DIR", Path.home() / ".cache/sluice-cluster"))
RUN_ID = r"\b\d{8}-\d{6}-\w{4}\b"


def main() -> None:
    if not (FOLDER / "run/pid/kubelet").exists():
        sys.exit("There is no test cluster with pods: start it with cluster/up.sh --pods.")
    with tempfile.TemporaryDirectory() as folder:
        namespace = f"diabetes-{secrets.token_hex(3)}"
        environment = prepare(Path(folder), namespace)
        try:
            PAGE.write_text(record(PAGE.read_text(), Path(folder) / "work", environment))
        finally:
            kubectl(environment, "delete", "clusterrolebinding", f"storage-classes-{namespace}")
            kubectl(environment, "delete", "namespace", namespace, "--wait=false")
    print(f"{PAGE.relative_to(ROOT)} is recorded anew. Look at it: what stands between the commands is not.")


def record(page: str, folder: Path, environment: dict) -> str:
    """The page with what its commands print now; ids of runs in the commands become those of the new runs."""
    ids: dict = {}

    def run(block: re.Match) -> str:
        command, before = block["command"], block["output"]
        for old, new in ids.items():
            command = command.replace(old, new)
        print(f"$ {command}", flush=True)
        ended = subprocess.run(command, shell=True, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        after = "\n".join(line.rstrip() for line in ended.stdout.rstrip().splitlines())
        print(after, flush=True)
        for old, new in zip(unique(re.findall(RUN_ID, before)), unique(re.findall(RUN_ID, after))):
            ids.setdefault(old, new)
        return f"```\n$ {command}\n{after}{chr(10) if after else ''}```\n"

    page = re.sub(r"^```\n\$ (?P<command>.*)\n(?P<output>(?:(?!```).*\n)*)```\n", run, page, flags=re.MULTILINE)
    return re.sub(r"(?<=^Recorded on )\S+", str(datetime.date.today()), page, flags=re.MULTILINE)


def unique(texts: list) -> list:
    return list(dict.fromkeys(texts))


def prepare(folder: Path, namespace: str) -> dict:
    """The environment of the commands: a copy of the example in `work`, a namespace, and in it a volume with the packages."""
    shutil.copytree(EXAMPLE, folder / "work", ignore=shutil.ignore_patterns(".*"))
    misspell(folder / "work/progression.ipynb")
    shutil.copy(FOLDER / "kubeconfig", folder / "kubeconfig")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([os.environ["PATH"], str(FOLDER / "bin")]),
        "KUBECONFIG": str(folder / "kubeconfig"),
        "SLUICE_SERVICE_ACCOUNT": "pipeline-runner",
        "COLUMNS": "200",
    }
    users = (KIT / "manifests/users.yaml").read_text().replace("team-a", namespace)
    binding = "kind: ClusterRoleBinding\nmetadata: {name: storage-classes"
    kubectl(environment, "apply", "-f", "-", given=users.replace(binding, f"{binding}-{namespace}"))
    kubectl(environment, "config", "set-context", "admin", "--namespace", namespace)
    claim = {
        **{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "packages"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    kubectl(environment, "apply", "-f", "-", given=json.dumps(claim))
    kubectl(environment, "wait", "pvc/packages", "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
    volume = kubectl(environment, "get", "pvc", "packages", "-o", "jsonpath={.spec.volumeName}")
    handle = kubectl(environment, "get", "pv", volume, "-o", "jsonpath={.spec.csi.volumeHandle}")
    install(["pandas", "scikit-learn", "matplotlib"], FOLDER / "run/csi/vol" / handle)
    return environment


def misspell(notebook: Path) -> None:
    """The mistake that the first run fails of; and what this cluster needs to be told, whose one image has nothing but Python."""
    text = notebook.read_text()
    wrong = text.replace('test[[\\"progression\\"]]', 'test[[\\"progresion\\"]]')
    assert wrong != text
    document = json.loads(wrong)
    document["metadata"]["sluice"] = {
        "snapshots": "each-step",
        "defaults": {
            "image": "localhost/python:sluice",
            "env": {"PYTHONPATH": "/packages", "LD_LIBRARY_PATH": "/packages"},
            "volumes": [{"pvc_name": "packages", "path": "/packages", "read_only": True}],
        },
    }
    notebook.write_text(json.dumps(document))


def install(names: list, folder: Path) -> None:
    """These distributions, and what they need, as this Python has them."""
    found: dict = {}
    while names:
        name = names.pop()
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            sys.exit(f"{name} is not installed here. Run make setup.")
        for text in found[name].requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                names.append(requirement.name)
    for one in found.values():
        for file in one.files or []:
            if ".." not in file.parts and "tests" not in file.parts and file.suffix != ".pyc":
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file.locate(), target)
    for name, path in re.findall(r"(libstdc\+\+\.so\.6) .*=> (.*)", subprocess.run(["ldconfig", "-p"], stdout=subprocess.PIPE, text=True).stdout):
        shutil.copy(path, folder / name)  # wheels expect it of every system


def kubectl(environment: dict, *arguments: str, given: str | None = None) -> str:
    return subprocess.run(
        ["kubectl", *arguments], check=True, env=environment, input=given, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
