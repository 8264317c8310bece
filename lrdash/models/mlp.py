"""Multilayer perceptron: dense layers, for tables and small images."""

from __future__ import annotations

import itertools
from typing import Annotated, Any, ClassVar

import pydantic

from lrdash.core.record import field
from lrdash.core.spec import DataShape
from lrdash.models import layers
from lrdash.models.base import (
    Activation,
    KerasModel,
    Model,
    Work,
    activation_field,
    batch_norm_field,
    dropout_field,
    l2_field,
)

WIDEST = 4096  # units of a layer
DEEPEST = 8  # hidden layers


class Mlp(Model):
    """Dense layers one behind the other; images are flattened.

    Reference: Rumelhart, Hinton, Williams, Learning representations by back-propagating errors,
    Nature 323, 1986.

    >>> digits = DataShape(task="classification", input_shape=(8, 8, 1), num_classes=10)
    >>> Mlp().parameters(digits)  # 64*128 + 128, 128*64 + 64, 64*10 + 10
    17226
    """

    id: ClassVar[str] = "mlp"
    label: ClassVar[str] = "Multilayer perceptron"
    description: ClassVar[str] = (
        "Dense layers one behind the other. Fits every dataset and trains in seconds; images are "
        "read as rows of pixels."
    )
    source: ClassVar[str] = "Rumelhart, Hinton, Williams, Nature 323, 1986"
    prefix: ClassVar[str] = "mlp."

    widths: tuple[Annotated[int, pydantic.Field(ge=1, le=WIDEST)], ...] = field(
        (128, 64), label="Widths", unit="units a layer", min_length=1, max_length=DEEPEST,
        help=f"Units of each hidden layer, first to last: 1 to {DEEPEST} layers of 1 to {WIDEST} "
        "units.",
    )
    activation: Activation = activation_field("relu")
    dropout: float = dropout_field()
    batch_norm: bool = batch_norm_field()
    l2: float = l2_field()

    @pydantic.field_validator("widths", mode="wrap")
    @classmethod
    def _explain_widths(cls, value: Any, check: pydantic.ValidatorFunctionWrapHandler) -> Any:
        try:
            return check(value)
        except pydantic.ValidationError:
            raise ValueError(
                f"must be a list of 1 to {DEEPEST} whole numbers between 1 and {WIDEST}"
            ) from None

    def build(self, shape: DataShape) -> KerasModel:
        """Dense, batch normalisation, activation, dropout for each width, then the output."""
        inputs = layers.start(shape)
        x = layers.flat(inputs)
        for number, width in enumerate(self.widths, start=1):
            x = layers.dense(
                x, width, f"dense_{number}", activation=self.activation,
                batch_norm=self.batch_norm, dropout=self.dropout, l2=self.l2,
            )
        return layers.finish(inputs, x, shape, name=self.id, l2=self.l2)

    def parameters(self, shape: DataShape) -> int:
        """Each layer's inputs times its units, and biases or batch normalisation."""
        sizes = (layers.features(shape), *self.widths)
        hidden = sum(
            layers.dense_weights(inputs, units, self.batch_norm)
            for inputs, units in itertools.pairwise(sizes)
        )
        return hidden + layers.dense_weights(sizes[-1], shape.outputs)

    def work(self, shape: DataShape) -> Work:
        """Each layer, the output included."""
        sizes = (layers.features(shape), *self.widths)
        work = layers.dense_work(sizes[-1], shape.outputs)
        for inputs, units in itertools.pairwise(sizes):
            work += layers.dense_work(inputs, units)
        return work
