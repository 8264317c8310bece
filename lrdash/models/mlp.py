"""Multilayer perceptron: dense layers, for tables and small images."""

from __future__ import annotations

import itertools
from typing import Annotated, Any

import pydantic

from lrdash.core.record import field, several
from lrdash.core.spec import DataShape
from lrdash.models.base import (
    FLATTEN,
    Model,
    activation_field,
    batch_norm_field,
    dropout_field,
    l2_field,
)
from lrdash.models.layers import Activation, Layer

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

    id = "mlp"
    label = "Multilayer perceptron"
    description = (
        "Dense layers one behind the other. Fits every dataset and trains in seconds; images are "
        "read as rows of pixels."
    )
    source = "Rumelhart, Hinton, Williams, Nature 323, 1986"

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
        what = f"whole numbers between 1 and {WIDEST}"
        return several(value, check, DEEPEST, what, twice=True)

    def rows(self, shape: DataShape) -> list[Layer]:
        """Dense, batch normalisation, activation and dropout for each width."""
        dense = [self._dense(f"dense_{n}", units) for n, units in enumerate(self.widths, start=1)]
        return [*([FLATTEN] if len(shape.input_shape) > 1 else []), *itertools.chain(*dense)]
