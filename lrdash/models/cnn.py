"""Small convolutional network for images."""

from __future__ import annotations

from lrdash.core.record import field
from lrdash.core.spec import DataShape
from lrdash.models.base import (
    FLATTEN,
    ImageModel,
    activation_field,
    batch_norm_field,
    dropout_field,
    l2_field,
)
from lrdash.models.layers import Activation, Layer


class Cnn(ImageModel):
    """Blocks of a 3 x 3 convolution and 2 x 2 max pooling, then one dense layer.

    Block i (from 0) has `filters * 2**i` filters and halves height and width, rounding down; three
    blocks are the most that an image of 8 x 8 can take.

    Reference: the design of small filters and doubling widths, Simonyan and Zisserman,
    arXiv 1409.1556.

    >>> mnist = DataShape(task="classification", input_shape=(28, 28, 1), num_classes=10)
    >>> Cnn().parameters(mnist)  # 160 + 4640 + (7*7*32)*64 + 64 + 650
    105866
    """

    id = "cnn"
    label = "Small convolutional network"
    description = (
        "Convolutions and pooling, then one dense layer. Stronger than dense layers on images, and "
        "slower on a CPU."
    )
    source = "Simonyan and Zisserman, arXiv 1409.1556"

    blocks: int = field(
        2, label="Blocks", ge=1, le=3, step=1,
        help="Pairs of a convolution and a pooling; each halves the image.",
    )
    filters: int = field(
        16, label="Filters", ge=1, le=256, step=8,
        help="Filters of the first block; each further block has twice as many.",
    )
    width: int = field(
        64, label="Dense width", unit="units", ge=1, le=4096, step=16,
        help="Units of the dense layer after the convolutions.",
    )
    activation: Activation = activation_field("relu")
    dropout: float = dropout_field()
    batch_norm: bool = batch_norm_field()
    l2: float = l2_field()

    def rows(self, shape: DataShape) -> list[Layer]:  # noqa: ARG002 (of every model)
        """Convolution, pooling and dropout for each block; the dense layer."""
        found: list[Layer] = []
        for block in range(self.blocks):
            name, filters = f"conv_{block + 1}", self.filters * 2**block
            found += [
                Layer(name=name, kind="conv2d", size=filters, **self._shared()),
                Layer(name=f"{name}_pool", kind="max_pooling", size=2),
                *self._dropout(name),
            ]
        return [*found, FLATTEN, *self._dense("dense", self.width)]
