"""The pieces that models are made of: as Keras layers, and as a count of their trainable weights.

Only simple layers are used, so that other engines than Keras' own `fit` can run the models. Layers
are named, since automatic names would depend on what else a process has built before.
"""

from __future__ import annotations

import math
from typing import Any

from lrdash.core.spec import DataShape
from lrdash.models.base import KerasModel, Work

Tensor = Any  # keras.KerasTensor


def start(shape: DataShape) -> Tensor:
    """The input of a model, one batch of examples [examples, *input_shape]."""
    import keras

    return keras.Input(shape.input_shape, name="input")


def flat(x: Tensor) -> Tensor:
    """Examples as rows of numbers."""
    import keras

    return x if len(x.shape) == 2 else keras.layers.Flatten(name="flatten")(x)


def dense(
    x: Tensor,
    units: int,
    name: str,
    *,
    activation: str,
    batch_norm: bool,
    dropout: float,
    l2: float,
) -> Tensor:
    """A hidden layer: weights, batch normalisation, activation, dropout."""
    import keras

    layer = keras.layers.Dense(
        units, use_bias=not batch_norm, kernel_regularizer=_penalty(l2), name=name
    )
    return dropped(activated(layer(x), name, activation, batch_norm), name, dropout)


def convolution(
    x: Tensor,
    filters: int,
    name: str,
    *,
    activation: str | None,
    batch_norm: bool,
    l2: float,
    kernel: int = 3,
    strides: int = 1,
    padding: str = "same",
) -> Tensor:
    """A convolution, batch normalisation and activation (None: none)."""
    import keras

    layer = keras.layers.Conv2D(
        filters, kernel, strides=strides, padding=padding, use_bias=not batch_norm,
        kernel_regularizer=_penalty(l2), name=name,
    )
    return activated(layer(x), name, activation, batch_norm)


def activated(x: Tensor, name: str, activation: str | None, batch_norm: bool = False) -> Tensor:
    """Batch normalisation, then the activation."""
    import keras

    if batch_norm:
        x = keras.layers.BatchNormalization(name=f"{name}_norm")(x)
    return keras.layers.Activation(activation, name=f"{name}_{activation}")(x) if activation else x


def dropped(x: Tensor, name: str, dropout: float) -> Tensor:
    """Dropout, left out where it would do nothing."""
    import keras

    return keras.layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def finish(inputs: Tensor, x: Tensor, shape: DataShape, *, name: str, l2: float) -> KerasModel:
    """The last layer, softmax over classes or one plain number, and the model as a whole."""
    import keras

    last = "softmax" if shape.task == "classification" else "linear"
    outputs = keras.layers.Dense(
        shape.outputs, activation=last, kernel_regularizer=_penalty(l2), name="output"
    )(x)
    return keras.Model(inputs, outputs, name=name)


def features(shape: DataShape) -> int:
    """Numbers in one example."""
    return math.prod(shape.input_shape)


def dense_weights(inputs: int, units: int, batch_norm: bool = False) -> int:
    """Trainable weights of `dense`; batch normalisation has a scale and a shift, no bias."""
    return inputs * units + (2 if batch_norm else 1) * units


def convolution_weights(
    channels: int, filters: int, *, batch_norm: bool = False, kernel: int = 3
) -> int:
    """Trainable weights of `convolution`."""
    return dense_weights(kernel * kernel * channels, filters, batch_norm)


def dense_work(inputs: int, units: int) -> Work:
    """Cost of `dense`; its outputs count before and behind the activation."""
    return Work(multiply_adds=inputs * units, numbers=2 * units)


def convolution_work(
    height: int, width: int, channels: int, filters: int, *, kernel: int = 3
) -> Work:
    """Cost of `convolution`; height and width are those of its outputs."""
    pixels = height * width
    return Work(
        multiply_adds=pixels * kernel * kernel * channels * filters, numbers=2 * pixels * filters
    )


def _penalty(l2: float) -> Any:
    import keras

    return keras.regularizers.L2(l2) if l2 else None
