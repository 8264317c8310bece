"""What a dataset is: facts that are known without loading it, and a reader for its arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import DatasetUnavailable, InvalidField
from lrdash.core.spec import DataShape
from lrdash.datasets.scaling import fill_missing, scale_pixels, standardise
from lrdash.datasets.split import VALIDATION_OF, Indices, part_sizes, quantile_bins, split_order

Reader = Callable[[], tuple[NDArray[Any], NDArray[Any]]]

LEAST = 10  # examples, whatever the task


@dataclass(frozen=True, eq=False)
class Split:
    """The arrays that a run trains and validates on; read-only, shared by all runs of a process."""

    x_train: NDArray[np.float32]  # [train, *input_shape], scaled
    y_train: NDArray[Any]  # [train], int32 classes from 0, or float32 standardised targets
    x_val: NDArray[np.float32]  # [validation, *input_shape]
    y_val: NDArray[Any]  # [validation]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Examples to learn from.

    Everything but `load` answers at once from the facts given here, without any library.

    `reader` gives the whole pool unscaled and in a fixed order: x [size, *input_shape] and
    y [size], integer classes from 0 or numbers. It imports what it needs when it is called.

    Raises:
        InvalidField: if the facts contradict each other.
    """

    id: str
    label: str  # sentence case
    description: str  # what it holds, how hard it is, what is left out
    task: Literal["classification", "regression"]
    input_shape: tuple[int, ...]  # of one example: (features,) or (height, width, channels)
    num_classes: int = 0  # 0 for regression
    class_names: tuple[str, ...] = ()  # empty for regression
    size: int  # examples in the pool
    default_examples: int  # used unless the spec says otherwise
    licence: str
    source: str
    scaling: str  # what is done to features and targets, in words
    reader: Reader
    download_bytes: int = 0  # 0 for an embedded dataset
    pixel_max: float = 0.0  # images: the pixel value that becomes 1; 0: standardise
    filled: bool = False  # features may be missing (NaN) in the pool and are filled in a split
    gone: str = ""  # why the examples no longer exist and what to do, for deleted data

    def __post_init__(self) -> None:
        classes = self.num_classes
        if (self.task == "classification") != (classes >= 2):
            problem = f"must be at least 2 for classification and 0 for regression ({self.task})"
            raise InvalidField(f"{self.id}.num_classes", problem, classes)
        if len(self.class_names) != classes:
            problem = f"must be {classes} names, one a class"
            raise InvalidField(f"{self.id}.class_names", problem, self.class_names)
        if not self.min_examples <= self.default_examples <= self.size:
            problem = f"must be between {self.min_examples} and the size {self.size}"
            raise InvalidField(f"{self.id}.default_examples", problem, self.default_examples)

    @property
    def shape(self) -> DataShape:
        """What a model needs to know."""
        return DataShape(
            task=self.task, input_shape=self.input_shape, num_classes=self.num_classes
        )

    @property
    def min_examples(self) -> int:
        """The smallest `examples`: validation can hold one of each class."""
        return max(LEAST, VALIDATION_OF * (self.num_classes - 1) + 1)

    def used(self, examples: int | None = None) -> int:
        """Examples that a run uses, training and validation together.

        Args:
            examples: the cap that was asked for; None for the default.

        Raises:
            InvalidField: for more than there are, or too few for every class to be in both parts.
        """
        if examples is None:
            return self.default_examples
        if examples > self.size:
            problem = f"must be at most {self.size}, the size of {self.label}"
            raise InvalidField("examples", problem, examples)
        if examples < self.min_examples:
            purpose = " so that every class is in both parts" if self.num_classes else ""
            problem = f"must be at least {self.min_examples}{purpose}"
            raise InvalidField("examples", problem, examples)
        return examples

    def sizes(self, examples: int | None = None) -> tuple[int, int]:
        """Training and validation examples, without loading; errors as in `used`."""
        return part_sizes(self.used(examples))

    def require(self) -> None:
        """Raise DatasetUnavailable if the examples were deleted."""
        if self.gone:
            raise DatasetUnavailable(self.gone)

    def load(self, examples: int | None = None) -> Split:
        """The arrays, bit for bit the same at every call; kept in memory after the first.

        Args:
            examples: the cap on training and validation together; None for the default.

        Raises:
            InvalidField: as in `used`.
            DatasetUnavailable: if the examples cannot be fetched or do not match the facts.
        """
        self.require()
        return _split(self, self.used(examples))


@lru_cache(maxsize=4)  # at full size one split of CIFAR-10 takes 0.6 GB
def _split(dataset: Dataset, examples: int) -> Split:
    x, y, train, validation = _pool(dataset)
    trained, validated = part_sizes(examples)
    train, validation = train[:trained], validation[:validated]
    x_train, x_val = _scaled(dataset, x[train], x[validation])
    y_train, y_val = _targets(dataset, y[train], y[validation])
    for array in (x_train, y_train, x_val, y_val):
        array.setflags(write=False)
    return Split(x_train, y_train, x_val, y_val)


def _scaled(
    dataset: Dataset, train: NDArray[Any], validation: NDArray[Any]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    if dataset.pixel_max:
        largest = dataset.pixel_max
        return scale_pixels(train, largest), scale_pixels(validation, largest)
    if dataset.filled:
        train, validation = fill_missing(train, validation)
    return standardise(train, validation)


def _targets(
    dataset: Dataset, train: NDArray[Any], validation: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    if dataset.task == "regression":
        return standardise(train, validation)
    # `min_examples` is enough for classes of similar size; a rare class needs more.
    if min(len(np.unique(train)), len(np.unique(validation))) < dataset.num_classes:
        problem = "must be larger so that every class is in both parts"
        raise InvalidField("examples", problem, len(train) + len(validation))
    return train.astype(np.int32), validation.astype(np.int32)


@lru_cache(maxsize=4)
def _pool(dataset: Dataset) -> tuple[NDArray[Any], NDArray[Any], Indices, Indices]:
    """All examples and targets unscaled, and the order of either part."""
    x, y = dataset.reader()
    problem = _problem(dataset, x, y)
    if problem:
        raise DatasetUnavailable(f"The data of {dataset.label} is wrong: {problem}.")
    train, validation = split_order(quantile_bins(y) if dataset.task == "regression" else y)
    for array in (x, y, train, validation):
        array.setflags(write=False)
    return x, y, train, validation


def _problem(dataset: Dataset, x: NDArray[Any], y: NDArray[Any]) -> str:
    """How the arrays differ from the facts, in words; empty if they agree."""
    expected = (dataset.size, *dataset.input_shape)
    if x.shape != expected or y.shape != expected[:1]:
        return f"the shapes should be {expected} and {expected[:1]}, not {x.shape} and {y.shape}"
    unfit = np.isinf if dataset.filled else _not_finite
    if (x.dtype.kind == "f" and unfit(x).any()) or (y.dtype.kind == "f" and _not_finite(y).any()):
        return "some values are not finite"
    if dataset.num_classes and not np.array_equal(np.unique(y), np.arange(dataset.num_classes)):
        return f"the classes should be 0 to {dataset.num_classes - 1}, each with some examples"
    return ""


def _not_finite(values: NDArray[Any]) -> NDArray[np.bool_]:
    unfit: NDArray[np.bool_] = ~np.isfinite(values)
    return unfit
