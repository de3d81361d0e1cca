# The text after `python3 -c` in a step that brings its packages: makes them importable, then becomes the step. Its first argument
# is base64 of zlib of JSON {python, requirements, constraints, modules}; the rest is the step's command. Standard library only, Python >= 3.9.
import sys

if sys.version_info < (3, 9):  # said before anything that an old one lacks; all is ASCII, as an old one may take nothing else
    sys.exit("The Python here is %d.%d.%d, and a step needs 3.9 or later. Choose an image that has it." % sys.version_info[:3])

import base64
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import time
import zlib

PATIENCE = 1800  # seconds after which a pod that installs, and has died, is not waited for any more


def main(packed, command):
    needs = json.loads(zlib.decompress(base64.b64decode(packed)))
    folders = []
    if needs["modules"]:
        folders.append(write_modules(needs["modules"]))
    lacking = [text for text in needs["requirements"] if not is_there(text)]
    if lacking:
        folders.append(provide(needs, lacking))
    if folders:
        known = os.environ.get("PYTHONPATH", "")
        os.environ["PYTHONPATH"] = os.pathsep.join(folders + ([known] if known else []))
    os.execv(sys.executable, [sys.executable] + command[1:])


def is_there(requirement):
    name, _, url = requirement.partition(" @ ")
    name, _, version = name.partition("==")
    try:
        found = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return url == origin_of(found) if url else found.version.partition("+")[0] == version


def origin_of(distribution):
    """Where it was installed from, as a requirement says it."""
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    vcs = origin.get("vcs_info")
    return "%s+%s@%s" % (vcs["vcs"], origin["url"], vcs["commit_id"]) if vcs else origin.get("url")


def write_modules(modules):
    folder = tempfile.mkdtemp(prefix="sluice-modules-")
    for path, source in modules.items():
        file = os.path.join(folder, path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="") as target:
            target.write(source)
    return folder


def provide(needs, lacking):
    """Install once for all pods of the run, where they share a folder; what is installed there is whole."""
    shared = os.environ.get("SLUICE_ENVIRONMENTS")
    base = shared or os.path.join(tempfile.gettempdir(), "sluice-environments")
    key = json.dumps([lacking, needs["constraints"], sys.version, sysconfig.get_platform()])
    folder = os.path.join(base, hashlib.sha256(key.encode()).hexdigest()[:16])
    os.makedirs(base, exist_ok=True)
    while not os.path.isdir(folder):
        if take(folder + ".lock"):
            try:
                if not os.path.isdir(folder):
                    install(needs, lacking, folder)
            finally:
                shutil.rmtree(folder + ".lock", ignore_errors=True)
        else:
            time.sleep(0.5)
    return folder


def take(lock):
    try:
        os.mkdir(lock)
        return True
    except FileExistsError:
        try:
            if time.time() - os.stat(lock).st_mtime > PATIENCE:
                os.rename(lock, "%s.%d" % (lock, os.getpid()))  # of several that wait, one succeeds
        except OSError:
            pass
        return False


def install(needs, lacking, folder):
    part = tempfile.mkdtemp(prefix="part-", dir=os.path.dirname(folder))
    try:
        pins = os.path.join(part, "constraints.txt")
        with open(pins, "w") as file:
            # what is asked for twice is a conflict to pip where the index lacks it
            file.write("".join(line + "\n" for line in needs["constraints"] if line not in lacking))
        target = os.path.join(part, "packages")
        command = [sys.executable, "-m", "pip", "install", "--no-input", "--target", target, "--constraint", pins]
        # an option that an old pip does not know would end it; a variable does not
        quiet = {"PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        done = subprocess.run(
            command + lacking,
            env=dict(os.environ, **quiet),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if done.returncode != 0:
            refuse(needs, lacking, done.stdout)
        os.rename(target, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def refuse(needs, lacking, said):
    here = "%d.%d" % sys.version_info[:2]
    errors = [line.strip() for line in said.splitlines() if re.match(r"\s*(ERROR|error)\b", line)]
    # pip goes on without an index, and then finds nothing
    silence = re.search(r"connection broken by .*?\[[^\]]*\] ([^'\"(]*[^'\"( ])", said)
    if "No module named pip" in said:
        why = "The image has no pip. Choose an image that has it, or build one with `sluice image build`."
    elif "No space left" in said:
        why = "The disk is full: make the run\u2019s volume larger."
    elif silence:
        why = "pip can\u2019t reach the package index from the pod: %s. Name one that it can with PIP_INDEX_URL in the step\u2019s env, or build an image with `sluice image build`." % silence[1]
    elif here != needs["python"] and re.search(r"No matching distribution|Requires-Python|Could not find a version|conflicting dependencies", said):
        why = "The notebook ran on Python %s, and the image has %s. Choose an image with the same Python." % (needs["python"], here)
    else:
        why = (errors or [said.strip()[-300:]])[0]
    sys.exit("The step\u2019s packages (%s) could not be installed. %s" % (", ".join(lacking), why))


main(sys.argv[1], sys.argv[2:])
