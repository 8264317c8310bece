"""LeNet-5, the classic network for handwritten digits."""

from __future__ import annotations

from typing import ClassVar

from lrdash.core.spec import DataShape
from lrdash.models import layers
from lrdash.models.base import (
    Activation,
    ImageModel,
    KerasModel,
    Work,
    activation_field,
    batch_norm_field,
    dropout_field,
    l2_field,
)

KERNEL = 5  # pixels, both convolutions
FILTERS = (6, 16)
WIDTHS = (120, 84)  # units of the dense layers
ORIGINAL = 32  # pixels of the images in the paper


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

    id: ClassVar[str] = "lenet"
    label: ClassVar[str] = "LeNet-5"
    description: ClassVar[str] = (
        "The classic for handwritten digits: two convolutions with average pooling and two dense "
        "layers, with tanh throughout."
    )
    source: ClassVar[str] = "LeCun et al., Proceedings of the IEEE 86 (11), 1998"
    prefix: ClassVar[str] = "lenet."

    activation: Activation = activation_field("tanh")
    dropout: float = dropout_field()
    batch_norm: bool = batch_norm_field()
    l2: float = l2_field()

    def build(self, shape: DataShape) -> KerasModel:
        """Convolution and pooling twice, dense twice (with dropout), output."""
        import keras

        x = inputs = layers.start(shape)
        for number, filters in enumerate(FILTERS, start=1):
            name = f"conv_{number}"
            x = layers.convolution(
                x, filters, name, kernel=KERNEL, activation=self.activation,
                batch_norm=self.batch_norm, l2=self.l2,
                padding="same" if _pads(x.shape[1:3], number) else "valid",
            )
            x = keras.layers.AveragePooling2D(2, name=f"{name}_pool")(x)
        x = layers.flat(x)
        for number, width in enumerate(WIDTHS, start=1):
            x = layers.dense(
                x, width, f"dense_{number}", activation=self.activation,
                batch_norm=self.batch_norm, dropout=self.dropout, l2=self.l2,
            )
        return layers.finish(inputs, x, shape, name=self.id, l2=self.l2)

    def parameters(self, shape: DataShape) -> int:
        """Two convolutions, two dense layers and the output."""
        size, channels, count = shape.input_shape[:2], shape.input_shape[2], 0
        for number, filters in enumerate(FILTERS, start=1):
            count += layers.convolution_weights(
                channels, filters, batch_norm=self.batch_norm, kernel=KERNEL
            )
            cut = 0 if _pads(size, number) else KERNEL - 1
            size, channels = tuple((side - cut) // 2 for side in size), filters
        inputs = size[0] * size[1] * channels
        for width in WIDTHS:
            count += layers.dense_weights(inputs, width, self.batch_norm)
            inputs = width
        return count + layers.dense_weights(inputs, shape.outputs)

    def work(self, shape: DataShape) -> Work:
        """Two convolutions, two dense layers and the output."""
        size, channels = shape.input_shape[:2], shape.input_shape[2]
        work = layers.dense_work(WIDTHS[-1], shape.outputs)
        for number, filters in enumerate(FILTERS, start=1):
            cut = 0 if _pads(size, number) else KERNEL - 1
            height, width = (side - cut for side in size)
            work += layers.convolution_work(height, width, channels, filters, kernel=KERNEL)
            size, channels = (height // 2, width // 2), filters
        inputs = size[0] * size[1] * channels
        for units in WIDTHS:
            work += layers.dense_work(inputs, units)
            inputs = units
        return work


def _pads(size: tuple[int, ...], number: int) -> bool:
    """Whether convolution 1 or 2 keeps the size of its maps."""
    return min(size) < (ORIGINAL if number == 1 else KERNEL + 1)
