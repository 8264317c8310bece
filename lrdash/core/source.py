"""The source of a function as text that can be pasted into a script."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from pprint import pformat
from typing import Any

WIDTH = 88  # columns


def source_of(function: Callable[..., Any]) -> str:
    """A function without its annotations, the constants of its module that it uses inside it, the
    functions of its module that it calls in front of it.

    Raises:
        OSError: if there is no source to read.
    """
    used = {
        name: function.__globals__[name]
        for name in function.__code__.co_names
        if name in function.__globals__
    }
    constants = [
        textwrap.indent(f"{name} = {pformat(value, width=WIDTH - 20)}", "    ")
        for name, value in used.items() if isinstance(value, int | float | str | tuple)
    ]
    helpers = [
        source_of(value)
        for value in used.values()
        if inspect.isfunction(value) and value.__module__ == function.__module__
    ]
    return "\n\n\n".join([*helpers, _plain(function, constants)])


def modules_of(text: str) -> tuple[str, ...]:
    """Imports of the standard library that a text needs."""
    return tuple(f"import {name}" for name in ("itertools", "math") if f"{name}." in text)


def _plain(function: Callable[..., Any], constants: list[str]) -> str:
    text = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(text).body[0]
    assert isinstance(node, ast.FunctionDef)  # noqa: S101 (a narrowing, not a check of input)
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    arguments = ast.unparse(node.args)
    head = f"def {node.name}({arguments}):"
    if len(head) > WIDTH:
        head = f"def {node.name}(\n{textwrap.indent(textwrap.fill(arguments, WIDTH), '    ')}\n):"
    first = node.body[0].lineno - 1
    code = node.body[ast.get_docstring(node) is not None].lineno - 1
    lines = text.splitlines()
    return "\n".join([head, *lines[first:code], *constants, *lines[code:]])
