"""Data to try models on, and settings to try them with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.core.record import Knob
from lrdash.core.spec import DataShape
from lrdash.models import Model

SHAPES = {
    "13 numbers": DataShape(task="classification", input_shape=(13,), num_classes=3),
    "10 numbers to one": DataShape(task="regression", input_shape=(10,), num_classes=0),
    "8x8x1": DataShape(task="classification", input_shape=(8, 8, 1), num_classes=10),
    "28x28x1": DataShape(task="classification", input_shape=(28, 28, 1), num_classes=10),
    "32x32x3": DataShape(task="classification", input_shape=(32, 32, 3), num_classes=100),
    "9x35x2 to one": DataShape(task="regression", input_shape=(9, 35, 2), num_classes=0),
    "nothing": DataShape(task="regression", input_shape=(0,), num_classes=0),
}
DIGITS = SHAPES["8x8x1"]


def variants(kind: type[Model]) -> Iterator[Model]:
    """The defaults, each setting changed alone, and all changed at once."""
    changed = {k.name: v for k in kind.knobs() for v in other_values(k)}
    yield kind()
    yield from (kind(**{k.name: v}) for k in kind.knobs() for v in other_values(k))
    yield kind(**changed)


def other_values(knob: Knob) -> tuple[Any, ...]:
    """Values beside the default, the lowest and a slightly larger one among them."""
    if knob.kind == "switch":
        return (not knob.default,)
    if knob.kind == "choice":
        return tuple(c for c in knob.choices if c != knob.default)[:1]
    if knob.kind == "integer":
        return tuple({int(knob.low or 0), knob.default + 1} - {knob.default})
    return (0.25,) if knob.kind == "number" else ()


def fitting(kind: type[Model]) -> list[DataShape]:
    """The shapes that a model can learn from."""
    return [shape for shape in SHAPES.values() if kind.misfit(shape) is None]


def home(kind: type[Model]) -> DataShape:
    """The digits, or else the first shape that fits."""
    return DIGITS if kind.misfit(DIGITS) is None else fitting(kind)[0]


def trainable(model: Any) -> int:
    """Trainable weights of a built model."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)


def batch(shape: DataShape, examples: int = 4) -> NDArray[np.float32]:
    """Random inputs."""
    values = np.random.default_rng(0).normal(size=(examples, *shape.input_shape))
    return values.astype(np.float32)
