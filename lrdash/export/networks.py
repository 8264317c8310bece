"""Each model as lines of Keras that build it layer by layer, as `lrdash.models` does.

Layers are made in the same order, since the order decides which random numbers fill which weights.
The lines begin with `inputs` and leave `model`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.core.spec import DataShape
from lrdash.models import Model, rows
from lrdash.models.lenet import FILTERS, KERNEL, WIDTHS, _pads
from lrdash.models.noisy_quadratic import LEAST

Lines = list[str]
L = "keras.layers"


def model_lines(model: Model, shape: DataShape) -> Lines:
    """The lines that leave the uncompiled model in `model`.

    Raises:
        InvalidField: for a model whose layers are not written here.
    """
    if model.id not in NETWORKS:
        known = ", ".join(NETWORKS)
        problem = f"must be one that can be written as a script ({known})"
        raise InvalidField("model", problem, model.id)
    last = "softmax" if shape.task == "classification" else "linear"
    units, penalty = shape.outputs, _penalty(getattr(model, "l2", 0.0))
    body = NETWORKS[model.id](model, shape)
    if model.id != "noisy_quadratic":
        body.append(f'outputs = {L}.Dense({units}, activation="{last}"{penalty})(x)')
    return [
        f"inputs = keras.Input({shape.input_shape!r})", *body,
        "model = keras.Model(inputs, outputs)",
    ]


def _linear(_model: Any, shape: DataShape) -> Lines:
    return _flat(shape, "inputs")


def _mlp(model: Any, shape: DataShape) -> Lines:
    lines = _flat(shape, "inputs")
    for width in model.widths:
        lines += _dense(width, model)
    return lines


def _cnn(model: Any, _shape: DataShape) -> Lines:
    lines: Lines = []
    for block in range(model.blocks):
        source = "x" if block else "inputs"
        lines += _convolution(
            model.filters * 2**block, source, activation=model.activation,
            batch_norm=model.batch_norm, l2=model.l2,
        )
        lines += [f"x = {L}.MaxPooling2D(2)(x)", *_dropped(model.dropout)]
    return [*lines, f"x = {L}.Flatten()(x)", *_dense(model.width, model)]


def _lenet(model: Any, shape: DataShape) -> Lines:
    lines: Lines = []
    size = shape.input_shape[:2]
    for number, filters in enumerate(FILTERS, start=1):
        pads = _pads(size, number)
        lines += _convolution(
            filters, "inputs" if number == 1 else "x", kernel=KERNEL,
            padding="same" if pads else "valid", activation=model.activation,
            batch_norm=model.batch_norm, l2=model.l2,
        )
        lines.append(f"x = {L}.AveragePooling2D(2)(x)")
        size = tuple((side - (0 if pads else KERNEL - 1)) // 2 for side in size)
    lines.append(f"x = {L}.Flatten()(x)")
    for width in WIDTHS:
        lines += _dense(width, model)
    return lines


def _resnet(model: Any, _shape: DataShape) -> Lines:
    common = {"batch_norm": True, "l2": model.l2}
    lines = _convolution(model.filters, "inputs", activation="relu", **common)
    for stage in range(model.stages):
        for block in range(model.blocks):
            filters, strides = model.filters * 2**stage, 2 if stage and not block else 1
            lines += ["", f"# Stage {stage + 1}, block {block + 1}", "shortcut = x"]
            lines += _convolution(filters, "x", strides=strides, activation="relu", **common)
            lines += _convolution(filters, "x", activation=None, **common)
            if strides > 1:
                lines += _convolution(
                    filters, "shortcut", kernel=1, strides=strides, activation=None,
                    target="shortcut", **common,
                )
            lines += [f"x = {L}.Add()([x, shortcut])", f'x = {L}.Activation("relu")(x)']
    return [*lines, "", f"x = {L}.GlobalAveragePooling2D()(x)", *_dropped(model.dropout)]


BOWL = f'''\


class Bowl({L}.Layer):
    """L = 1/2 sum_i x_i^2 / i: gives its root, with noise in the gradient while training."""

    def __init__(self, dimensions, noise):
        super().__init__()
        self.dimensions, self.noise = dimensions, noise
        self.seed_generator = keras.random.SeedGenerator()

    def build(self, shape):
        self.position = self.add_weight(shape=(self.dimensions, 1), initializer="ones")

    def call(self, inputs, training=False):
        ops = keras.ops
        curvature = 1.0 / ops.arange(1, self.dimensions + 1, dtype="float32")[:, None]
        loss = 0.5 * ops.sum(curvature * ops.square(self.position))
        root = ops.stop_gradient(ops.maximum(ops.sqrt(loss), {LEAST}))
        examples = ops.shape(inputs)[0]
        slope = ops.broadcast_to(ops.reshape(loss, (1, 1)), (examples, 1))
        if training and self.noise:
            draws = keras.random.normal((examples, self.dimensions), seed=self.seed_generator)
            slope += ops.matmul(draws, ops.sqrt(self.noise * curvature) * self.position)
        return root + (slope - ops.stop_gradient(slope)) / (2.0 * root)

'''


def _bowl(model: Any, _shape: DataShape) -> Lines:
    return [*BOWL.splitlines(), f"outputs = Bowl({model.dimensions}, {model.noise!r})(inputs)"]


def _flat(shape: DataShape, source: str) -> Lines:
    if len(shape.input_shape) == 1:
        return [f"x = {source}"]
    return [f"x = {L}.Flatten()({source})"]


def _dense(units: int, model: Any) -> Lines:
    bias = ", use_bias=False" if model.batch_norm else ""
    return [
        f"x = {L}.Dense({units}{bias}{_penalty(model.l2)})(x)",
        *_activated(model.activation, batch_norm=model.batch_norm), *_dropped(model.dropout),
    ]


def _convolution(
    filters: int, source: str, *, activation: str | None, batch_norm: bool, l2: float,
    kernel: int = 3, strides: int = 1, padding: str = "same", target: str = "x",
) -> Lines:
    more = f", strides={strides}" if strides > 1 else ""
    more += f', padding="{padding}"'
    more += ", use_bias=False" if batch_norm else ""
    return [
        f"{target} = {L}.Conv2D({filters}, {kernel}{more}{_penalty(l2)})({source})",
        *_activated(activation, batch_norm=batch_norm, name=target),
    ]


def _activated(activation: str | None, *, batch_norm: bool, name: str = "x") -> Lines:
    lines = [f"{name} = {L}.BatchNormalization()({name})"] if batch_norm else []
    return [*lines, f'{name} = {L}.Activation("{activation}")({name})'] if activation else lines


def _dropped(share: float) -> Lines:
    return [f"x = {L}.Dropout({share!r})(x)"] if share else []


def _penalty(l2: float) -> str:
    return f", kernel_regularizer=keras.regularizers.L2({l2!r})" if l2 else ""


def _own_layers(model: Any, shape: DataShape) -> Lines:
    written: Lines = ["x = inputs"]
    before = shape.input_shape
    for row, step in zip(model.layers, model.steps(shape), strict=True):
        written += rows.lines(row, before)
        before = step.shape
    return [*written, f"x = {L}.Flatten()(x)"] if len(before) > 1 else written


NETWORKS: dict[str, Callable[[Any, DataShape], Lines]] = {
    "linear": _linear, "mlp": _mlp, "cnn": _cnn, "lenet": _lenet, "resnet": _resnet,
    "noisy_quadratic": _bowl, "layers": _own_layers,
}
