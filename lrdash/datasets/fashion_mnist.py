"""Fashion-MNIST: pieces of clothing of 28 x 28 pixels, downloaded at the first use."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.download import fetch
from lrdash.datasets.scaling import pixels_divided

SIZE = 60_000
FILES = (
    "fashion-mnist/train-labels-idx1-ubyte.gz",
    "fashion-mnist/train-images-idx3-ubyte.gz",
    "fashion-mnist/t10k-labels-idx1-ubyte.gz",
    "fashion-mnist/t10k-images-idx3-ubyte.gz",
)


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Images [60000, 28, 28, 1] with pixels 0..255, and kinds of clothing [60000]."""
    x, y = fetch("fashion_mnist", label="Fashion-MNIST", size=SIZE, files=FILES)
    return x.reshape(SIZE, 28, 28, 1), y


DATASET = Dataset(
    id="fashion_mnist",
    label="Fashion-MNIST",
    description="Pieces of clothing as 28 x 28 grey images: as large as MNIST and clearly harder. "
    "The pool is the official training part; the official test part (10,000) is never used.",
    task="classification",
    input_shape=(28, 28, 1),
    num_classes=10,
    class_names=(
        "T-shirt or top", "trouser", "pullover", "dress", "coat",
        "sandal", "shirt", "sneaker", "bag", "ankle boot",
    ),
    size=SIZE,
    default_examples=5000,
    licence="MIT",
    source="H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST, arXiv 1708.07747; fetched by "
    "keras.datasets",
    scaling=pixels_divided(255),
    pixel_max=255.0,
    download_bytes=30_878_645,
    reader=read,
)
