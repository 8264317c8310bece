"""Python text from which scripts and Keras code are put together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lrdash.core.source import WIDTH, modules_of, source_of

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


@dataclass(frozen=True, kw_only=True)
class RateText:
    """The rates of a schedule as Python text.

    `lines` leave the rate of every update in `rates`, float64. They use `np`, `t` (update numbers
    from 0), `UPDATES`, `STEPS` (updates an epoch) and `BASE_LR`.
    """

    definitions: str
    lines: tuple[str, ...]


def number(value: float) -> str:
    """A float literal of 12 significant digits, far finer than Keras' float32.

    >>> number(0.1 * 3), number(1), number(1e-6)
    ('0.3', '1.0', '1e-06')
    """
    text = f"{value:.12g}"
    return text if set(text) & set(".en") else f"{text}.0"


def literal(value: object, floats: Callable[[float], str] = number) -> str:
    """Any argument as Python text, strings in double quotes.

    Args:
        value: of JSON types.
        floats: how to write a float; `repr` for its last bit.
    """
    if isinstance(value, float):
        return floats(value)
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return f"[{', '.join(literal(item, floats) for item in value)}]"
    return repr(value)


def call(name: str, **arguments: object) -> str:
    """A call with keyword arguments.

    >>> call("Ramp", peak=0.1, updates=5)
    'Ramp(peak=0.1, updates=5)'
    """
    return written(name, [f"{key}={literal(value)}" for key, value in arguments.items()])


def written(name: str, arguments: Iterable[str]) -> str:
    """A call, on one line where it fits, else with one argument a line."""
    parts = list(arguments)
    line = f"{name}({', '.join(parts)})"
    if len(line) <= WIDTH - 20:
        return line
    inside = "".join(f"    {part},\n" for part in parts)
    return f"{name}(\n{inside})"


def builtin(name: str, **arguments: object) -> KerasCode:
    """Code that uses one of Keras' own schedules."""
    return KerasCode(learning_rate=call(f"{SCHEDULES}.{name}", **arguments))


def looked_up(rate: Callable[..., Any], **settings: object) -> KerasCode:
    """Code of a Keras schedule that computes all rates once and looks each of them up.

    Computed update by update in float32, as Keras computes, many formulas lose more than 1e-6 of
    the peak rate; in float64 none does.

    Args:
        rate: see `Schedule.rate`.
        settings: its arguments from `updates` on.
    """
    name = f"{rate.__name__.title().replace('_', '')}Schedule"
    text = source_of(rate)
    return KerasCode(
        learning_rate=call(name, **settings),
        definitions=text + _LOOK_UP.format(name=name, base=SCHEDULES, rate=rate.__name__),
        imports=(*modules_of(text), "import numpy as np", *OPS),
    )


_LOOK_UP = '''


@keras.saving.register_keras_serializable()
class {name}({base}.LearningRateSchedule):
    """Looks up the rate of each update; all of them are computed once, in float64."""

    def __init__(self, **settings):
        self.settings = settings
        t = np.arange(settings["updates"], dtype=np.float64)
        self.rates = ops.convert_to_tensor({rate}(np, t, **settings), "float32")

    def __call__(self, step):
        last = self.settings["updates"] - 1
        return ops.take(self.rates, ops.minimum(ops.cast(step, "int32"), last))

    def get_config(self):
        return self.settings
'''
