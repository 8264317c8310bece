"""Small residual network for images."""

from __future__ import annotations

from lrdash.core.record import field
from lrdash.core.spec import DataShape
from lrdash.models.base import ImageModel, dropout_field, l2_field
from lrdash.models.layers import Layer


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

    id = "resnet"
    label = "Small residual network"
    description = (
        "Residual blocks with batch normalisation. Usually the strongest on images, and the "
        "slowest."
    )
    source = "He et al., arXiv 1512.03385, section 4.2"

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

    def rows(self, shape: DataShape) -> list[Layer]:  # noqa: ARG002 (of every model)
        """Convolution, residual stages, average over the maps, dropout."""
        stem = Layer(name="stem", kind="conv2d", size=self.filters, activation="relu",
                     batch_norm=True, l2=self.l2)
        blocks = [
            Layer(name=f"stage_{stage + 1}_block_{block + 1}", kind="residual",
                  size=self.filters * 2**stage, strides=2 if stage and not block else 1, l2=self.l2)
            for stage in range(self.stages) for block in range(self.blocks)
        ]
        average = Layer(name="average", kind="global_average_pooling")
        return [stem, *blocks, average, *self._dropout("average")]
