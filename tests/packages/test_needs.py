"""What the steps' sources need, found in a kernel whose packages are made here, file by file."""
import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent.parent))
from jupyterlab_sluice.packages import needs  # noqa: E402


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    """A folder of packages, and nothing else but the standard library."""
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / "notebooks").mkdir()
    kept = [path for path in sys.path if "site-packages" not in path]
    monkeypatch.setattr(sys, "path", [str(site), *kept])
    return Kernel(tmp_path, site)


class Kernel:
    def __init__(self, folder, site):
        self.folder, self.site = folder, site
        self.notebooks = folder / "notebooks"

    def install(self, name, version="1.0", files=(), requires=(), url=None, top=None, installer=None):
        """A distribution as pip leaves it: its files, METADATA, RECORD, and where it came from if that was no index."""
        info = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {item}" for item in requires)]
        (info / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n")
        for file in files:
            path = self.site / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
        if installer:
            (info / "INSTALLER").write_text(installer)
        if top:
            (info / "top_level.txt").write_text(top)
        if url:
            (info / "direct_url.json").write_text(json.dumps(url))

    def write(self, path, text="", folder=None):
        file = (folder or self.notebooks) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def find(self, *sources):
        return needs.find(list(sources), str(self.notebooks))


@pytest.mark.parametrize(
    "source, expected",
    [
        ("import yaml", ["PyYAML==6.0.3"]),
        ("import yaml.nodes as n", ["PyYAML==6.0.3"]),
        ("from sklearn.linear_model import Ridge", ["scikit-learn==1.9.1"]),
        ("def f():\n    import yaml", ["PyYAML==6.0.3"]),
        ("try:\n    import yaml\nexcept ImportError:\n    yaml = None", ["PyYAML==6.0.3"]),
        ("import importlib\nimportlib.import_module('yaml')", ["PyYAML==6.0.3"]),
        ("from google.cloud import storage", ["google-cloud-storage==3.0"]),
        ("from google.cloud import bigquery, storage", ["google-cloud-bigquery==3.1", "google-cloud-storage==3.0"]),
        ("import google.protobuf", ["protobuf==6.3"]),
        ("import google", ["google-cloud-bigquery==3.1", "google-cloud-storage==3.0", "protobuf==6.3"]),
        ("import os, sys, json", []),
        ("from . import x", []),
        ("import torch", ["torch==2.9"]),
        ("%load_ext autoreload\nimport yaml\nfiles = !ls", ["PyYAML==6.0.3", "ipython==9.0"]),
        ("display(1)", ["ipython==9.0"]),
        ("x = 1\nif x:", []),
        ("import yaml\nx = (", ["PyYAML==6.0.3"]),
        ("'import yaml'\n# import yaml", []),
    ],
)
def test_import_is_pinned(kernel, source, expected):
    kernel.install("PyYAML", "6.0.3", ["yaml/__init__.py", "_yaml/__init__.py"])
    kernel.install("scikit-learn", "1.9.1", ["sklearn/__init__.py"])
    kernel.install("google-cloud-storage", "3.0", ["google/cloud/storage/__init__.py"])
    kernel.install("google-cloud-bigquery", "3.1", ["google/cloud/bigquery.py"])
    kernel.install("protobuf", "6.3", ["google/protobuf/__init__.py"])
    kernel.install("ipython", "9.0", ["IPython/__init__.py"], top="IPython")
    kernel.install("torch", "2.9+cpu", ["torch/__init__.py"])
    assert kernel.find(source)["requirements"] == expected


def test_python_is_told(kernel):
    assert kernel.find("")["python"] == "%d.%d" % sys.version_info[:2]


def test_whatever_is_needed_below_is_pinned_as_it_is_here(kernel):
    kernel.install("pandas", "3.0", ["pandas/__init__.py"], requires=["numpy>=1.26", "tzdata", "pytest; extra == 'test'", "colorama; sys_platform == 'win32'"])
    kernel.install("numpy", "2.4", ["numpy/__init__.py"])
    kernel.install("pytest", "9.0", ["pytest/__init__.py"])
    found = kernel.find("import pandas")
    assert found["requirements"] == ["pandas==3.0"]
    assert found["constraints"] == ["numpy==2.4", "pandas==3.0"]


def test_modules_beside_the_notebook_travel_with_what_they_import(kernel):
    kernel.install("PyYAML", "6.0.3", ["yaml/__init__.py"])
    kernel.write("helpers.py", "import tools.deep\nimport yaml\n")
    kernel.write("tools/__init__.py")
    kernel.write("tools/deep.py", "VALUE = 1\n")
    kernel.write("unused.py")
    found = kernel.find("from helpers import f")
    assert found["modules"] == {"helpers.py": "import tools.deep\nimport yaml\n", "tools/__init__.py": "", "tools/deep.py": "VALUE = 1\n"}
    assert found["requirements"] == ["PyYAML==6.0.3"]


def test_module_beside_the_notebook_wins_over_a_package(kernel):
    kernel.install("helpers", "1.0", ["helpers/__init__.py"])
    kernel.write("helpers.py", "x = 1\n")
    found = kernel.find("import helpers")
    assert (found["requirements"], found["modules"]) == ([], {"helpers.py": "x = 1\n"})


def test_editable_package_travels_as_source_and_is_told(kernel):
    source = kernel.folder / "mylib" / "src"
    kernel.write("mylib/__init__.py", "import yaml\n", folder=source)
    kernel.install("PyYAML", "6.0.3", ["yaml/__init__.py"])
    kernel.install("numpy", "2.4", ["numpy/__init__.py"])
    url = {"url": f"file://{kernel.folder}/mylib", "dir_info": {"editable": True}}
    kernel.install("mylib", "0.1", requires=["numpy"], url=url, top="mylib")
    sys.path.append(str(source))
    found = kernel.find("import mylib")
    assert found["modules"] == {"mylib/__init__.py": "import yaml\n"}
    assert found["requirements"] == ["PyYAML==6.0.3", "numpy==2.4"]
    assert [(problem["kind"], problem["text"]) for problem in found["problems"]] == [
        ("editable", "‘mylib’ is installed from a folder of this machine: its source travels with the steps.")
    ]


def test_editable_package_with_compiled_parts_stands_in_the_way(kernel):
    source = kernel.folder / "fast"
    kernel.write("fast/__init__.py", folder=source)
    kernel.write("fast/_native.so", folder=source)
    kernel.install("fast", "0.1", url={"url": f"file://{source}", "dir_info": {"editable": True}}, top="fast")
    sys.path.append(str(source))
    [problem] = kernel.find("import fast")["problems"]
    assert problem["kind"] == "unavailable"
    assert "which a pod does not have, and it is not plain Python" in problem["text"]


def test_package_from_version_control_is_pinned_to_its_commit_and_told(kernel):
    url = {"url": "https://me:secret@git.example.com/lib.git", "vcs_info": {"vcs": "git", "commit_id": "abc123"}}
    kernel.install("lib", "0.1", ["lib/__init__.py"], url=url)
    found = kernel.find("import lib")
    assert found["requirements"] == ["lib @ git+https://git.example.com/lib.git@abc123"]
    assert found["constraints"] == []
    assert "secret" not in found["requirements"][0]
    assert found["problems"][0]["kind"] == "vcs"


@pytest.mark.parametrize(
    "source, requirements, constraints",
    [
        ("import frames", ["frames==1.0"], ["base==1.0", "frames==1.0"]),
        ("import frames.table", ["arrays==2.0", "frames==1.0"], ["arrays==2.0", "base==1.0", "frames==1.0"]),
        ("from frames import table", ["arrays==2.0", "frames==1.0"], ["arrays==2.0", "base==1.0", "frames==1.0"]),
        ("import user", ["user==1.0"], ["arrays==2.0", "base==1.0", "frames==1.0", "user==1.0"]),
    ],
)
def test_what_an_extra_brought_is_taken_where_it_is_imported_or_asked_for(kernel, source, requirements, constraints):
    kernel.install("frames", files=["frames/__init__.py", "frames/table.py", "frames/tests/t.py"], requires=["base", "arrays>=1; extra == 'table'", "pytest; extra == 'test'"])
    kernel.install("base", files=["base/__init__.py"])
    kernel.install("arrays", "2.0", ["arrays/__init__.py"])
    kernel.install("pytest", "9.0", ["pytest/__init__.py"])
    kernel.install("user", files=["user.py"], requires=["frames[Table] >=1"])
    kernel.write("frames/table.py", "import arrays\ndef f():\n    import pytest\n", folder=kernel.site)
    found = kernel.find(source)
    assert (found["requirements"], found["constraints"]) == (requirements, constraints)


def test_editable_package_brings_what_the_extras_that_it_asks_for_bring(kernel):
    kernel.write("mylib.py", folder=kernel.folder / "own")
    url = {"url": f"file://{kernel.folder}/own", "dir_info": {"editable": True}}
    kernel.install("mylib", requires=["frames[table]"], url=url, top="mylib")
    kernel.install("frames", files=["frames/__init__.py"], requires=["arrays; extra == 'table'"])
    kernel.install("arrays", "2.0", ["arrays/__init__.py"])
    sys.path.append(str(kernel.folder / "own"))
    assert kernel.find("import mylib\nimport mylib.x")["requirements"] == ["arrays==2.0", "frames==1.0"]


def test_editable_package_brings_its_small_files(kernel):
    own = kernel.folder / "own"
    kernel.write("mylib/__init__.py", folder=own)
    (own / "mylib/schema.bin").write_bytes(b"\xff\x00\r\n")
    kernel.write("mylib/weights/z.bin", "x" * needs.LARGEST_DATA, folder=own)
    kernel.write("mylib/.hidden", "x", folder=own)
    kernel.install("mylib", url={"url": f"file://{own}", "dir_info": {"editable": True}}, top="mylib")
    sys.path.append(str(own))
    found = json.loads(json.dumps(kernel.find("import mylib")))
    assert {path: text.encode("utf-8", "surrogateescape") for path, text in found["modules"].items()} == {"mylib/__init__.py": b"", "mylib/schema.bin": b"\xff\x00\r\n"}
    assert [problem["text"] for problem in found["problems"]] == [
        "‘mylib’ is installed from a folder of this machine: its source travels with the steps, but not mylib/weights/z.bin: too large."
    ]


def test_package_of_conda_is_pinned_whatever_folder_it_was_built_in(kernel):
    url = {"url": "file:///home/conda/feedstock_root/build_artifacts/numpy_1/work", "dir_info": {}}
    kernel.install("numpy", "2.4", ["numpy/__init__.py", "numpy/_core.so"], url=url, installer="conda\n")
    found = kernel.find("import numpy")
    assert (found["requirements"], found["constraints"], found["problems"]) == (["numpy==2.4"], ["numpy==2.4"], [])


def test_wheel_of_this_machine_travels_as_source_and_is_told_once(kernel):
    kernel.install("own", files=["own/__init__.py", "own/deep.py"], url={"url": "file:///home/me/own-1.0-py3-none-any.whl", "archive_info": {}})
    found = kernel.find("import own\nimport own.deep")
    assert sorted(found["modules"]) == ["own/__init__.py", "own/deep.py"]
    assert [problem["text"] for problem in found["problems"]] == ["‘own’ is installed from a file of this machine: its source travels with the steps."]


@pytest.mark.parametrize(
    "files, kind, text, modules",
    [
        ({"loose.py": "x = 1\n"}, "editable", "‘loose’ is in {site} and belongs to no installed package: its source travels with the steps.", ["loose.py"]),
        ({"loose/__init__.py": "", "loose/native.so": ""}, "unowned", "‘loose’ can be imported here, but belongs to no installed package that could be named to pip: the step's image must have it.", []),
        ({"loose.py": "x = '" + "a" * needs.LARGEST + "'"}, "unowned", "‘loose’ can be imported here, but belongs to no installed package that could be named to pip: the step's image must have it.", []),
    ],
)
def test_module_of_no_package_travels_or_is_told(kernel, files, kind, text, modules):
    for path, source in files.items():
        kernel.write(path, source, folder=kernel.site)
    found = kernel.find("import loose")
    assert (found["problems"], sorted(found["modules"])) == ([{"kind": kind, "name": "loose", "text": text.format(site=kernel.site)}], modules)


def test_modules_that_are_too_large_stand_in_the_way(kernel):
    kernel.write("data.py", "x = '" + "a" * needs.LARGEST + "'\n")
    assert [problem["kind"] for problem in kernel.find("import data")["problems"]] == ["too-large"]


def test_what_is_nowhere_is_told(kernel):
    assert kernel.find("import no_such_module")["missing"] == ["no_such_module"]


def test_modules_that_import_each_other_end(kernel):
    kernel.write("a.py", "import b\n")
    kernel.write("b.py", "import a\n")
    assert sorted(kernel.find("import a")["modules"]) == ["a.py", "b.py"]
