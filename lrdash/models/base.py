"""What a model is: a frozen record of settings that describes its layers.

A model gives its `rows` of layers; its Keras model, its weights, its cost and its Keras code follow
from them. One that consists of other things brings `build`, `parameters` and `work` of its own.
Keras is imported only where a model is built, so that forms, the command line and the plan can ask
which models fit and how large they are without loading it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from lrdash.core.errors import InvalidField
from lrdash.core.record import Record, field
from lrdash.core.spec import DataShape
from lrdash.core.wording import plural
from lrdash.models import layers
from lrdash.models.layers import FREE, Activation, Layer, Shape, Step, Work

KerasModel = Any  # keras.Model; naming the class itself would import Keras

FLATTEN = Layer(name="flatten", kind="flatten")
SMALLEST_IMAGE = 8  # pixels of the shorter side that the convolutional models can take


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

    def rows(self, shape: DataShape) -> Sequence[Layer]:
        """Its layers, first to last, without the output layer and the flattening before that.

        Args:
            shape: data that the model fits (see `misfit`).
        """
        raise NotImplementedError

    def network(self, shape: DataShape) -> list[tuple[Layer, Shape, Step]]:
        """All layers up to the output, each with the shape of its input and what it makes of it."""
        found: list[tuple[Layer, Shape, Step]] = []
        before = shape.input_shape

        def add(layer: Layer) -> None:
            nonlocal before
            done = layers.step(layer, before)
            found.append((layer, before, done))
            before = done.shape

        for row in self.rows(shape):
            add(row)
        if len(before) > 1:
            add(FLATTEN)
        add(Layer(
            name="output", kind="dense", size=shape.outputs, l2=getattr(self, "l2", 0.0),
            fused="softmax" if shape.task == "classification" else "linear",
        ))
        return found

    def _shared(self) -> dict[str, Any]:
        """The settings that all its layers with weights share."""
        names = ("activation", "batch_norm", "l2")
        return {name: getattr(self, name) for name in names if name in type(self).model_fields}

    def _dense(self, name: str, units: int) -> list[Layer]:
        """A hidden dense layer, and its dropout."""
        dense = Layer(name=name, kind="dense", size=units, **self._shared())
        return [dense, *self._dropout(name)]

    def _dropout(self, name: str) -> list[Layer]:
        """Dropout, left out where it would do nothing."""
        rate: float = getattr(self, "dropout", 0.0)
        return [Layer(name=f"{name}_dropout", kind="dropout", rate=rate)] if rate else []

    def build(self, shape: DataShape) -> KerasModel:
        """The uncompiled Keras model, with fresh weights.

        The weights follow from `keras.utils.set_random_seed` alone. The output is a softmax over
        the classes, [examples, classes], or one plain number, [examples, 1], for regression.
        """
        import keras

        x = inputs = keras.Input(shape.input_shape, name="input")
        for layer, _, _ in self.network(shape):
            x = layers.build(layer, x)
        return keras.Model(inputs, x, name=self.id)

    def parameters(self, shape: DataShape) -> int:
        """Trainable weights of the built model, counted without Keras."""
        return sum(step.parameters for _, _, step in self.network(shape))

    def work(self, shape: DataShape) -> Work:
        """What one example costs, counted without Keras: good for estimates, not exact."""
        return sum((step.work for _, _, step in self.network(shape)), FREE)

    def draws(self, shape: DataShape) -> str:
        """For what it draws random numbers while it trains, as a noun; empty if for nothing."""
        rows = () if type(self).rows is Model.rows else self.rows(shape)
        return "dropout" if any(row.kind == "dropout" and row.rate for row in rows) else ""

    def keras_code(self, shape: DataShape) -> list[str]:
        """Lines of Keras that leave the uncompiled model in `model`, with the same weights.

        Raises:
            InvalidField: for a model that does not describe its layers.
        """
        if type(self).rows is Model.rows:
            raise InvalidField("model", "must describe its layers, to be written as code", self.id)
        lines = [f"x = inputs = keras.Input({shape.input_shape!r})"]
        for layer, before, _ in self.network(shape):
            written = layers.code(layer, before)
            lines += written[1:] if written[0] == lines[-1] == "" else written
        return [*lines, "model = keras.Model(inputs, x)"]


class ImageModel(Model):
    """Base of the convolutional models."""

    convolutional: ClassVar[bool] = True

    @classmethod
    def misfit(cls, shape: DataShape) -> str | None:
        """Refuses what is no image, and images that pooling would reduce to nothing."""
        size = shape.input_shape
        need = f"needs images of at least {SMALLEST_IMAGE} x {SMALLEST_IMAGE} pixels"
        if len(size) == 1:
            return f"{need}, not {plural(size[0], 'number')} an example"
        if len(size) != 3:
            return f"{need} as height x width x channels, not {' x '.join(map(str, size))}"
        if min(size[:2]) < SMALLEST_IMAGE:
            return f"{need}, not {size[0]} x {size[1]}"
        return None


def activation_field(default: Activation) -> Any:
    """The field for the nonlinearity after each hidden layer."""
    return field(
        default, label="Activation",
        help="The nonlinearity after each hidden layer. Without it the layers would act as one.",
    )


def batch_norm_field() -> Any:
    """The field for batch normalisation (arXiv 1502.03167)."""
    return field(
        False, label="Batch normalisation",
        help="Centres and scales each layer's output over the batch, before the activation. "
        "Tolerates higher rates.",
    )


def dropout_field() -> Any:
    """The field for dropout (Srivastava et al., JMLR 15, 2014)."""
    return field(
        0.0, label="Dropout", unit="share of units", ge=0, lt=1, step=0.05,
        help="Share of the hidden units silenced in each update. Reduces overfitting; the training "
        "loss becomes noisier, often higher than the validation loss.",
    )


def l2_field() -> Any:
    """The field for the penalty on squared weights."""
    return field(
        0.0, label="L2 penalty", ge=0, le=1, step=0.0001,
        help="Adds this times the sum of the squared weights to the loss, which pulls the weights "
        "towards 0.",
    )
