"""Linear model: the simplest curve that a rate can be seen on."""

from __future__ import annotations

from typing import ClassVar

from lrdash.core.spec import DataShape
from lrdash.models import layers
from lrdash.models.base import KerasModel, Model, Work, l2_field


class Linear(Model):
    """Softmax regression, or linear regression for numbers: output = f(W x + b).

    The loss is convex, so every rate that is not too high leads to the same place.

    Reference: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, 3.1 and 4.3.4.

    >>> digits = DataShape(task="classification", input_shape=(8, 8, 1), num_classes=10)
    >>> Linear().parameters(digits)
    650
    """

    id: ClassVar[str] = "linear"
    label: ClassVar[str] = "Linear model"
    description: ClassVar[str] = (
        "Softmax regression for classes, linear regression for numbers. The loss is convex: the "
        "clearest view of what a rate does."
    )
    source: ClassVar[str] = "Bishop, Pattern Recognition and Machine Learning, 2006, 3.1 and 4.3.4"
    prefix: ClassVar[str] = "linear."

    l2: float = l2_field()

    def build(self, shape: DataShape) -> KerasModel:
        """One dense layer over all numbers of an example."""
        x = layers.start(shape)
        return layers.finish(x, layers.flat(x), shape, name=self.id, l2=self.l2)

    def parameters(self, shape: DataShape) -> int:
        """One weight for each input and output, and the biases."""
        return layers.dense_weights(layers.features(shape), shape.outputs)

    def work(self, shape: DataShape) -> Work:
        """One dense layer."""
        return layers.dense_work(layers.features(shape), shape.outputs)
