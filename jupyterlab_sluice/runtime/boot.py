# The text after `python3 -c` in a compiled step: makes the packed runtime importable from memory, then runs the step.
import sys

if sys.version_info < (3, 9):  # said before anything that an old one lacks
    sys.exit("The Python here is %d.%d.%d, and a step needs 3.9 or later. Choose an image or a kernel that has it." % sys.version_info[:3])

import base64
import importlib
import importlib.machinery
import json
import linecache
import zlib


class Packed:
    def __init__(self, sources):
        self.sources = sources

    def find_spec(self, name, path=None, target=None):
        package, _, module = name.partition(".")
        if package == "sluice_runtime" and (module or "__init__") in self.sources:
            return importlib.machinery.ModuleSpec(name, self, origin="<%s>" % name, is_package=not module)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        source = self.sources[module.__name__.partition(".")[2] or "__init__"]
        file = module.__spec__.origin
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        exec(compile(source, file, "exec"), module.__dict__)


if "--runtime" not in sys.argv[:-1]:
    sys.exit("The step lacks its runtime (argument --runtime). Compile the notebook again.")
sys.meta_path.insert(
    0, Packed(json.loads(zlib.decompress(base64.b64decode(sys.argv[sys.argv.index("--runtime") + 1]))))
)
sys.exit(importlib.import_module("sluice_runtime.main").main(sys.argv[1:]))
