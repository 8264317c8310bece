"""Pieces of Python text from which the strategies put together their Keras code."""

from __future__ import annotations

import json
import textwrap
from dataclasses import dataclass

WIDTH = 88  # columns of the code that is written
OPS = ("import keras", "from keras import ops")
SCHEDULES = "keras.optimizers.schedules"


@dataclass(frozen=True, kw_only=True)
class KerasCode:
    """A strategy's part of a Keras script.

    `definitions` (classes and functions, may be empty) come before `learning_rate`, the expression
    given to the optimizer, and `callbacks`, the expressions of the list given to `fit`.
    """

    learning_rate: str
    callbacks: tuple[str, ...] = ()
    definitions: str = ""
    imports: tuple[str, ...] = ("import keras",)


def number(value: float) -> str:
    """A float literal of 12 significant digits, far finer than Keras' float32.

    >>> number(0.1 * 3), number(1), number(1e-6)
    ('0.3', '1.0', '1e-06')
    """
    text = f"{value:.12g}"
    return text if set(text) & set(".en") else f"{text}.0"


def literal(value: object) -> str:
    """Any argument as Python text: floats as `number` writes them, text in double quotes."""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)  # double quotes
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(item) for item in value)}]"
    return repr(value)


def call(name: str, **arguments: object) -> str:
    """A call with keyword arguments, on one line where it fits, else one argument a line.

    >>> call("Ramp", peak=0.1, updates=5)
    'Ramp(peak=0.1, updates=5)'
    """
    parts = [f"{key}={literal(value)}" for key, value in arguments.items()]
    line = f"{name}({', '.join(parts)})"
    if len(line) <= WIDTH - 20:
        return line
    inside = "".join(f"    {part},\n" for part in parts)
    return f"{name}(\n{inside})"


def builtin(name: str, **arguments: object) -> KerasCode:
    """Code that uses one of Keras' own schedules."""
    return KerasCode(learning_rate=call(f"{SCHEDULES}.{name}", **arguments))


def own(name: str, doc: str, body: str, **arguments: object) -> KerasCode:
    """Code that defines a schedule class and makes one.

    Args:
        name: of the class.
        doc: its docstring, one line.
        body: statements of `__call__` that return the rate; `step` is a float32 tensor, and
            `keras`, `ops`, `math` and `itertools` may be used.
        arguments: of the constructor, kept as attributes of the same names.
    """
    keeps = "\n".join(f"self.{key} = {key}" for key in arguments)
    definition = (
        "@keras.saving.register_keras_serializable()\n"
        f"class {name}({SCHEDULES}.LearningRateSchedule):\n"
        f'    """{doc}"""\n\n'
        f"    def __init__(self, {', '.join(arguments)}):\n"
        f"{textwrap.indent(keeps, ' ' * 8)}\n\n"
        "    def __call__(self, step):\n"
        '        step = ops.cast(step, "float32")\n'
        f"{textwrap.indent(textwrap.dedent(body).strip(), ' ' * 8)}\n\n"
        "    def get_config(self):\n"
        "        return dict(vars(self))\n"
    )
    modules = [f"import {name}" for name in ("itertools", "math") if f"{name}." in body]
    return KerasCode(
        learning_rate=call(name, **arguments), definitions=definition, imports=(*modules, *OPS)
    )
