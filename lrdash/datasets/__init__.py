"""The datasets, by id. To add one: a file with a `DATASET`, and its name in `ENTRIES`.

Other packages bring theirs by entry points of the group `lrdash.datasets`.

Data of users are found by their id too (`own-` and 16 digits) but not listed: `own_datasets` lists
them.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lrdash.core.registry import Registry
from lrdash.datasets import stored
from lrdash.datasets.base import Dataset, Split
from lrdash.datasets.stored import own_datasets

__all__ = ["DATASETS", "Dataset", "Split", "own_datasets"]

ENTRIES = (  # files of this folder, each with a `DATASET`; the order is that of every list
    "digits",
    "breast_cancer",
    "wine",
    "diabetes",
    "spirals",
    "noisy_regression",
    "noisy_quadratic",
    "mnist",
    "fashion_mnist",
    "cifar10",
    "california_housing",
)

def _problem(name: str, entry: Any) -> str:
    if not isinstance(entry, Dataset):
        return f"is no lrdash.datasets.Dataset but {type(entry).__name__}"
    return "" if entry.id == name else f"has the id {entry.id!r}"


DATASETS: Registry[Dataset] = Registry(
    "dataset", group="lrdash.datasets", problem=_problem, find=stored.find
)
for _name in ENTRIES:
    DATASETS.add(_name, import_module(f"{__name__}.{_name}").DATASET)
