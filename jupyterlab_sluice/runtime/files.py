"""Which files a step reads, writes, lists and asks for, seen through Python's audit events, and which variables of the
environment its code reads, so that whoever started it can tell later whether the step would do the same again.

Other programs, and libraries that open files by themselves, are not seen so: `others` says that there were some.
"""

from __future__ import annotations

import os
import site
import sys
import sysconfig
from types import FrameType
from typing import Any, Callable, Dict, List, Optional, Set

from . import asks

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Started at any of these events or imports, something else than Python opens files.
PROGRAMS = {
    "subprocess.Popen", "os.system", "os.posix_spawn", "os.spawn", "os.exec", "os.fork", "os.forkpty", "pty.spawn",
}  # fmt: skip
WORKERS = {"multiprocessing.popen_spawn_posix", "joblib.externals.loky.backend.popen_loky_posix"}
# Libraries that open files by the system's own means, by the name of their package.
LIBRARIES = {
    "adbc_driver_manager", "annoy", "av", "catboost", "chdb", "cv2", "datatable", "decord", "deltalake", "dlib",
    "duckdb", "faiss", "fastexcel", "fastparquet", "fasttext", "fiona", "fitz", "h5py", "hnswlib", "igraph", "kuzu",
    "lance", "lightgbm", "llama_cpp", "lmdb", "lxml", "mxnet", "netCDF4", "onnx", "onnxruntime", "open3d",
    "openvino", "osgeo", "osmium", "paddle", "plyvel", "polars", "pyarrow", "pymupdf", "pyogrio", "pyreadstat",
    "pysam", "python_calamine", "pyvips", "rasterio", "rocksdict", "safetensors", "sentencepiece", "SimpleITK",
    "soundfile", "tables", "tensorflow", "tflite_runtime", "tokenizers", "torchaudio", "torchvision", "treelite",
    "xgboost", "zarr",
}  # fmt: skip

# What imports opened for this step before it began, where a fork server made them: arguments of the audit event `open`.
EARLIER: List[Any] = []


class Files:
    """The files of one step. Paths are absolute; a file that the step itself made is not one that it read."""

    def __init__(self, own: List[str]) -> None:
        self._read: Set[str] = set()
        self._wrote: Set[str] = set()
        self._listed: Set[str] = set()
        self._asked: Set[str] = set()  # whether they are there, and no more
        self._variables: Dict[str, int] = {}
        self._sought: Set[str] = set()  # modules
        self._others: Set[str] = set()
        self._is_busy = False
        # a workspace may lie in the folder of its environment
        folders = {folder for folder in _environment() if not os.path.join(os.getcwd(), "").startswith(folder)}
        self._ignored = (*folders, "/proc/", "/sys/", "/dev/", *(os.path.abspath(path) for path in own))
        for arguments in EARLIER:
            self._see("open", arguments)
        sys.addaudithook(self._see)
        asks.listen(self._ask, self._name)

    def told(self) -> Dict[str, Any]:
        """What was seen so far, as an event."""
        self._is_busy = True
        try:
            self._add_modules()
            if not self._others and _had_children():
                self._others.add("a process")
            return {
                "type": "files",
                "read": sorted(self._read),
                "wrote": sorted(self._wrote),
                "listed": sorted(self._listed),
                "asked": sorted(self._asked | self._missing_modules()),
                "variables": self._named(),
                "others": sorted(self._others),
            }
        finally:
            self._is_busy = False

    def _see(self, event: str, arguments: Any) -> None:
        # Called for each of Python's audit events, thousands a second: the table decides at once. An error here would be the user's.
        row = ROWS.get(event)
        if row is None or self._is_busy:
            return
        self._is_busy = True
        try:
            row(self, *arguments)
        except Exception:
            self._others.add(event)
        finally:
            self._is_busy = False

    def _ask(self, path: Any, folder: Any, is_kind: bool) -> None:
        if self._is_busy or isinstance(path, int):
            return
        self._is_busy = True
        try:
            found = None if os.fsdecode(path).startswith("<") else self._path(path, folder)  # the name of a cell
            if found is not None and found not in self._wrote and not self._is_importing():
                (self._asked if is_kind else self._read).add(found)
        except Exception:  # the path is none: what was called says so
            pass
        finally:
            self._is_busy = False

    def _is_importing(self) -> bool:
        """Whether an installed package asks for itself while it is imported, which a fork server may have done ahead."""
        frame: Optional[FrameType] = sys._getframe(2)
        while frame and frame.f_code.co_name != "<module>":
            frame = frame.f_back
        return frame is not None and frame.f_code.co_filename.startswith(self._ignored)

    def _name(self, name: str, caller: FrameType) -> None:
        # by the step's own code: what packages look for (terminals, their own settings) differs from shell to shell
        file, module = caller.f_code.co_filename, str(caller.f_globals.get("__name__"))
        if not file.startswith(("<frozen", *self._ignored)) and not module.startswith(__package__):
            self._variables[name] = self._variables.get(name, 0) + 1

    def _named(self) -> List[str]:
        """Without those that were read only because all were: to hand them to another program, as a rule."""
        times = min((self._variables.get(name, 0) for name in os.environ), default=0)
        return sorted(name for name, count in self._variables.items() if count > times)

    def _missing_modules(self) -> Set[str]:
        """Where modules that were not found would be found beside the notebook."""
        names = {name for name in self._sought if name not in sys.modules}
        return {os.path.join(os.getcwd(), file) for name in names for file in (name, f"{name}.py")}

    def _path(self, path: Any, folder: Any = None) -> Optional[str]:
        if isinstance(path, int):
            path = os.readlink(f"/proc/self/fd/{path}")
            if not path.startswith("/"):
                return None
        path = os.fsdecode(path or ".")
        if not os.path.isabs(path):
            base = os.readlink(f"/proc/self/fd/{folder}") if isinstance(folder, int) and folder >= 0 else os.getcwd()
            path = os.path.join(base, path)
        path = os.path.normpath(path)
        return None if path.startswith(self._ignored) or "/__pycache__" in path or "\0" in path else path

    def opened(self, path: Any, mode: Any, flags: int) -> None:
        if isinstance(path, int):
            return  # an open file made into another object
        found = self._path(path)
        if found is None or (flags & getattr(os, "O_DIRECTORY", 0)):
            return
        # what is not cut to nothing keeps what was in it; what must not exist depends on that
        if not flags & os.O_TRUNC:
            self._reads(found)
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self._wrote.add(found)

    def _reads(self, path: str) -> None:
        if path not in self._wrote:
            self._read.add(path)

    def changed(self, path: Any, folder: Any = None, *_: Any) -> None:
        found = self._path(path, folder)
        if found is not None:
            self._wrote.add(found)

    def made(self, path: Any, mode: Any = None, folder: Any = None) -> None:
        self.changed(path, folder)

    def cut(self, path: Any, length: Any) -> None:
        found = self._path(path)
        if found is not None:
            self._reads(found)
            self._wrote.add(found)

    def moved(self, path: Any, to: Any, folder: Any = None, to_folder: Any = None) -> None:
        found = self._path(path, folder)
        if found is not None:
            self._reads(found)
            self._wrote.add(found)
        self.changed(to, to_folder)

    def linked(self, path: Any, to: Any, folder: Any = None, to_folder: Any = None) -> None:
        found = self._path(path, folder)
        if found is not None:
            self._reads(found)
        self.changed(to, to_folder)

    def symlinked(self, path: Any, to: Any, folder: Any = None) -> None:
        self.changed(to, folder)

    def listed(self, path: Any = None) -> None:
        # the frames: this, _see, and who lists; the import system lists folders for its own use
        if sys._getframe(2).f_code.co_filename == "<frozen importlib._bootstrap_external>":
            return
        found = self._path(path)
        if found is not None:
            self._listed.add(found)

    def loaded(self, name: Any) -> None:
        if name and os.sep in os.fsdecode(name):
            found = self._path(name)
            if found is not None:
                self._reads(found)

    def connected(self, database: Any, *_: Any) -> None:
        if database in (":memory:", "", b""):
            return
        text = os.fsdecode(database)
        if text.startswith("file:"):
            text = text[len("file:") :].partition("?")[0]
        found = self._path(text)
        if found is not None:
            self._reads(found)
            self._wrote.update((found, f"{found}-wal", f"{found}-shm", f"{found}-journal"))

    def imported(self, name: Any, *_: Any) -> None:
        self._sought.add(str(name).partition(".")[0])
        if name in WORKERS or str(name).partition(".")[0] in LIBRARIES:
            self._others.add(str(name).partition(".")[0])

    def _add_modules(self) -> None:
        # A module's source may have been read from its compiled form, or before the step began.
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and (".." in file or not file.startswith(("<", *self._ignored))):
                found = self._path(file)
                if found is not None:
                    self._reads(found)
            if name in LIBRARIES:
                self._others.add(name)


def _program(name: str) -> Callable[..., None]:
    def started(files: Files, *_: Any) -> None:
        files._others.add(name)

    return started


ROWS: Dict[str, Callable[..., None]] = {
    "open": Files.opened,
    "os.listdir": Files.listed,
    "os.scandir": Files.listed,
    "os.remove": Files.changed,
    "os.rmdir": Files.changed,
    "os.mkdir": Files.made,
    "os.rename": Files.moved,
    "os.link": Files.linked,
    "os.symlink": Files.symlinked,
    "os.truncate": Files.cut,
    "sqlite3.connect": Files.connected,
    "ctypes.dlopen": Files.loaded,
    "import": Files.imported,
    **{event: _program(event) for event in PROGRAMS},
}


def _environment() -> Set[str]:
    """Folders of Python and of what is installed: their versions say enough. Data may lie elsewhere below the prefix."""
    folders = {*(path for name, path in sysconfig.get_paths().items() if name != "data"), *site.getsitepackages()}
    if site.ENABLE_USER_SITE:
        folders.add(site.getusersitepackages())
    return {os.path.join(folder, "") for folder in folders if folder not in ("", "/")}


def _had_children() -> bool:
    return resource is None or resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0
