"""What the tests of datasets look at."""

from __future__ import annotations

from lrdash.datasets import DATASETS, base

EMBEDDED = [name for name, dataset in DATASETS.items() if not dataset.download_bytes]
DOWNLOADED = [name for name in DATASETS if name not in EMBEDDED]


def forget() -> None:
    base._split.cache_clear()
    base._pool.cache_clear()
