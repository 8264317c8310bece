"""Small residual network for images."""

from __future__ import annotations

from typing import ClassVar

from lrdash.core.record import field
from lrdash.core.spec import DataShape
from lrdash.models import layers
from lrdash.models.base import ImageModel, KerasModel, Work, dropout_field, l2_field


class Resnet(ImageModel):
    """Residual blocks with batch normalisation, in stages that halve the image.

    A block is relu(x + norm(conv(relu(norm(conv(x)))))) with 3 x 3 convolutions. Each stage after
    the first doubles the filters and begins with a stride of 2; there the shortcut is a normalised
    1 x 1 convolution (option B of the paper). Averages over the maps feed the output. Layers with
    weights on the main path: 2 * stages * blocks + 2.

    Reference: He, Zhang, Ren, Sun, Deep residual learning for image recognition,
    arXiv 1512.03385, section 4.2.

    >>> cifar = DataShape(task="classification", input_shape=(32, 32, 3), num_classes=10)
    >>> Resnet().parameters(cifar)  # stem 464, stages 4672 + 14528 + 57728, output 650
    78042
    """

    id: ClassVar[str] = "resnet"
    label: ClassVar[str] = "Small residual network"
    description: ClassVar[str] = (
        "Residual blocks with batch normalisation. Usually the strongest on images, and the "
        "slowest."
    )
    source: ClassVar[str] = "He et al., arXiv 1512.03385, section 4.2"
    prefix: ClassVar[str] = "resnet."

    stages: int = field(
        3, label="Stages", ge=1, le=4, step=1,
        help="Each stage after the first halves the image and doubles the filters.",
    )
    blocks: int = field(
        1, label="Blocks a stage", ge=1, le=9, step=1,
        help="Residual blocks in each stage. With 3 stages, 3 blocks make the network of 20 layers "
        "of the paper.",
    )
    filters: int = field(
        16, label="Filters", ge=1, le=256, step=8,
        help="Filters of the first stage; each further stage has twice as many.",
    )
    dropout: float = dropout_field()
    l2: float = l2_field()

    def build(self, shape: DataShape) -> KerasModel:
        """Convolution, residual stages, average over the maps, dropout, output."""
        import keras

        inputs = layers.start(shape)
        x = layers.convolution(
            inputs, self.filters, "stem", activation="relu", batch_norm=True, l2=self.l2
        )
        for stage in range(self.stages):
            for block in range(self.blocks):
                x = self._block(x, stage, block)
        x = keras.layers.GlobalAveragePooling2D(name="average")(x)
        x = layers.dropped(x, "average", self.dropout)
        return layers.finish(inputs, x, shape, name=self.id, l2=self.l2)

    def _block(self, x: layers.Tensor, stage: int, block: int) -> layers.Tensor:
        import keras

        name, filters = f"stage_{stage + 1}_block_{block + 1}", self.filters * 2**stage
        strides = 2 if stage and not block else 1
        y = layers.convolution(
            x, filters, f"{name}_conv_1", strides=strides, activation="relu", batch_norm=True,
            l2=self.l2,
        )
        y = layers.convolution(
            y, filters, f"{name}_conv_2", activation=None, batch_norm=True, l2=self.l2
        )
        if strides > 1:
            x = layers.convolution(
                x, filters, f"{name}_shortcut", kernel=1, strides=strides, activation=None,
                batch_norm=True, l2=self.l2,
            )
        return layers.activated(keras.layers.Add(name=f"{name}_add")([x, y]), name, "relu")

    def parameters(self, shape: DataShape) -> int:
        """Stem, two convolutions a block, a shortcut a halving, output; no size of image counts."""
        count = layers.convolution_weights(shape.input_shape[2], self.filters, batch_norm=True)
        channels = self.filters
        for stage in range(self.stages):
            filters = self.filters * 2**stage
            inner = layers.convolution_weights(filters, filters, batch_norm=True)
            count += layers.convolution_weights(channels, filters, batch_norm=True)
            count += (2 * self.blocks - 1) * inner
            if stage:
                count += layers.convolution_weights(channels, filters, batch_norm=True, kernel=1)
            channels = filters
        return count + layers.dense_weights(channels, shape.outputs)

    def work(self, shape: DataShape) -> Work:
        """Stem, two convolutions a block, a shortcut a halving, output."""
        height, width, channels = shape.input_shape
        work = layers.convolution_work(height, width, channels, self.filters)
        channels = self.filters
        for stage in range(self.stages):
            filters = self.filters * 2**stage
            if stage:
                height, width = -(-height // 2), -(-width // 2)
                work += layers.convolution_work(height, width, channels, filters, kernel=1)
            for _ in range(self.blocks):
                work += layers.convolution_work(height, width, channels, filters)
                work += layers.convolution_work(height, width, filters, filters)
                channels = filters
        return work + layers.dense_work(channels, shape.outputs)
