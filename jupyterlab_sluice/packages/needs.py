"""What the sources of a pipeline import, asked of the Python that the notebook ran on.

Reads ``{"sources": [TEXT], "folder": PATH}`` from standard input and prints what it found as JSON. Which distribution an
import comes from is what `importlib.metadata` says, not a guess by name. Nothing is imported to find out.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import sys
import sysconfig
import urllib.parse
import warnings
from typing import Any, Dict, Iterator, List, Optional, Set

LARGEST = 1 << 20  # bytes of source that travel with the steps
LARGEST_DATA = 1 << 15  # bytes of a package's other files
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SHELL = re.compile(r"^\s*[%!?]|^\s*[\w, ]+=\s*[%!]|\bdisplay\(|\bget_ipython\(", re.M)


def find(sources: List[str], folder: str) -> Dict[str, Any]:
    """Packages with their versions, modules beside the notebook with their sources, and what stands in the way."""
    needs = Needs(folder)
    for source in sources:
        needs.read(source)
    if any(SHELL.search(source) for source in sources):
        needs.need("IPython")
    return needs.told()


class Needs:
    """What has been found so far; modules are looked into as they are found."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._owners = _owners()
        self._seen: Set[str] = set()
        self._found: Dict[str, importlib.metadata.Distribution] = {}
        self._modules: Dict[str, str] = {}
        self._problems: List[Dict[str, str]] = []
        self._missing: List[str] = []

    def read(self, source: str, package: str = "") -> None:
        """Need whatever a source imports."""
        modules = sorted(_imports(source, package))
        for i, module in enumerate(modules):
            # `from google.cloud import storage` asks nothing of the others that share the name
            has_part = modules[i + 1 : i + 2] and modules[i + 1].startswith(module + ".")
            if not has_part or not self._is_namespace(module):
                self.need(module)

    def need(self, module: str) -> None:
        """Need a module, by its full name; where it comes from decides what that means."""
        top = module.partition(".")[0]
        if module in self._seen:
            return
        self._seen.add(module)
        if self._embed(self._folder, top):
            return
        if top in _STANDARD or top == "__main__":
            return
        names = self._owners.get(top)
        if not names:
            self._take_unowned(top)
            return
        for name in _nearest(names, module):
            if name not in self._found:
                self._take(name, top)
            if module != top:
                self._take_optional(name, module)

    def _is_namespace(self, module: str) -> bool:
        """Whether several packages have something of that name, and none the thing itself."""
        names = self._owners.get(module.partition(".")[0], [])
        start = module.replace(".", "/") + "/__init__"
        return len(names) > 1 and not any(_has(name, start) for name in names)

    def _take_unowned(self, top: str) -> None:
        """A module that no installed package has: a folder on the path, or a package whose installer left no list of its files."""
        folder = _folder_of(top)
        size = sum(len(text) for _, text in _sources(folder, top)) if folder else 0
        if folder and 0 < size <= LARGEST and self._embed(folder, top):
            self._problem("editable", top, f"is in {folder} and belongs to no installed package: its source travels with the steps{self._embed_data(folder, top)}")
        elif _is_importable(top):
            self._problem("unowned", top, "can be imported here, but belongs to no installed package that could be named to pip: the step's image must have it")
        elif top not in self._missing:
            self._missing.append(top)

    def _take_optional(self, name: str, module: str) -> None:
        """What a part of a package imports as it is loaded, and the package itself asks for as an extra only: nothing else tells which extras it was installed with."""
        distribution = importlib.metadata.distribution(name)
        optional = {_normal(match[0]) for match in map(NAME.match, filter(_is_optional, distribution.requires or ())) if match}
        optional -= {required for required, _ in _required(distribution, ())}
        tops = {top: owner for top, owners in self._owners.items() for owner in owners if owner in optional and owner not in self._found}
        for top in _imported_on_load(distribution, module, tops) if tops else ():
            self._take(tops[top], top)

    def _take(self, name: str, top: str) -> None:
        distribution = importlib.metadata.distribution(name)
        origin = _origin(distribution)
        url = origin.get("url", "")
        if origin.get("dir_info", {}).get("editable") or url.startswith("file:"):
            self._take_editable(distribution, top, url)
            return
        self._found[name] = distribution
        if "vcs_info" in origin:
            text = f"is installed from {url}: it is installed from there in the pod, which needs {origin['vcs_info'].get('vcs')} in the step's image and a way to that server"
            self._problem("vcs", name, text)

    def _take_editable(self, distribution: importlib.metadata.Distribution, top: str, url: str) -> None:
        name, folder = _name(distribution), _folder_of(top)
        if folder and self._embed(folder, top):
            where = "file" if url.endswith((".whl", ".tar.gz", ".zip")) else "folder"
            self._problem("editable", name, f"is installed from a {where} of this machine: its source travels with the steps{self._embed_data(folder, top)}")
            for required, extras in _required(distribution, ()):
                self._found.setdefault(required, importlib.metadata.distribution(required))
                for optional, _ in _required(self._found[required], extras) if extras else ():
                    self._found.setdefault(optional, importlib.metadata.distribution(optional))
        else:
            text = f"is installed from {url}, which a pod does not have, and it is not plain Python or too large to travel with the steps. Install it from a package index, or name an image that has it"
            self._problem("unavailable", name, text)

    def _problem(self, kind: str, name: str, text: str) -> None:
        problem = {"kind": kind, "name": name, "text": f"‘{name}’ {text}."}
        if problem not in self._problems:
            self._problems.append(problem)

    def _embed(self, folder: str, top: str) -> bool:
        """Take the sources of a module in a folder; false where it has none."""
        files = dict(_sources(folder, top))
        if not files:
            return False
        if not all(path in self._modules for path in files):
            if sum(map(len, files.values())) + sum(map(len, self._modules.values())) > LARGEST:
                self._problem("too-large", top, f"in {folder} is larger than what can travel with the steps (1 MB). Make a package of it, or name an image that has it")
                return True
            self._modules.update(files)
            for path, source in files.items():
                self.read(source, _package_of(path))
        return True

    def _embed_data(self, folder: str, top: str) -> str:
        """Take what a package has beside its source, such as a schema that it reads; says what is too large for that."""
        left = []
        size = 0
        for path in _files(os.path.join(folder, top)):
            name = os.path.relpath(path, folder).replace(os.sep, "/")
            if path.endswith((".py", ".pyc")) or "/." in name or not os.path.isfile(path):
                continue
            own = os.path.getsize(path)
            if size + own > LARGEST_DATA:
                left.append(name)
            else:
                size += own
                self._modules[name] = _text(path)
        return f", but not {', '.join(left[:3])}{' and more' if left[3:] else ''}: too large" if left else ""

    def told(self) -> Dict[str, Any]:
        """Everything, as JSON can hold it."""
        pinned = _with_required(self._found)
        return {
            "python": "%d.%d" % sys.version_info[:2],
            "requirements": sorted(_pin(self._found[name]) for name in self._found),
            "constraints": sorted(_pin(item) for item in pinned.values() if not _origin(item)),
            "modules": self._modules,
            "missing": sorted(self._missing),
            "problems": self._problems,
        }


def _imports(source: str, package: str = "") -> Set[str]:
    """Full names of the modules that a source imports, also in functions and by `import_module('…')`."""
    found: Set[str] = set()
    for node in ast.walk(_parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and node.module:
                found.add(node.module)
                found.update(f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                found.add(node.args[0].value)
    return {name for name in found if name and not name.startswith(".")}


def _parse(source: str) -> ast.AST:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(source)
        except SyntaxError:
            pass
        try:
            return ast.parse(_without_shell(source))
        except SyntaxError:
            return ast.parse("\n".join(line.strip() for line in source.split("\n") if re.match(r"\s*(import|from)\s[\w\s.,]+$", line)))


def _without_shell(source: str) -> str:
    """Lines that only IPython understands, taken out as IPython itself would change them, where it is there."""
    try:
        from IPython.core.inputtransformer2 import TransformerManager

        return TransformerManager().transform_cell(source)
    except Exception:  # not installed, or a cell that it cannot read
        return re.sub(r"^(\s*)[%!?].*$", r"\1pass", source, flags=re.M)


def _owners() -> Dict[str, List[str]]:
    """For each top-level module the names of the distributions that have files of it."""
    owners: Dict[str, List[str]] = {}
    for distribution in importlib.metadata.distributions():
        name = _normal(_name(distribution))
        for top in _tops(distribution):
            if name not in owners.setdefault(top, []):
                owners[top].append(name)
    return owners


def _tops(distribution: importlib.metadata.Distribution) -> Set[str]:
    written = distribution.read_text("top_level.txt")
    if written:
        return set(written.split())
    tops = {str(file).replace(os.sep, "/").split("/")[0].split(".")[0] for file in distribution.files or () if str(file).endswith((".py", ".so", ".pyd"))}
    return {top for top in tops if top.isidentifier()} or {_name(distribution).replace("-", "_")}


def _nearest(names: List[str], module: str) -> List[str]:
    """Of the distributions that share a namespace, those that have the module itself."""
    if len(names) < 2:
        return names
    parts = module.split(".")
    for length in range(len(parts), 1, -1):
        start = "/".join(parts[:length])
        having = [name for name in names if _has(name, start)]
        if having:
            return having
    return names


def _has(name: str, start: str) -> bool:
    files = importlib.metadata.distribution(name).files or ()
    paths = (str(file).replace(os.sep, "/") for file in files)
    return any(path.startswith((start + "/", start + ".")) for path in paths)


def _with_required(found: Dict[str, importlib.metadata.Distribution]) -> Dict[str, importlib.metadata.Distribution]:
    """These and whatever they need that is installed here."""
    pinned = dict(found)
    rest: List[Any] = [(name, ()) for name in found]
    seen = set(rest)
    while rest:
        name, extras = rest.pop()
        for wanted in _required(pinned[name], extras):
            if wanted not in seen:
                seen.add(wanted)
                pinned.setdefault(wanted[0], importlib.metadata.distribution(wanted[0]))
                rest.append(wanted)
    return pinned


def _required(distribution: importlib.metadata.Distribution, extras: Any) -> Iterator[Any]:
    """Names of what a distribution needs with these extras, as far as it is installed here, each with the extras that are asked of it."""
    for requirement in distribution.requires or ():
        name = NAME.match(requirement)
        if not name or not _is_installed(name[0]):
            continue
        own = {_normal(extra) for extra in re.findall(r"\bextra\s*==\s*['\"]([^'\"]+)", requirement)}
        if own and own.isdisjoint(extras):
            continue
        asked = re.match(r"\s*\[([^\]]*)\]", requirement[name.end() :])
        yield _normal(name[0]), tuple(sorted(_normal(part.strip()) for part in asked[1].split(",") if part.strip())) if asked else ()


def _is_optional(requirement: str) -> bool:
    return re.search(r"\bextra\s*==", requirement) is not None


def _imported_on_load(distribution: importlib.metadata.Distribution, module: str, tops: Any) -> Set[str]:
    """Those of the modules that the files of one part of a distribution import outside functions."""
    start = module.replace(".", "/")
    imported = re.compile(r"^(?:import|from)[ \t]+(%s)\b" % "|".join(map(re.escape, sorted(tops))), re.M)
    found: Set[str] = set()
    for file in distribution.files or ():
        path = str(file).replace(os.sep, "/")
        if path == start + ".py" or (path.startswith(start + "/") and path.endswith(".py") and "/tests/" not in path):
            try:
                found.update(imported.findall(_text(str(file.locate()))))
            except OSError:
                pass  # listed, and taken away since
    return found


def _pin(distribution: importlib.metadata.Distribution) -> str:
    origin, name = _origin(distribution), _name(distribution)
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        return f"{name} @ {vcs['vcs']}+{_without_password(origin['url'])}@{vcs['commit_id']}"
    if origin.get("url", "").startswith("http"):
        return f"{name} @ {_without_password(origin['url'])}"
    # what follows + is a build of somebody's own, which package indexes do not have
    return f"{name}=={distribution.version.partition('+')[0]}"


def _without_password(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//", url)


def _origin(distribution: importlib.metadata.Distribution) -> Dict[str, Any]:
    """Where it came from, when that was no package index (PEP 610)."""
    written = distribution.read_text("direct_url.json")
    origin = json.loads(written) if written else {}
    return {} if _is_of_conda(distribution, origin) else origin


def _is_of_conda(distribution: importlib.metadata.Distribution, origin: Dict[str, Any]) -> bool:
    """Conda's packages name the folder of the machine that they were built on, as if they were installed from there."""
    if origin.get("dir_info", {}).get("editable") or not origin.get("url", "").startswith("file:"):
        return False
    path = urllib.parse.unquote(urllib.parse.urlsplit(origin["url"]).path)
    return (distribution.read_text("INSTALLER") or "").strip() == "conda" or (
        not os.path.exists(path) and os.path.isdir(os.path.join(sys.prefix, "conda-meta"))
    )


def _name(distribution: importlib.metadata.Distribution) -> str:
    return distribution.metadata["Name"] or ""


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _is_importable(top: str) -> bool:
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _folder_of(top: str) -> Optional[str]:
    """The folder in which a module's file or package is."""
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return os.path.dirname(next(iter(spec.submodule_search_locations)))
    return os.path.dirname(spec.origin) if spec.origin else None


def _sources(folder: str, top: str) -> Iterator[Any]:
    """``(path, text)`` of a module's or a package's files; nothing where there is none, or where it has compiled parts."""
    file, package = os.path.join(folder, top + ".py"), os.path.join(folder, top)
    if os.path.isfile(os.path.join(package, "__init__.py")) or (os.path.isdir(package) and not os.path.isfile(file) and _has_python(package)):
        paths = _files(package)
        if any(path.endswith((".so", ".pyd")) for path in paths):
            return
        for path in paths:
            if path.endswith(".py"):
                yield os.path.relpath(path, folder).replace(os.sep, "/"), _text(path)
    elif os.path.isfile(file):
        yield top + ".py", _text(file)


def _files(package: str) -> List[str]:
    return sorted(os.path.join(place, name) for place, _, names in os.walk(package) for name in names if "__pycache__" not in place)


def _has_python(package: str) -> bool:
    return any(name.endswith(".py") for name in os.listdir(package))


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def _package_of(path: str) -> str:
    return os.path.dirname(path).replace("/", ".")


def _standard() -> Set[str]:
    if hasattr(sys, "stdlib_module_names"):  # 3.10
        return set(sys.stdlib_module_names)
    folder = sysconfig.get_path("stdlib")
    return {name.split(".")[0] for name in os.listdir(folder)} | set(sys.builtin_module_names)


_STANDARD = _standard()

if __name__ == "__main__":
    given = json.load(sys.stdin)
    own = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folder for folder in sys.path if folder and os.path.abspath(folder) != own]
    json.dump(find(given["sources"], given["folder"]), sys.stdout)
