"""What a model is: a frozen record of settings that can build a Keras model and count its weights.

Keras is imported only where a model is built, so that forms, the command line and the plan can ask
which models fit and how large they are without loading it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from lrdash.core.record import Record, field
from lrdash.core.spec import DataShape

KerasModel = Any  # keras.Model; naming the class itself would import Keras
Activation = Literal["relu", "tanh", "gelu", "elu", "silu", "sigmoid"]

SMALLEST_IMAGE = 8  # pixels of the shorter side that the convolutional models can take


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one example costs on its way through a model; two of them add up."""

    multiply_adds: int  # of the forward pass
    numbers: int  # that the layers hand on; training keeps them for the way back

    def __add__(self, other: Work) -> Work:
        return Work(
            multiply_adds=self.multiply_adds + other.multiply_adds,
            numbers=self.numbers + other.numbers,
        )


class Model(Record):
    """Base of all models; the class variables describe the model to its users."""

    id: ClassVar[str]
    label: ClassVar[str]  # sentence case, e.g. "Multilayer perceptron"
    description: ClassVar[str]  # one or two sentences: what it is and what it is good for
    source: ClassVar[str]  # paper or book
    convolutional: ClassVar[bool] = False
    alone: ClassVar[str] = ""  # why its runs cannot be lanes, as a phrase; empty if they can

    @classmethod
    def misfit(cls, shape: DataShape) -> str | None:
        """Why it cannot learn from such data, as a phrase that follows its name; None: it fits."""
        if 0 in shape.input_shape:
            return "needs inputs, and these examples have none"
        return None

    def build(self, shape: DataShape) -> KerasModel:
        """The uncompiled Keras model, with fresh weights.

        The weights follow from `keras.utils.set_random_seed` alone. The output is a softmax over
        the classes, [examples, classes], or one plain number, [examples, 1], for regression.

        Args:
            shape: data that the model fits (see `misfit`).
        """
        raise NotImplementedError

    def parameters(self, shape: DataShape) -> int:
        """Trainable weights of the built model, counted without Keras."""
        raise NotImplementedError

    def work(self, shape: DataShape) -> Work:
        """What one example costs, counted without Keras: good for estimates, not exact."""
        raise NotImplementedError


class ImageModel(Model):
    """Base of the convolutional models."""

    convolutional: ClassVar[bool] = True

    @classmethod
    def misfit(cls, shape: DataShape) -> str | None:
        """Refuses what is no image, and images that pooling would reduce to nothing."""
        size = shape.input_shape
        need = f"needs images of at least {SMALLEST_IMAGE} x {SMALLEST_IMAGE} pixels"
        if len(size) == 1:
            return f"{need}, not {size[0]} number{'s' * (size[0] != 1)} an example"
        if len(size) != 3:
            return f"{need} as height x width x channels, not {' x '.join(map(str, size))}"
        if min(size[:2]) < SMALLEST_IMAGE:
            return f"{need}, not {size[0]} x {size[1]}"
        return None


def activation_field(default: Activation) -> Any:
    """The field for the function behind each hidden layer."""
    return field(
        default, label="Activation",
        help="What bends the output of each hidden layer; without it all layers would act as one.",
    )


def batch_norm_field() -> Any:
    """The field for batch normalisation (arXiv 1502.03167)."""
    return field(
        False, label="Batch normalisation",
        help="Centre and scale each layer's output over the batch, before the activation. Bears "
        "higher rates.",
    )


def dropout_field() -> Any:
    """The field for dropout (Srivastava et al., JMLR 15, 2014)."""
    return field(
        0.0, label="Dropout", unit="share of units", ge=0, lt=1, step=0.05,
        help="Share of the hidden units silenced in each update. Calms overfitting; the training "
        "loss becomes noisier, often higher than the validation loss.",
    )


def l2_field() -> Any:
    """The field for the penalty on squared weights."""
    return field(
        0.0, label="L2 penalty", ge=0, le=1, step=0.0001,
        help="Adds this times the sum of the squared weights to the loss, which pulls the weights "
        "towards 0.",
    )
