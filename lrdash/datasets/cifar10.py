"""CIFAR-10: colour photographs of 32 x 32 pixels, downloaded at the first use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.datasets.base import Dataset
from lrdash.datasets.download import fetch
from lrdash.datasets.scaling import pixels_divided

SIZE = 50_000
# Keras keeps the archive under a name of its own and unpacks it again at each load.
FILES = ("cifar-10-python.tar.gz (renamed to cifar-10-batches-py-target_archive)",)


def read() -> tuple[NDArray[Any], NDArray[Any]]:
    """Images [50000, 32, 32, 3] with pixels 0..255, and kinds of object [50000]."""
    x, y = fetch("cifar10", label="CIFAR-10", size=SIZE, files=FILES)
    if x.shape[1] == 3:  # Keras is set to channels_first
        x = np.moveaxis(x, 1, -1)
    return x, y.reshape(SIZE)


DATASET = Dataset(
    id="cifar10",
    label="CIFAR-10",
    description="Colour photographs of ten kinds of object, 32 x 32 pixels. Needs a convolutional "
    "network, and patience on a CPU. The pool is the official training part; the official test "
    "part (10,000) is never used.",
    task="classification",
    input_shape=(32, 32, 3),
    num_classes=10,
    class_names=(
        "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
    ),
    size=SIZE,
    default_examples=5000,
    licence="None stated; the authors ask to cite the source",
    source="A. Krizhevsky, Learning multiple layers of features from tiny images, 2009; fetched by "
    "keras.datasets",
    scaling=pixels_divided(255),
    pixel_max=255.0,
    download_bytes=170_498_071,
    reader=read,
)
