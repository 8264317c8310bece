"""Small convolutional network for images."""

from __future__ import annotations

from typing import ClassVar

from lrdash.core.record import field
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

    id: ClassVar[str] = "cnn"
    label: ClassVar[str] = "Small convolutional network"
    description: ClassVar[str] = (
        "Convolutions and pooling, then one dense layer. Stronger than dense layers on images, and "
        "slower on a CPU."
    )
    source: ClassVar[str] = "Simonyan and Zisserman, arXiv 1409.1556"
    prefix: ClassVar[str] = "cnn."

    blocks: int = field(
        2, label="Blocks", ge=1, le=3, step=1,
        help="Convolution and pooling, so many times; each block halves the image.",
    )
    filters: int = field(
        16, label="Filters", ge=1, le=256, step=8,
        help="Filters of the first block; each further block has twice as many.",
    )
    width: int = field(
        64, label="Dense width", unit="units", ge=1, le=4096, step=16,
        help="Units of the dense layer behind the convolutions.",
    )
    activation: Activation = activation_field("relu")
    dropout: float = dropout_field()
    batch_norm: bool = batch_norm_field()
    l2: float = l2_field()

    def build(self, shape: DataShape) -> KerasModel:
        """Convolution, batch normalisation, activation, pooling, dropout a block; dense; output."""
        import keras

        x = inputs = layers.start(shape)
        for block in range(self.blocks):
            name = f"conv_{block + 1}"
            x = layers.convolution(
                x, self.filters * 2**block, name, activation=self.activation,
                batch_norm=self.batch_norm, l2=self.l2,
            )
            x = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)
            x = layers.dropped(x, name, self.dropout)
        x = layers.dense(
            layers.flat(x), self.width, "dense", activation=self.activation,
            batch_norm=self.batch_norm, dropout=self.dropout, l2=self.l2,
        )
        return layers.finish(inputs, x, shape, name=self.id, l2=self.l2)

    def parameters(self, shape: DataShape) -> int:
        """Convolutions, the dense layer over what pooling leaves, and the output."""
        height, width, channels = shape.input_shape
        count = 0
        for block in range(self.blocks):
            filters = self.filters * 2**block
            count += layers.convolution_weights(channels, filters, batch_norm=self.batch_norm)
            height, width, channels = height // 2, width // 2, filters
        count += layers.dense_weights(height * width * channels, self.width, self.batch_norm)
        return count + layers.dense_weights(self.width, shape.outputs)

    def work(self, shape: DataShape) -> Work:
        """Convolutions, the dense layer over what pooling leaves, and the output."""
        height, width, channels = shape.input_shape
        work = layers.dense_work(self.width, shape.outputs)
        for block in range(self.blocks):
            filters = self.filters * 2**block
            work += layers.convolution_work(height, width, channels, filters)
            height, width, channels = height // 2, width // 2, filters
        return work + layers.dense_work(height * width * channels, self.width)
