"""The layers that models consist of, one entry a kind: shape, weights, cost, Keras layers, code.

A `Layer` describes one layer, or one residual block. All else follows from it: `step` counts
without Keras, `build` makes the Keras layers, and `code` writes them as text. Shapes are those of
one example: (numbers,) or (height, width, channels).

Only simple layers are used, so that other engines than Keras' own `fit` can run the models. Every
layer has a name, since automatic names would depend on what else a process has built before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Shape = tuple[int, ...]
Tensor = Any  # keras.KerasTensor
Activation = Literal["relu", "tanh", "gelu", "elu", "silu", "sigmoid"]
Kind = Literal[
    "dense", "conv2d", "max_pooling", "average_pooling", "global_average_pooling", "flatten",
    "dropout", "batch_norm", "layer_norm", "activation", "residual",
]
NONE = "none"


class Misplaced(ValueError):
    """A layer does not fit here; the text says why and how to fix it."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one example costs on its way through a model; two of them add up."""

    multiply_adds: int  # of the forward pass
    numbers: int  # output by the layers; training keeps them for the backward pass

    def __add__(self, other: Work) -> Work:
        return Work(
            multiply_adds=self.multiply_adds + other.multiply_adds,
            numbers=self.numbers + other.numbers,
        )


FREE = Work(multiply_adds=0, numbers=0)


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a layer makes of its input."""

    shape: Shape  # of the output
    parameters: int = 0  # trainable
    work: Work = FREE  # layers without a kernel cost next to nothing


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer of a model; settings that its kind does not use are ignored."""

    name: str
    kind: Kind
    size: int = 2  # units, filters, or the side of a pool
    kernel: int = 3  # pixels, the side of a filter
    strides: int = 1  # pixels
    activation: str = NONE
    rate: float = 0.0  # share of the numbers that dropout silences
    # What rows in the layer editor do not have:
    padding: str = "same"
    batch_norm: bool = False  # between weights and activation; replaces the bias
    l2: float = 0.0  # penalty on the squared weights of the kernel
    fused: str = ""  # activation inside the Keras layer, as the output has it


@dataclass(frozen=True)
class _Call:
    """One Keras layer: its class and its arguments."""

    name: str
    made_of: str  # class in keras.layers
    values: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def make(self) -> Any:
        """The Keras layer itself."""
        import keras

        options = {
            name: keras.regularizers.L2(value) if isinstance(value, _L2) else value
            for name, value in self.options.items()
        }
        return getattr(keras.layers, self.made_of)(*self.values, **options, name=self.name)

    def code(self) -> str:
        """The same as text, without its name."""
        options = [f"{name}={_literal(value)}" for name, value in self.options.items()]
        arguments = ", ".join([*map(_literal, self.values), *options])
        return f"keras.layers.{self.made_of}({arguments})"


class _L2(float):
    def __repr__(self) -> str:
        return f"keras.regularizers.L2({float(self)!r})"


def _literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """All about one kind of layer."""

    label: str
    uses: tuple[str, ...]  # settings that count in a row of the layer editor
    step: Callable[[Layer, Shape], Step]
    calls: Callable[[Layer], Sequence[_Call]] = lambda _layer: ()


def step(layer: Layer, shape: Shape) -> Step:
    """The shape that a layer outputs, and what it costs.

    Raises:
        Misplaced: the layer does not take this shape.
    """
    return RULES[layer.kind].step(layer, shape)


def build(layer: Layer, x: Tensor) -> Tensor:
    """The Keras tensor behind a layer."""
    if layer.kind != "residual":
        return _through(RULES[layer.kind].calls(layer), x)
    import keras

    block = _block(layer, tuple(x.shape[1:]))
    y = x
    for inner in block.main:
        y = build(inner, y)
    for inner in block.shortcut:
        x = build(inner, x)
    return _through(block.end, keras.layers.Add(name=f"{layer.name}_add")([x, y]))


def code(layer: Layer, shape: Shape, x: str = "x") -> list[str]:
    """The layer as Keras code that turns `x` into `x`.

    Args:
        shape: of its input.
        x: name of the tensor in the code.
    """
    if layer.kind != "residual":
        return [f"{x} = {call.code()}({x})" for call in RULES[layer.kind].calls(layer)]
    block = _block(layer, shape)
    return [
        "", f"# {layer.name.replace('_', ' ').capitalize()}", f"shortcut = {x}",
        *(line for inner in block.main for line in code(inner, shape, x)),
        *(line for inner in block.shortcut for line in code(inner, shape, "shortcut")),
        f"{x} = keras.layers.Add()([shortcut, {x}])",
        *(f"{x} = {call.code()}({x})" for call in block.end), "",
    ]


def _through(calls: Sequence[_Call], x: Tensor) -> Tensor:
    for call in calls:
        x = call.make()(x)
    return x


def _image(shape: Shape, what: str) -> tuple[int, int, int]:
    if len(shape) != 3:
        raise Misplaced(
            f"{what} needs an image (height x width x channels) but gets {_size(shape)}; move it "
            "above Flatten, Dense and global pooling"
        )
    return shape


def _numbers(shape: Shape, what: str) -> int:
    if len(shape) != 1:
        raise Misplaced(
            f"{what} needs a flat list of numbers but gets an image of {_size(shape)}; put Flatten "
            "or global average pooling above it"
        )
    return shape[0]


def _size(shape: Shape) -> str:
    return f"{shape[0]} numbers" if len(shape) == 1 else " x ".join(str(side) for side in shape)


def _weighted(layer: Layer, inputs: int, outputs: Shape) -> Step:
    """A layer whose units or filters see so many inputs each; its outputs count twice, before and
    behind the activation. Batch normalisation has a scale and a shift where others have a bias.
    """
    places = math.prod(outputs[:-1])
    return Step(
        shape=outputs, parameters=inputs * layer.size + (1 + layer.batch_norm) * layer.size,
        work=Work(multiply_adds=places * inputs * layer.size, numbers=2 * places * layer.size),
    )


def _dense_step(layer: Layer, shape: Shape) -> Step:
    return _weighted(layer, _numbers(shape, "Dense"), (layer.size,))


def _conv_step(layer: Layer, shape: Shape) -> Step:
    *image, channels = _image(shape, "Convolution")
    cut = 0 if layer.padding == "same" else layer.kernel - 1
    height, width = (-(-(side - cut) // layer.strides) for side in image)
    return _weighted(layer, layer.kernel**2 * channels, (height, width, layer.size))


def _pool_step(layer: Layer, shape: Shape) -> Step:
    height, width, channels = _image(shape, "Pooling")
    if min(height, width) < layer.size:
        raise Misplaced(
            f"a pool of {layer.size} x {layer.size} does not fit into {height} x {width} pixels; "
            "make it smaller or remove it"
        )
    return Step(shape=(height // layer.size, width // layer.size, channels))


def _average_step(_layer: Layer, shape: Shape) -> Step:
    return Step(shape=_image(shape, "Global average pooling")[2:])


def _activation_step(layer: Layer, shape: Shape) -> Step:
    if layer.activation == NONE:
        raise Misplaced("choose an activation for it")
    return Step(shape=shape)


def _same(_layer: Layer, shape: Shape) -> Step:
    return Step(shape=shape)


def _norm_step(_layer: Layer, shape: Shape) -> Step:
    return Step(shape=shape, parameters=2 * shape[-1])


def _weights(layer: Layer, made_of: str, *values: Any, **options: Any) -> list[_Call]:
    """A layer with weights, then batch normalisation and activation."""
    if layer.fused:
        options["activation"] = layer.fused
    if layer.batch_norm:
        options["use_bias"] = False
    if layer.l2:
        options["kernel_regularizer"] = _L2(layer.l2)
    calls = [_Call(layer.name, made_of, (layer.size, *values), options)]
    if layer.batch_norm:
        calls.append(_Call(f"{layer.name}_norm", "BatchNormalization"))
    return [*calls, *_activated(layer)]


def _activated(layer: Layer) -> list[_Call]:
    if layer.activation == NONE:
        return []
    return [_Call(f"{layer.name}_{layer.activation}", "Activation", (layer.activation,))]


def _conv(layer: Layer) -> list[_Call]:
    strides = {"strides": layer.strides} if layer.strides > 1 else {}
    return _weights(layer, "Conv2D", layer.kernel, **strides, padding=layer.padding)


def _plain(made_of: str, *settings: str) -> Callable[[Layer], list[_Call]]:
    """A Keras layer that takes these settings in order."""
    return lambda layer: [
        _Call(layer.name, made_of, tuple(getattr(layer, setting) for setting in settings))
    ]


@dataclass(frozen=True)
class _Block:
    """A residual block: two layers, a shortcut around them, and what follows their sum."""

    main: tuple[Layer, ...]
    shortcut: tuple[Layer, ...]  # none where the shape stays as it is
    end: Sequence[_Call]


def _block(layer: Layer, shape: Shape) -> _Block:
    """The layers of a residual block: 3 x 3 convolutions on images, dense layers on numbers."""
    images = len(shape) == 3
    strides = layer.strides if images else 1
    bend = "relu" if layer.activation == NONE else layer.activation

    def inner(name: str, **settings: Any) -> Layer:
        given = {"kind": "conv2d" if images else "dense", "size": layer.size, "l2": layer.l2,
                 "batch_norm": True, **settings}
        return Layer(name=f"{layer.name}_{name}", **given)

    changes = shape[-1] != layer.size or strides > 1
    shortcut = inner("shortcut", kernel=1, strides=strides, batch_norm=images)
    return _Block(
        main=(inner("1", strides=strides, activation=bend), inner("2")),
        shortcut=(shortcut,) if changes else (),
        end=_activated(Layer(name=layer.name, kind="activation", activation=bend)),
    )


def _residual_step(layer: Layer, shape: Shape) -> Step:
    block = _block(layer, shape)
    first = step(block.main[0], shape)
    steps = [first, step(block.main[1], first.shape), *(step(one, shape) for one in block.shortcut)]
    return Step(
        shape=first.shape, parameters=sum(one.parameters for one in steps),
        work=sum((one.work for one in steps), FREE),
    )


RULES: Mapping[str, _Rule] = {
    "dense": _Rule(
        label="Dense", uses=("size", "activation"), step=_dense_step,
        calls=lambda layer: _weights(layer, "Dense"),
    ),
    "conv2d": _Rule(
        label="Convolution", uses=("size", "kernel", "strides", "activation"), step=_conv_step,
        calls=_conv,
    ),
    "max_pooling": _Rule(
        label="Max pooling", uses=("size",), step=_pool_step, calls=_plain("MaxPooling2D", "size"),
    ),
    "average_pooling": _Rule(
        label="Average pooling", uses=("size",), step=_pool_step,
        calls=_plain("AveragePooling2D", "size"),
    ),
    "global_average_pooling": _Rule(
        label="Global average pooling", uses=(), step=_average_step,
        calls=_plain("GlobalAveragePooling2D"),
    ),
    "flatten": _Rule(
        label="Flatten", uses=(), step=lambda _layer, shape: Step(shape=(math.prod(shape),)),
        calls=_plain("Flatten"),
    ),
    "dropout": _Rule(
        label="Dropout", uses=("rate",), step=_same, calls=_plain("Dropout", "rate"),
    ),
    "batch_norm": _Rule(
        label="Batch normalisation", uses=(), step=_norm_step, calls=_plain("BatchNormalization"),
    ),
    "layer_norm": _Rule(
        label="Layer normalisation", uses=(), step=_norm_step, calls=_plain("LayerNormalization"),
    ),
    "activation": _Rule(
        label="Activation", uses=("activation",), step=_activation_step,
        calls=_plain("Activation", "activation"),
    ),
    "residual": _Rule(
        label="Residual block", uses=("size", "strides", "activation"), step=_residual_step,
    ),
}
