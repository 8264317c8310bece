"""LeNet-5, the classic network for handwritten digits."""

from __future__ import annotations

import itertools

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

KERNEL = 5  # pixels, both convolutions
FILTERS = (6, 16)
WIDTHS = (120, 84)  # units of the dense layers
UNPADDED = (32, 2 * (KERNEL + 1))  # pixels of the smallest image that each does not pad


class Lenet(ImageModel):
    """Two 5 x 5 convolutions with average pooling, then dense layers of 120 and 84 units.

    As in the paper but for two points: every filter of the second convolution sees all six maps,
    and the output is a softmax. The first convolution pads images below 32 pixels (for 28 pixels
    that is the frame of the paper), the second pads only maps too small for it (images below 12
    pixels), so that 8 x 8 works.

    Reference: LeCun, Bottou, Bengio, Haffner, Gradient-based learning applied to document
    recognition, Proceedings of the IEEE 86 (11), 1998.

    >>> mnist = DataShape(task="classification", input_shape=(28, 28, 1), num_classes=10)
    >>> Lenet().parameters(mnist)  # 156 + 2416 + 400*120 + 120 + 10164 + 850
    61706
    """

    id = "lenet"
    label = "LeNet-5"
    description = (
        "The classic for handwritten digits: two convolutions with average pooling and two dense "
        "layers, with tanh throughout."
    )
    source = "LeCun et al., Proceedings of the IEEE 86 (11), 1998"

    activation: Activation = activation_field("tanh")
    dropout: float = dropout_field()
    batch_norm: bool = batch_norm_field()
    l2: float = l2_field()

    def rows(self, shape: DataShape) -> list[Layer]:
        """Convolution and pooling twice, dense twice (with dropout)."""
        found: list[Layer] = []
        for number, (filters, least) in enumerate(zip(FILTERS, UNPADDED, strict=True), start=1):
            padding = "same" if min(shape.input_shape[:2]) < least else "valid"
            found += [
                Layer(name=f"conv_{number}", kind="conv2d", size=filters, kernel=KERNEL,
                      padding=padding, **self._shared()),
                Layer(name=f"conv_{number}_pool", kind="average_pooling", size=2),
            ]
        dense = [self._dense(f"dense_{n}", units) for n, units in enumerate(WIDTHS, start=1)]
        return [*found, FLATTEN, *itertools.chain(*dense)]
