"""MNIST: handwritten digits of 28 x 28 pixels, downloaded at the first use."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.download import fetch
from lrdash.datasets.scaling import pixels_divided

SIZE = 60_000


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Images [60000, 28, 28, 1] with pixels 0..255, and digits [60000]."""
    x, y = fetch("mnist", label="MNIST", size=SIZE, files=("mnist.npz",))
    return x.reshape(SIZE, 28, 28, 1), y


DATASET = Dataset(
    id="mnist",
    label="MNIST",
    description="Handwritten digits as 28 x 28 grey images, the field's common yardstick. The pool "
    "is the official training part; the official test part (10,000) is never used.",
    task="classification",
    input_shape=(28, 28, 1),
    num_classes=10,
    class_names=tuple("0123456789"),
    size=SIZE,
    default_examples=5000,
    licence="CC BY-SA 3.0",
    source="Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-based learning applied to "
    "document recognition, Proceedings of the IEEE 86 (1998) 2278-2324; fetched by keras.datasets",
    scaling=pixels_divided(255),
    pixel_max=255.0,
    download_bytes=11_490_434,
    reader=read,
)
