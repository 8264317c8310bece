"""Fetching through `keras.datasets` and its cache, with every failure explained."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lrdash.core.errors import DatasetUnavailable
from lrdash.core.wording import listed

STALL_SECONDS = 30.0  # without a byte; Keras itself would wait forever


def cache_folder() -> Path:
    """Where Keras keeps datasets: below KERAS_HOME, by default `~/.keras`."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "datasets"


def fetch(
    name: str, *, label: str, size: int, files: tuple[str, ...]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The training part of a Keras dataset, unchanged, fetched at the first use.

    Args:
        name: module in `keras.datasets`.
        label: the dataset's name for messages.
        size: examples that the training part should have.
        files: names in the cache folder, for messages.

    Raises:
        DatasetUnavailable: if it can be neither fetched nor read.
    """
    import keras

    try:
        with _impatient():
            (x, y), _ = getattr(keras.datasets, name).load_data()
        if len(x) != size or len(y) != size:
            raise ValueError(f"{len(x)} examples and {len(y)} targets instead of {size}")
    except Exception as fault:  # network, disk, gzip, zip, pickle: Keras lets all of them through
        raise DatasetUnavailable(_explain(label, files, fault)) from fault
    return x, y


@contextmanager
def _impatient() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALL_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _explain(label: str, files: tuple[str, ...], fault: Exception) -> str:
    damaged = "existing files may be damaged: delete them" if files[1:] else \
        "an existing file may be damaged: delete it"
    return (
        f"{label} could not be loaded: {_reason(fault)}. Check the network and try again. Without "
        f"a network, put {listed(files)} into {cache_folder()}; {damaged} first. Or choose a "
        "dataset that needs no download, such as digits or diabetes."
    )


def _reason(fault: Exception) -> str:
    text = str(fault)
    if text.startswith("URL fetch failure"):  # Keras: "... on ADDRESS: NUMBER -- REASON"
        return f"the download failed ({text.rpartition(' -- ')[2]})"
    if isinstance(fault, ConnectionError | TimeoutError):
        return "the connection was lost"
    if isinstance(fault, OSError) and fault.strerror:
        return f"its file could not be read or written ({fault.strerror})"
    return "its file is incomplete or damaged"
