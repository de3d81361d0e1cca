"""Generates server/src/kfp/gen from PyPI's kfp-server-api, which KFP itself generates from the description of its REST API.

Its calls and models are read as source, not run: paths, parameters, bodies and answers become an OpenAPI description, and
openapi-typescript makes types of it. Needs kfp-server-api (Apache-2.0); nothing of its source is kept.

``generate_kfp_api.py --print`` only prints the description.
"""
import ast
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "server" / "src" / "kfp" / "gen"
PLAIN = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "object": {"type": "object", "additionalProperties": {}},  # for the client it is any value
    "file": {"type": "string", "format": "binary"},
}


def describe(folder, version):
    """The OpenAPI description of what the package in ``folder`` can call."""
    paths = {}
    for file in sorted((folder / "api").glob("*_api.py")):
        for method in methods_of(ast.parse(file.read_text(encoding="utf-8"))):
            path, verb, operation = to_operation(method)
            paths.setdefault(path, {})[verb] = operation
    models = (ast.parse(file.read_text(encoding="utf-8")) for file in sorted((folder / "models").glob("*.py")))
    schemas = dict(to_schema(node) for tree in models for node in tree.body if isinstance(node, ast.ClassDef))
    return {
        "openapi": "3.0.3",
        "info": {"title": "Kubeflow Pipelines API", "version": version, "license": {"name": "Apache-2.0"}},
        "paths": {path: paths[path] for path in sorted(paths)},
        "components": {"schemas": {name: schemas[name] for name in sorted(schemas)}},
    }


def methods_of(tree):
    """The methods that make a request."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.endswith("_with_http_info"):
            yield node


def to_operation(method):
    call = next(node for node in ast.walk(method) if isinstance(node, ast.Call) and name_of(node.func) == "call_api")
    path, verb = (argument.value for argument in call.args[:2])
    answer = next(keyword.value.value for keyword in call.keywords if keyword.arg == "response_type")
    types = dict(re.findall(r":type (\w+): (.+)", ast.get_docstring(method)))
    parameters, form, body = [], {}, None
    for kind, wire, name in arguments_of(method):
        schema = to_type(types[name])
        if kind == "body_params":
            body = schema
        elif kind in ("form_params", "local_var_files"):
            form[wire] = schema
        elif kind in ("path_params", "query_params"):
            place = kind.split("_")[0]
            required = {"required": True} if place == "path" else {}
            parameters.append({"name": wire, "in": place, **required, "schema": schema})
    operation = {
        "operationId": method.name.removesuffix("_with_http_info"),
        **({"parameters": parameters} if parameters else {}),
        "responses": {
            "200": {"description": "done", "content": {"application/json": {"schema": to_type(answer)}}},
            "default": {"description": "refused", "content": {"application/json": {"schema": to_type("GoogleRpcStatus")}}},
        },
    }
    if form:
        content = {"multipart/form-data": {"schema": {"type": "object", "properties": form}}}
        operation["requestBody"] = {"required": True, "content": content}
    elif body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return path, verb.lower(), operation


def arguments_of(method):
    """Where each argument goes: ``(place, name on the wire, name in Python)``."""
    for node in ast.walk(method):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            place, local = name_of(node.targets[0].value), name_in(node.value)
            if place in ("path_params", "local_var_files") and local:
                yield place, node.targets[0].slice.value, local
        elif isinstance(node, ast.Assign) and name_of(node.targets[0]) == "body_params" and name_in(node.value):
            yield "body_params", None, name_in(node.value)
        elif isinstance(node, ast.Call) and name_of(node.func) == "append" and isinstance(node.args[0], ast.Tuple):
            wire, value = node.args[0].elts
            yield name_of(node.func.value), wire.value, name_in(value)


def name_of(node):
    return getattr(node, "attr", None) or getattr(node, "id", None)


def name_in(node):
    """``x`` of ``local_var_params['x']``."""
    return node.slice.value if isinstance(node, ast.Subscript) and name_of(node.value) == "local_var_params" else None


def to_schema(model):
    values = {
        node.targets[0].id: node.value
        for node in model.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    if "allowable_values" in values:
        return model.name, {"type": "string", "enum": [values[item.id].value for item in values["allowable_values"].elts]}
    types = ast.literal_eval(values["openapi_types"])
    wire = ast.literal_eval(values["attribute_map"])
    properties = {wire[name]: to_type(types[name]) for name in types}
    return model.name, {"type": "object", "properties": properties}


def to_type(text):
    text = text.strip()
    if text.startswith("list["):
        return {"type": "array", "items": to_type(text[5:-1])}
    if text.startswith("dict("):
        value = text[5:-1].split(",", 1)[1].strip()
        return {"type": "object", "additionalProperties": {} if value == "object" else to_type(value)}
    return dict(PLAIN[text]) if text in PLAIN else {"$ref": f"#/components/schemas/{text}"}


def main():
    folder = Path(importlib.util.find_spec("kfp_server_api").origin).parent
    version = re.search(r'__version__ = "(.+?)"', (folder / "__init__.py").read_text(encoding="utf-8")).group(1)
    text = json.dumps(describe(folder, version), indent=1) + "\n"
    if "--print" in sys.argv:
        print(text, end="")
        return
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "openapi.json").write_text(text, encoding="utf-8")
    subprocess.run(["npm", "run", "--silent", "kfp-types"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
