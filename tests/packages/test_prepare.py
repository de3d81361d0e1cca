"""Steps that bring their packages: a real pip installs wheels that are made here, and no index is asked."""
import base64
import concurrent.futures
import json
import os
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import pytest

PROGRAM = (Path(__file__).parent.parent.parent / "jupyterlab_sluice" / "packages" / "prepare.py").read_text(encoding="utf-8")
HERE = "%d.%d" % sys.version_info[:2]


@pytest.fixture
def pod(tmp_path):
    return Pod(tmp_path)


class Pod:
    """Where steps run: an index of wheels, a volume."""

    def __init__(self, folder):
        self.wheels, self.volume = folder / "wheels", folder / "volume"
        self.wheels.mkdir()

    def wheel(self, name, version, requires="", source=None):
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(self.wheels / f"{name}-{version}-py3-none-any.whl", "w") as archive:
            archive.writestr(f"{name}/__init__.py", source or f"VERSION = {version!r}\n")
            needs = f"Requires-Dist: {requires}\n" if requires else ""
            archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")

    def step(self, source, *requirements, constraints=(), modules=None, python=HERE, executable=sys.executable, shared=True, index=False, env=()):
        needs = {"python": python, "requirements": requirements, "constraints": [*requirements, *constraints], "modules": modules or {}}
        packed = base64.b64encode(zlib.compress(json.dumps(needs).encode())).decode()
        env = {**os.environ, **dict(env), "PIP_FIND_LINKS": str(self.wheels), **({} if index else {"PIP_NO_INDEX": "1"})}
        if shared:
            env["SLUICE_ENVIRONMENTS"] = str(self.volume)
        else:
            env["TMPDIR"] = str(self.wheels.parent)
        command = [executable, "-c", PROGRAM, packed, "python3", "-c", source, "--option", "{{$}}"]
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)


def test_step_has_its_packages_its_modules_and_its_arguments(pod):
    pod.wheel("sluicedemo", "1.2", requires="sluicebase")
    pod.wheel("sluicebase", "1.0")
    pod.wheel("sluicebase", "2.0")
    done = pod.step(
        "import sys, helpers, sluicedemo, sluicebase; print(helpers.x, sluicedemo.VERSION, sluicebase.VERSION, sys.argv)",
        "sluicedemo==1.2",
        constraints=["sluicebase==1.0"],
        modules={"helpers/__init__.py": "from .deep import x\n", "helpers/deep.py": "x = 'here'\n"},
    )
    assert (done.stdout, done.stderr) == ("here 1.2 1.0 ['-c', '--option', '{{$}}']\n", "")


def test_what_the_image_has_is_not_installed(pod):
    import cloudpickle

    done = pod.step("import cloudpickle; print('ok')", f"cloudpickle=={cloudpickle.__version__}")
    assert (done.stdout, done.stderr) == ("ok\n", "")
    assert not pod.volume.exists()


@pytest.mark.parametrize("commit, is_installed", [("abc123", False), ("def456", True)])
def test_what_the_image_has_from_version_control_is_not_installed_again(pod, tmp_path, commit, is_installed):
    """PYTHONPATH is where a package of that image is."""
    info = tmp_path / "image" / "fromgit-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fromgit\nVersion: 1.0\n")
    (info / "direct_url.json").write_text(json.dumps({"url": f"file://{tmp_path}/none.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}))
    done = pod.step("print('ok')", f"fromgit @ git+file://{tmp_path}/none.git@{commit}", env={"PYTHONPATH": str(info.parent)})
    assert (done.returncode != 0, "could not be installed" in done.stderr) == (is_installed, is_installed)


def test_build_of_somebodys_own_counts_as_the_version_that_it_is_of(pod):
    pod.wheel("sluicedemo", "2.3+cu121")
    assert pod.step("import sluicedemo; print(sluicedemo.VERSION)", "sluicedemo==2.3").stdout == "2.3+cu121\n"


def test_another_version_than_the_image_has_wins(pod):
    pod.wheel("cloudpickle", "99.0")
    done = pod.step("import cloudpickle; print(cloudpickle.VERSION)", "cloudpickle==99.0")
    assert done.stdout == "99.0\n"


def test_ten_pods_install_once(pod):
    pod.wheel("sluicedemo", "1.2")
    with concurrent.futures.ThreadPoolExecutor(10) as threads:
        all_done = list(threads.map(lambda _: pod.step("import sluicedemo; print(sluicedemo.__file__)", "sluicedemo==1.2"), range(10)))
    assert {done.returncode for done in all_done} == {0}
    assert len({done.stdout for done in all_done}) == 1
    assert [path.name for path in pod.volume.iterdir() if path.name.startswith("part-") or path.name.endswith(".lock")] == []


def test_without_a_volume_each_pod_has_its_own(pod):
    pod.wheel("sluicedemo", "1.2")
    assert pod.step("import sluicedemo; print('ok')", "sluicedemo==1.2", shared=False).stdout == "ok\n"


def test_pod_that_died_while_it_installed_is_not_waited_for(pod):
    pod.wheel("sluicedemo", "1.2")
    first = pod.step("import sluicedemo; print(sluicedemo.__file__)", "sluicedemo==1.2")
    folder = Path(first.stdout.strip()).parent.parent
    folder.rename(folder.with_name("gone"))
    lock = folder.with_name(folder.name + ".lock")
    lock.mkdir()
    long_ago = time.time() - 7200
    os.utime(lock, (long_ago, long_ago))
    assert pod.step("import sluicedemo; print('ok')", "sluicedemo==1.2").stdout == "ok\n"


def test_folder_of_the_step_wins_over_modules_that_travel(pod, tmp_path, monkeypatch):
    (tmp_path / "helpers.py").write_text("x = 'of the workspace'\n")
    monkeypatch.chdir(tmp_path)
    assert pod.step("import helpers; print(helpers.x)", modules={"helpers.py": "x = 'of the notebook'\n"}).stdout == "of the workspace\n"


@pytest.mark.parametrize(
    "requirement, python, said",
    [
        ("sluicenowhere==1.0", HERE, "The step’s packages (sluicenowhere==1.0) could not be installed. ERROR: Could not find a version that satisfies the requirement sluicenowhere==1.0"),
        ("sluicenowhere==1.0", "3.1", f"The notebook ran on Python 3.1, and the image has {HERE}. Choose an image with the same Python."),
    ],
)
def test_failure_says_why(pod, requirement, python, said):
    done = pod.step("print('never')", requirement, python=python)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stdout == ""
    assert list(pod.volume.iterdir()) == []


def test_index_that_is_out_of_reach_is_told_of(pod, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    done = pod.step("print('never')", "sluicenowhere==1.0", index=True)
    assert "pip can’t reach the package index from the pod: Connection refused. Name one that it can with PIP_INDEX_URL in the step’s env" in done.stderr


def test_image_without_pip(pod, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    done = pod.step("print('never')", "sluicedemo==1.2", executable=str(tmp_path / "bare" / "bin" / "python"))
    assert "The image has no pip. Choose an image that has it, or build one with `sluice image build`." in done.stderr
