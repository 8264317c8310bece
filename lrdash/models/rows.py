"""The layers of an own architecture: what each makes of a shape, what it costs, how it is built.

One entry a kind of layer. Shapes are those of one example: (numbers,) or (height, width, channels).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import pydantic

from lrdash.core.errors import InvalidField
from lrdash.core.record import PartFault, Record, field
from lrdash.models import layers
from lrdash.models.base import Activation, Work

Shape = tuple[int, ...]
Kind = Literal[
    "dense", "conv2d", "max_pooling", "average_pooling", "global_average_pooling", "flatten",
    "dropout", "batch_norm", "layer_norm", "activation", "residual",
]
LARGEST = 4096  # units or filters
MOST_NUMBERS = 5_000_000  # that a layer hands on, an example
NONE = "none"
POOLS = ("max_pooling", "average_pooling")


class Row(Record):
    """One layer; settings that its kind does not have are ignored."""

    prefix: ClassVar[str] = "layer."

    kind: Kind = field(..., label="Layer", help="What the layer does.")
    size: int = field(
        64, label="Size", ge=1, le=LARGEST, step=1,
        help="Units of a dense layer, filters of a convolution, side of a pool (2 if none is "
        "given). More units learn more and train slower.",
    )
    kernel: int = field(
        3, label="Kernel", unit="pixels", ge=1, le=15, step=1,
        help="Side of a convolution's filters.",
    )
    strides: int = field(
        1, label="Stride", unit="pixels", ge=1, le=8, step=1,
        help="Pixels between two places of a filter; 2 halves the image.",
    )
    activation: Literal[Activation, "none"] = field(
        "none", label="Activation", help="What bends the output of the layer."
    )
    rate: float = field(
        0.2, label="Dropout", unit="share of units", ge=0, lt=1, step=0.05,
        help="Share of the numbers that dropout silences in each update.",
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _halve(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("kind") in POOLS:
            return {"size": 2} | given
        return given


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a row makes of what it is given."""

    shape: Shape  # handed on
    parameters: int  # trainable
    work: Work


def as_text(given: Sequence[Row]) -> str:
    """Rows as one types them: `conv2d size=16 kernel=3; flatten; dense size=64 activation=relu`."""
    return typed([row.as_dict() for row in given])


def typed(given: Sequence[Mapping[str, Any]]) -> str:
    """The same of rows that are not checked: `size=` where a setting was emptied."""
    return "; ".join(
        " ".join([row["kind"], *(
            f"{name}={'' if row[name] is None else row[name]}"
            for name in RULES[row["kind"]].uses if name in row
        )])
        for row in given
    )


def from_text(text: str) -> list[dict[str, Any]]:
    """The settings of each row of such a text, not checked yet.

    Raises:
        PartFault: a word that is no setting; names its row.
    """
    found: list[dict[str, Any]] = []
    for number, part in enumerate(filter(str.strip, re.split(r"[;\n]", text)), start=1):
        kind, *settings = part.split()
        row: dict[str, Any] = {"kind": kind}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if not equals:
                raise PartFault(f"must have settings like size=64 in row {number}", setting)
            row[name] = _value(value) if value else None
        found.append(row)
    return found


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def told(fault: InvalidField) -> str:
    """What a wrong setting of a row must be, under the name that users know it by."""
    name = fault.field.removeprefix(Row.prefix)
    info = Row.model_fields.get(name.partition(".")[0])
    return f"{info.title if info else name} {fault.problem}"


class Misplaced(ValueError):
    """A layer cannot stand here; the text says why and what would help."""


def step(row: Row, shape: Shape) -> Step:
    """The shape that a row hands on, and what it costs.

    Raises:
        Misplaced: the row cannot take this shape.
    """
    done = RULES[row.kind].step(row, shape)
    if math.prod(done.shape) > MOST_NUMBERS:
        raise Misplaced(
            f"it would hand on {math.prod(done.shape):,} numbers an example, more than "
            f"{MOST_NUMBERS:,}; pool the image before it"
        )
    return done


def build(row: Row, x: Any, name: str) -> Any:
    """The Keras tensor behind a row."""
    return RULES[row.kind].build(row, x, name)


def lines(row: Row, shape: Shape) -> list[str]:
    """The row as Keras code that turns `x` into `x`."""
    return RULES[row.kind].lines(row, shape)


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """All about one kind of layer."""

    label: str
    uses: tuple[str, ...]  # settings of a row that count
    step: Callable[[Row, Shape], Step]
    build: Callable[[Row, Any, str], Any]
    lines: Callable[[Row, Shape], list[str]]


def _image(shape: Shape, what: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise Misplaced(
            f"{what} needs an image (height x width x channels), and here are {_told(shape)}; "
            "put it before Flatten, Dense and global pooling"
        )
    return shape


def _numbers(shape: Shape, what: str) -> int:
    if len(shape) != 1:
        raise Misplaced(
            f"{what} needs a row of numbers, and here is an image of {_told(shape)}; put Flatten "
            "or global average pooling before it"
        )
    return shape[0]


def _told(shape: Shape) -> str:
    return f"{shape[0]} numbers" if len(shape) == 1 else " x ".join(str(side) for side in shape)


def _free(shape: Shape, parameters: int = 0) -> Step:
    """A row next to which the layers with weights cost everything."""
    return Step(shape=shape, parameters=parameters, work=Work(multiply_adds=0, numbers=0))


def _dense_step(row: Row, shape: Shape) -> Step:
    inputs = _numbers(shape, "Dense")
    return Step(
        shape=(row.size,), parameters=layers.dense_weights(inputs, row.size),
        work=layers.dense_work(inputs, row.size),
    )


def _dense(row: Row, x: Any, name: str) -> Any:
    import keras

    return layers.activated(keras.layers.Dense(row.size, name=name)(x), name, _bend(row))


def _convolved(shape: Shape, row: Row) -> Shape:
    height, width, _ = shape
    return -(-height // row.strides), -(-width // row.strides), row.size


def _conv_step(row: Row, shape: Shape) -> Step:
    *_, channels = _image(shape, "Convolution")
    after = _convolved(shape, row)
    return Step(
        shape=after,
        parameters=layers.convolution_weights(channels, row.size, kernel=row.kernel),
        work=layers.convolution_work(
            after[0], after[1], channels, row.size, kernel=row.kernel
        ),
    )


def _conv(row: Row, x: Any, name: str) -> Any:
    return layers.convolution(
        x, row.size, name, activation=_bend(row), batch_norm=False, l2=0.0, kernel=row.kernel,
        strides=row.strides,
    )


def _pool_step(row: Row, shape: Shape) -> Step:
    height, width, channels = _image(shape, "Pooling")
    if min(height, width) < row.size:
        raise Misplaced(
            f"a pool of {row.size} x {row.size} does not fit into {height} x {width} pixels; make "
            "it smaller or leave it out"
        )
    return _free((height // row.size, width // row.size, channels))


def _pooled(name: str) -> Callable[[Row, Any, str], Any]:
    def build(row: Row, x: Any, name_: str) -> Any:
        import keras

        return getattr(keras.layers, name)(row.size, name=name_)(x)

    return build


def _average_step(_row: Row, shape: Shape) -> Step:
    *_, channels = _image(shape, "Global average pooling")
    return _free((channels,))


def _layer(name: str, *settings: str) -> Callable[[Row, Any, str], Any]:
    """A layer of Keras under its own name, with these settings of the row in order."""

    def build(row: Row, x: Any, name_: str) -> Any:
        import keras

        return getattr(keras.layers, name)(*(getattr(row, s) for s in settings), name=name_)(x)

    return build


def _line(name: str, *settings: str) -> Callable[[Row, Shape], list[str]]:
    def write(row: Row, _shape: Shape) -> list[str]:
        values = ", ".join(repr(getattr(row, setting)) for setting in settings)
        return [f"x = keras.layers.{name}({values})(x)"]

    return write


def _activation_step(row: Row, shape: Shape) -> Step:
    if row.activation == NONE:
        raise Misplaced("choose an activation for it")
    return _free(shape)


def _residual_step(row: Row, shape: Shape) -> Step:
    """Two layers and a way around them, which has weights where the shape changes."""
    around = shape[-1] != row.size or (len(shape) == 3 and row.strides > 1)
    if len(shape) == 1:
        first, second = (layers.dense_weights(n, row.size, True) for n in (shape[0], row.size))
        short = layers.dense_weights(shape[0], row.size) if around else 0
        work = layers.dense_work(shape[0], row.size) + layers.dense_work(row.size, row.size)
        return Step(shape=(row.size,), parameters=first + second + short, work=work)
    after, channels = _convolved(shape, row), shape[2]
    first, second = (
        layers.convolution_weights(n, row.size, batch_norm=True) for n in (channels, row.size)
    )
    short = (
        layers.convolution_weights(channels, row.size, batch_norm=True, kernel=1) if around else 0
    )
    work = layers.convolution_work(after[0], after[1], channels, row.size)
    work += layers.convolution_work(after[0], after[1], row.size, row.size)
    return Step(shape=after, parameters=first + second + short, work=work)


def _residual(row: Row, x: Any, name: str) -> Any:
    import keras

    bend = _bend(row) or "relu"
    around = x.shape[-1] != row.size or (len(x.shape) == 4 and row.strides > 1)
    if len(x.shape) == 2:
        common: dict[str, Any] = {"batch_norm": True, "dropout": 0.0, "l2": 0.0}
        y = layers.dense(x, row.size, f"{name}_1", activation=bend, **common)
        y = keras.layers.Dense(row.size, use_bias=False, name=f"{name}_2")(y)
        y = keras.layers.BatchNormalization(name=f"{name}_2_norm")(y)
        if around:
            x = keras.layers.Dense(row.size, name=f"{name}_shortcut")(x)
    else:
        y = layers.convolution(x, row.size, f"{name}_1", activation=bend, batch_norm=True, l2=0.0,
                               strides=row.strides)
        y = layers.convolution(y, row.size, f"{name}_2", activation=None, batch_norm=True, l2=0.0)
        if around:
            x = layers.convolution(x, row.size, f"{name}_shortcut", activation=None,
                                   batch_norm=True, l2=0.0, kernel=1, strides=row.strides)
    return layers.activated(keras.layers.Add(name=f"{name}_add")([x, y]), name, bend)


def _residual_lines(row: Row, shape: Shape) -> list[str]:
    bend, k = _bend(row) or "relu", "keras.layers"
    around = shape[-1] != row.size or (len(shape) == 3 and row.strides > 1)
    strides = f", strides={row.strides}" if row.strides > 1 and len(shape) == 3 else ""
    if len(shape) == 1:
        layer = f"{k}.Dense({row.size}, use_bias=False)"
        first, short = layer, [f"shortcut = {k}.Dense({row.size})(shortcut)"]
    else:
        same = 'padding="same", use_bias=False)'
        layer = f"{k}.Conv2D({row.size}, 3, {same}"
        first = f"{k}.Conv2D({row.size}, 3{strides}, {same}"
        short = [
            f"shortcut = {k}.Conv2D({row.size}, 1{strides}, {same}(shortcut)",
            f"shortcut = {k}.BatchNormalization()(shortcut)",
        ]
    return [
        "shortcut = x", f"x = {first}(x)", f"x = {k}.BatchNormalization()(x)",
        f'x = {k}.Activation("{bend}")(x)', f"x = {layer}(x)", f"x = {k}.BatchNormalization()(x)",
        *(short if around else []), f"x = {k}.Add()([shortcut, x])",
        f'x = {k}.Activation("{bend}")(x)',
    ]


def _bend(row: Row) -> str | None:
    return None if row.activation == NONE else row.activation


def _bent(lines: list[str], row: Row) -> list[str]:
    bend = _bend(row)
    return [*lines, f'x = keras.layers.Activation("{bend}")(x)'] if bend else lines


def _conv_lines(row: Row, _shape: Shape) -> list[str]:
    strides = f", strides={row.strides}" if row.strides > 1 else ""
    made = f'x = keras.layers.Conv2D({row.size}, {row.kernel}{strides}, padding="same")(x)'
    return _bent([made], row)


RULES: Mapping[str, _Rule] = {
    "dense": _Rule(
        label="Dense", uses=("size", "activation"), step=_dense_step, build=_dense,
        lines=lambda row, shape: _bent(_line("Dense", "size")(row, shape), row),
    ),
    "conv2d": _Rule(
        label="Convolution", uses=("size", "kernel", "strides", "activation"), step=_conv_step,
        build=_conv, lines=_conv_lines,
    ),
    "max_pooling": _Rule(
        label="Max pooling", uses=("size",), step=_pool_step, build=_pooled("MaxPooling2D"),
        lines=_line("MaxPooling2D", "size"),
    ),
    "average_pooling": _Rule(
        label="Average pooling", uses=("size",), step=_pool_step,
        build=_pooled("AveragePooling2D"), lines=_line("AveragePooling2D", "size"),
    ),
    "global_average_pooling": _Rule(
        label="Global average pooling", uses=(), step=_average_step,
        build=_layer("GlobalAveragePooling2D"), lines=_line("GlobalAveragePooling2D"),
    ),
    "flatten": _Rule(
        label="Flatten", uses=(), step=lambda _row, shape: _free((math.prod(shape),)),
        build=_layer("Flatten"), lines=_line("Flatten"),
    ),
    "dropout": _Rule(
        label="Dropout", uses=("rate",), step=lambda _row, shape: _free(shape),
        build=_layer("Dropout", "rate"), lines=_line("Dropout", "rate"),
    ),
    "batch_norm": _Rule(
        label="Batch normalisation", uses=(),
        step=lambda _row, shape: _free(shape, 2 * shape[-1]),
        build=_layer("BatchNormalization"), lines=_line("BatchNormalization"),
    ),
    "layer_norm": _Rule(
        label="Layer normalisation", uses=(),
        step=lambda _row, shape: _free(shape, 2 * shape[-1]),
        build=_layer("LayerNormalization"), lines=_line("LayerNormalization"),
    ),
    "activation": _Rule(
        label="Activation", uses=("activation",), step=_activation_step,
        build=_layer("Activation", "activation"), lines=_line("Activation", "activation"),
    ),
    "residual": _Rule(
        label="Residual block", uses=("size", "strides", "activation"), step=_residual_step,
        build=_residual, lines=_residual_lines,
    ),
}
