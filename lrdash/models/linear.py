"""Linear model: the simplest curve that a rate can be seen on."""

from __future__ import annotations

from lrdash.core.spec import DataShape
from lrdash.models.base import Model, l2_field
from lrdash.models.layers import Layer


class Linear(Model):
    """Softmax regression, or linear regression for numbers: output = f(W x + b).

    The loss is convex, so every rate that is not too high leads to the same place.

    Reference: C. M. Bishop, Pattern Recognition and Machine Learning, 2006, 3.1 and 4.3.4.

    >>> digits = DataShape(task="classification", input_shape=(8, 8, 1), num_classes=10)
    >>> Linear().parameters(digits)
    650
    """

    id = "linear"
    label = "Linear model"
    description = (
        "Softmax regression for classes, linear regression for numbers. The loss is convex: the "
        "clearest view of what a rate does."
    )
    source = "Bishop, Pattern Recognition and Machine Learning, 2006, 3.1 and 4.3.4"

    l2: float = l2_field()

    def rows(self, shape: DataShape) -> list[Layer]:  # noqa: ARG002 (of every model)
        """None: the output layer sees all numbers of an example."""
        return []
