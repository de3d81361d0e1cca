"""What a step is seen to read, list, ask for and write, one line a way to do it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

#: source, what is told of it, by kind; paths are relative to the folder, which holds a.txt, d/b.txt, and data below Python's prefix
CASES = [
    ("open('a.txt').read()", {"read": ["a.txt"]}),
    ("open('new.txt', 'w').write('x')\nopen('new.txt').read()", {"wrote": ["new.txt"]}),
    ("open('more.txt', 'a')", {"read": ["more.txt"], "wrote": ["more.txt"]}),
    ("os.listdir('d'), list(os.scandir('.')), glob.glob('d/*')", {"listed": [".", "d"]}),
    ("os.path.exists('no.txt')", {"asked": ["no.txt"]}),
    ("pathlib.Path('no.txt').is_file(), pathlib.Path('d').is_dir()", {"asked": ["d", "no.txt"]}),
    ("os.access('a.txt', os.R_OK)", {"asked": ["a.txt"]}),
    ("os.path.realpath('a.txt')", {"asked": ["a.txt"]}),
    ("os.path.getsize('a.txt')", {"read": ["a.txt"]}),
    ("pathlib.Path('a.txt').stat().st_mtime", {"read": ["a.txt"]}),
    ("open('own.txt', 'w').close()\nos.path.exists('own.txt')", {"wrote": ["own.txt"]}),
    ("try: import not_there\nexcept ImportError: pass", {"asked": ["not_there", "not_there.py"]}),
    ("os.environ.get('A'), os.environ['HERE'], os.getenv('B'), 'C' in os.environ", {"variables": ["A", "B", "C", "HERE"]}),
    ("os.environ['A'] = '1'\nos.environ['A']", {}),
    ("os.environ.pop('A', None)", {"variables": ["A"]}),
    ("{**os.environ}, dict(os.environ), os.environ.copy()", {}),
    ("os.environ.copy(), os.environ['HERE']", {"variables": ["HERE"]}),
    ("shutil.get_terminal_size()", {}),
    ("open(prefix + '/data.csv').read()", {"read": ["prefix/data.csv"]}),
    ("open(os.__file__).read(), os.path.exists(os.__file__)", {}),
    ("os.stat(0), os.stat in os.supports_fd, pickle.loads(pickle.dumps(os.stat)) is os.stat", {}),
    ("subprocess.run(['true'])", {"others": ["subprocess.Popen"]}),
]

WATCH = """
import ctypes, glob, json, os, pathlib, pickle, shutil, subprocess, sys
sys.path.insert(0, sys.argv[1])
from jupyterlab_sluice.runtime import files
prefix = sys.prefix = sys.base_prefix = sys.exec_prefix = os.path.abspath("prefix")
told = []
for number, source in enumerate(json.loads(sys.argv[2])):
    watch = files.Files([])
    exec(compile(source, f"<cell {number}: s>", "exec"), {**globals(), "__name__": "__main__"})
    seen = watch.told()
    watch._is_busy = True
    here = os.path.join(os.getcwd(), "")
    relative = lambda path: os.path.relpath(path) if os.path.join(path, "").startswith(here) else None
    names = ("read", "wrote", "listed", "asked")
    found = {name: [path for path in map(relative, seen[name]) if path] for name in names}
    told.append({name: items for name, items in {**found, "variables": seen["variables"], "others": seen["others"]}.items() if items})
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files").resolve()
    for name in ("d/b.txt", "prefix/data.csv", "a.txt"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", WATCH, root, json.dumps([source for source, _ in CASES])]
    environment = {"PATH": "/usr/bin:/bin", "HERE": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[source.replace("\n", "; ") for source, _ in CASES])
def test_what_a_step_is_seen_to_do(told, number):
    assert told[number] == CASES[number][1]
