"""Print what IPython makes of pieces of source, and of the holes in commands.

The truth that core/test/python/ipython.test.ts holds our reading to. Standard input is JSON: {"cells": [source],
"commands": [text]}. Standard output is JSON: {"calls": [[[method, argument, ...]]] for each cell, "holes": [[text]] for
each command}.
"""

from __future__ import annotations

import ast
import json
import sys

from IPython.core.inputtransformer2 import TransformerManager
from IPython.utils.text import DollarFormatter


def calls(source: str) -> list:
    """Return the calls on `get_ipython()` in the transformed source, in order; None where it is no Python."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(source))
    except SyntaxError:
        return None
    found = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("get_ipython().")
    ]
    found.sort(key=lambda node: (node.lineno, node.col_offset))
    return [[node.func.attr, *(argument.value for argument in node.args)] for node in found]


def holes(command: str) -> list:
    """Return the expressions that IPython evaluates in a command; none where one of them is no expression."""
    try:
        fields = [
            f"{name}:{spec}" if spec else name
            for _, name, spec, _ in DollarFormatter().parse(command)
            if name is not None
        ]
        for field in fields:
            compile(field.strip(), "<hole>", "eval")
    except (SyntaxError, ValueError):
        return []
    return [field.strip() for field in fields]


def main() -> None:
    """Answer the questions on standard input."""
    questions = json.load(sys.stdin)
    json.dump(
        {
            "calls": [calls(source) for source in questions["cells"]],
            "holes": [holes(command) for command in questions["commands"]],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
