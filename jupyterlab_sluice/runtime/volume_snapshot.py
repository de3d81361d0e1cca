"""A snapshot of a volume, taken from within a pod: on Kubeflow Pipelines a small task before and after each step runs this file
as its whole program. It asks the API server by the token that Kubernetes puts into each pod, and waits until the snapshot can
be restored from.

    python3 volume_snapshot.py --claim work --name run-7-train-before [--label KEY=VALUE]... [--annotation KEY=VALUE]...
                               [--class CLASS] [--clone yes] [--timeout SECONDS]

Where a storage driver has no snapshots, a clone stands for one: a volume that is a copy.

What a step that failed has left is kept by the step's own pod, as no task may come after it there. The program runs the command and,
where that fails, takes snapshots of the claims before it ends with the command's status:

    python3 volume_snapshot.py --after-failure --claim work --name train-after-work [--claim … --name …]... -- COMMAND...

The run, and how each claim is kept, are then in SLUICE_SNAPSHOTS: {"run": ID, "labels": {}, "annotations": {}, "ways": {CLAIM: {"class": NAME} or {"isCloned": true}}}.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Dict, List, Optional

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
GROUP = "snapshot.storage.k8s.io"
#: where each is found, and what a Role calls it
PLACES = {"VolumeSnapshot": (f"/apis/{GROUP}/v1", "volumesnapshots"), "PersistentVolumeClaim": ("/api/v1", "persistentvolumeclaims")}
#: a driver that fails tries again by itself
PATIENCE_SECONDS = 3


class Refused(Exception):
    """What stands in the way, for the log of the task."""


class Passing(Exception):
    """The server is away for a moment."""


class Api:
    """The API server as the pod sees it: volumes and their snapshots in the pod's own namespace."""

    def __init__(self, account: Path = ACCOUNT) -> None:
        if not (account / "token").exists():
            raise Refused(
                "This pod has no service account token, so that it cannot ask for a snapshot. Give the run a service account, and let its token be mounted."
            )
        self.account = account
        self.namespace = (account / "namespace").read_text().strip()
        self.trust = ssl.create_default_context(cafile=str(account / "ca.crt"))
        host = os.environ.get("KUBERNETES_SERVICE_HOST", "kubernetes.default.svc")
        port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
        self.server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
        # a proxy knows the world outside, and the API server is inside
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=self.trust)
        )

    def create(self, body: Dict[str, Any]) -> None:
        """Make the object; one of its name that is there already is left alone."""
        try:
            self._ask("create", body["kind"], "POST", "", body)
        except FileExistsError:
            pass

    def read(self, kind: str, name: str) -> Dict[str, Any]:
        return self._ask("get", kind, "GET", f"/{name}")

    def _ask(self, verb: str, kind: str, method: str, path: str, body: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        group, resource = PLACES[kind]
        url = f"{self.server}{group}/namespaces/{self.namespace}/{resource}{path}"
        # tokens are renewed while a pod runs
        token = (self.account / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        try:
            with self.opener.open(urllib.request.Request(url, data, headers, method=method), timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            self._refuse(verb, kind, error)
        except (OSError, ValueError) as error:
            raise Passing(str(error)) from None
        raise AssertionError("unreachable")

    def _refuse(self, verb: str, kind: str, error: urllib.error.HTTPError) -> None:
        resource = PLACES[kind][1]
        said = error.read().decode(errors="replace")
        try:
            message = json.loads(said)["message"]
        except (ValueError, KeyError, TypeError):
            message = said.strip() or str(error)
        where = f"in namespace ‘{self.namespace}’"
        if error.code == 409:
            raise FileExistsError(message)
        if error.code == 429 or error.code >= 500:
            raise Passing(message)
        if error.code == 403 and "exceeded quota" in message:
            raise Refused(f"The quota does not allow another of {resource} {where}: {message.split('exceeded quota: ')[-1]}.")
        if error.code == 403:
            user = (re.findall(r'User "([^"]*)"', message) or ["this pod’s service account"])[0]
            what = f"{resource}.{GROUP}" if kind == "VolumeSnapshot" else resource
            raise Refused(f"‘{user}’ may not {verb} {what} {where}. Ask for a Role that allows ‘get’ and ‘create’ on it.")
        if error.code == 404 and kind == "VolumeSnapshot" and verb == "create":
            raise Refused(f"The cluster has no VolumeSnapshots ({GROUP}/v1 is not installed). Set ‘clone’ in the notebook’s ‘sluice.snapshots’, or switch snapshots off.")
        raise Refused(f"The cluster refused to {verb} {resource} {where}: {message}")


def take(api: Api, body: Dict[str, Any], timeout: float) -> Dict[str, Any]:
    """Make the snapshot and wait until it is ready to use. One of the same name of the same claim, which an earlier try of this task
    made, is as good.

    Raises:
        Refused: the cluster or the driver does not do it, or not within `timeout` seconds.
    """
    name = body["metadata"]["name"]
    claim = body["spec"]["source"]["persistentVolumeClaimName"]
    end = time.monotonic() + timeout
    _patiently(end, lambda: api.create(body))
    failing = None
    while True:
        there = _patiently(end, lambda: api.read("VolumeSnapshot", name))
        source = there["spec"]["source"].get("persistentVolumeClaimName")
        if source != claim:
            raise Refused(f"There is a snapshot ‘{name}’ already, of claim ‘{source}’ instead of ‘{claim}’. Remove it, or run again.")
        status = there.get("status") or {}
        if status.get("readyToUse"):
            return there
        error = (status.get("error") or {}).get("message")
        failing = (failing or time.monotonic()) if error else None
        if failing and time.monotonic() - failing > PATIENCE_SECONDS:
            raise Refused(f"The storage driver could not take the snapshot ‘{name}’ of claim ‘{claim}’: {plain(error)}.")
        if time.monotonic() > end:
            raise Refused(f"The snapshot ‘{name}’ of claim ‘{claim}’ was not ready after {timeout:g} seconds.")
        time.sleep(0.5)


def clone(api: Api, claim: str, metadata: Dict[str, Any], timeout: float) -> None:
    """Make a volume that is a copy of the claim's, like it in size, class and access modes, and wait until it is there.

    Raises:
        Refused: the cluster does not do it, or not within `timeout` seconds.
    """
    name = metadata["name"]
    end = time.monotonic() + timeout
    source = _patiently(end, lambda: api.read("PersistentVolumeClaim", claim))
    same = {key: source["spec"][key] for key in ("accessModes", "storageClassName", "volumeMode") if key in source["spec"]}
    size = (source.get("status") or {}).get("capacity", {}).get("storage") or source["spec"]["resources"]["requests"]["storage"]
    of = {"kind": "PersistentVolumeClaim", "name": claim}
    spec = {**same, "resources": {"requests": {"storage": size}}, "dataSource": of}
    body = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}
    _patiently(end, lambda: api.create(body))
    while True:
        there = _patiently(end, lambda: api.read("PersistentVolumeClaim", name))
        if (there["spec"].get("dataSource") or {}).get("name") != claim:
            raise Refused(f"There is a volume claim ‘{name}’ already that is no clone of ‘{claim}’. Remove it, or run again.")
        if (there.get("status") or {}).get("phase") == "Bound":
            return
        if time.monotonic() > end:
            raise Refused(f"The clone ‘{name}’ of claim ‘{claim}’ was not made within {timeout:g} seconds. Can its driver clone volumes?")
        time.sleep(0.5)


def _patiently(end: float, work: Any) -> Any:
    while True:
        try:
            return work()
        except Passing as error:
            if time.monotonic() > end:
                raise Refused(f"The cluster did not answer: {error}") from None
            time.sleep(1)


def plain(message: str) -> str:
    """What the driver said, without the wrappings that each part in between put around it."""
    return re.sub(r'^.*desc = (.*?)"?$', r"\1", message, flags=re.DOTALL).strip().rstrip(".")


def main(arguments: List[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--claim", action="append", required=True)
    parser.add_argument("--name", action="append", required=True)
    parser.add_argument("--class", dest="snapshot_class")
    parser.add_argument("--clone")
    parser.add_argument("--label", action="append", default=[])
    parser.add_argument("--annotation", action="append", default=[])
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--after-failure", action="store_true")
    end = arguments.index("--") if "--" in arguments else len(arguments)
    given, command = parser.parse_args(arguments[:end]), arguments[end + 1 :]
    if given.after_failure:
        return run(command, given)
    try:
        keep(given, given.claim[0], given.name[0])
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


def keep(given: argparse.Namespace, claim: str, name: str) -> None:
    """Take the snapshot, or make the clone, that the arguments describe.

    Raises:
        Refused: the cluster or the driver does not do it, or not in time.
    """
    metadata = {
        "name": name,
        "labels": {"app.kubernetes.io/managed-by": "sluice", **_pairs(given.label)},
        "annotations": _pairs(given.annotation),
    }
    if given.clone == "yes":
        clone(Api(), claim, metadata, given.timeout)
    else:
        spec: Dict[str, Any] = {"source": {"persistentVolumeClaimName": claim}}
        if given.snapshot_class:
            spec["volumeSnapshotClassName"] = given.snapshot_class
        body = {"apiVersion": f"{GROUP}/v1", "kind": "VolumeSnapshot", "metadata": metadata, "spec": spec}
        take(Api(), body, given.timeout)
    print(f"The {'clone' if given.clone == 'yes' else 'snapshot'} ‘{name}’ of claim ‘{claim}’ is ready.", flush=True)


def run(command: List[str], given: argparse.Namespace) -> int:
    """Run the step's command; where it fails by itself, keep the volumes as it left them. The status is the command's."""
    asked_to_end: List[int] = []
    children: List["subprocess.Popen[bytes]"] = []

    def end(number: int, frame: Any) -> None:
        asked_to_end.append(number)
        for child in children:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    child = subprocess.Popen([sys.executable if command[0] == "python3" else command[0], *command[1:]])
    children.append(child)
    if asked_to_end:
        child.send_signal(asked_to_end[0])
    status = child.wait()
    status = 128 - status if status < 0 else status
    if status and not asked_to_end:
        os.sync()  # what the step wrote is on the volume, and not only in this node's memory
        keep_failed(given)
    return status


def keep_failed(given: argparse.Namespace) -> None:
    """A step that is tried again leaves one snapshot a try: their names end with the time. What stands in the way is told, and is no failure of the step's."""
    told = json.loads(os.environ.get("SLUICE_SNAPSHOTS") or "{}")
    of_run = told.get("run") or own_run()
    given.label += [f"sluice.dev/run={of_run}"]
    given.label += [f"{key}={value}" for key, value in told.get("labels", {}).items()]
    given.annotation += [f"{key}={value}" for key, value in told.get("annotations", {}).items()]
    given.annotation += [f"sluice.dev/pod={os.environ.get('KFP_POD_NAME', '')}"]
    usual = (given.snapshot_class, given.clone)
    for claim, name in zip(given.claim, given.name):
        way = told.get("ways", {}).get(claim)
        given.snapshot_class, given.clone = usual if way is None else (way.get("class"), "yes" if way.get("isCloned") else "")
        try:
            keep(given, claim, f"{of_run}-{name}-{int(time.time()):x}")
        except (Refused, OSError, ValueError) as error:
            print(error, file=sys.stderr)


def own_run() -> str:
    """KFP's id of the run, which its launcher was given; it is what started us. Elsewhere the pod's name stands for it."""
    try:
        words = Path(f"/proc/{os.getppid()}/cmdline").read_text().split("\0")
        return words[words.index("--run_id") + 1]
    except (OSError, ValueError, IndexError):
        return os.environ.get("KFP_POD_NAME") or os.environ.get("HOSTNAME", "run")


def _pairs(texts: List[str]) -> Dict[str, str]:
    pairs = (text.split("=", 1) for text in texts)
    return {key: value for key, value in pairs if value}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
