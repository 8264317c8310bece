"""NPZ files with `x` and `y`: plain numbers only, their headers checked before they are read."""

from __future__ import annotations

import ast
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import DataRefused
from lrdash.datasets.own.archive import opened, unpacked
from lrdash.datasets.own.limits import FEATURES, ROWS, SIDE, VALUES

NAMES = ("x", "y")
REMEDY = "Save plain arrays: numpy.savez(file, x=x, y=y)."
NUMBERS, LABELS = "biuf", "biufU"  # kinds of dtype that x and y may have
VERSIONS = {(1, 0): "<H", (2, 0): "<I", (3, 0): "<I"}
LONGEST = 10_000  # bytes of a header


@dataclass(frozen=True, eq=False)
class Arrays:
    """Examples and targets of the file."""

    x: NDArray[Any]  # [n, features] or [n, height, width, channels]
    y: NDArray[Any]  # [n], numbers or texts
    pixel_max: float  # 0: no image
    dtypes: str  # of both in the file, in words
    notes: tuple[str, ...]


def read(raw: bytes, file: str) -> Arrays:
    """The arrays of an NPZ file.

    Raises:
        DataRefused: if they are missing, hold Python objects, do not match, or are too large.
    """
    archive = opened(raw, file)
    members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
    for name in NAMES:
        if name not in members:
            problem = f"there is no array {name}, only {', '.join(sorted(members)) or 'none'}"
            raise DataRefused(file, problem, REMEDY)
    x, y = (_array(unpacked(archive, members[name], file), name, file) for name in NAMES)
    others = sorted(set(members) - set(NAMES))
    notes = [f"Other arrays are left out: {', '.join(others)}"] if others else []
    dtypes = f"x {x.dtype}, y {y.dtype}"
    y, hot = _targets(y, len(x) if x.ndim else 0, file)
    x, pixel_max, image = _examples(x, file)
    return Arrays(x, y, pixel_max, dtypes, (*notes, *hot, *image))


def _array(content: bytes, name: str, file: str) -> NDArray[Any]:
    """One NPY file, parsed here so that its header is checked before memory is allocated."""
    shape, fortran, dtype, start = _header(content, name, file)
    if dtype.kind not in (NUMBERS if name == "x" else LABELS) or dtype.itemsize > 4_000:
        held = "Python objects, which are never read" if dtype.hasobject else f"values of {dtype}"
        raise DataRefused(file, f"{name} holds {held}", f"{REMEDY} {name} must hold numbers.")
    size = math.prod(shape) * dtype.itemsize
    if size != len(content) - start:
        problem = f"{name} should have {size:,} bytes of values and has {len(content) - start:,}"
        raise DataRefused(file, problem, f"It is damaged. {REMEDY}")
    values = np.frombuffer(content, dtype, offset=start)
    return values.reshape(shape, order="F" if fortran else "C")


def _header(
    content: bytes, name: str, file: str
) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Shape, order, dtype and where the values begin; see numpy.lib.format."""
    try:
        version = np.lib.format.read_magic(io.BytesIO(content))
        width = np.dtype(VERSIONS[version])
        length = int(np.frombuffer(content, width, 1, offset=8)[0])
        start = 8 + width.itemsize + length
        if length > LONGEST or start > len(content):
            raise ValueError("its header is truncated")
        head = ast.literal_eval(content[start - length : start].decode("latin-1"))
        shape, fortran = tuple(head["shape"]), bool(head["fortran_order"])
        dtype = np.dtype(head["descr"]) if isinstance(head["descr"], str) else np.dtype(object)
        if not all(isinstance(n, int) and 0 <= n < 2**40 for n in shape):
            raise ValueError("its shape is invalid")
    except (
        ValueError, KeyError, TypeError, SyntaxError, IndexError, RecursionError, MemoryError,
        OverflowError, AttributeError,
    ) as fault:
        raise DataRefused(file, f"{name} is not a NumPy array ({fault})", REMEDY) from fault
    return shape, fortran, dtype, start


def _targets(
    y: NDArray[Any], examples: int, file: str
) -> tuple[NDArray[Any], tuple[str, ...]]:
    """One target an example, and notes; rows that are 1 in one place become its number."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 2 and len(y) == examples and y.dtype.kind != "U":
        if ((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all():
            return y.argmax(axis=1), ("y is one-hot: each row became the number of its class",)
        problem = f"y holds {y.shape[1]} values an example"
        remedy = "Keep a single column: y=y[:, 0]. In Python, lrdash.compare takes models with " \
            "several outputs."
        raise DataRefused(file, problem, remedy)
    if y.ndim != 1 or len(y) != examples:
        problem = f"y has the shape {y.shape}, and x has {examples:,} examples"
        raise DataRefused(file, problem, f"y must be a list of {examples:,} targets.")
    return y, ()


def _examples(x: NDArray[Any], file: str) -> tuple[NDArray[Any], float, tuple[str, ...]]:
    """The examples as a table or as images with channels, the pixel value that becomes 1, notes."""
    ROWS.hold(file, len(x), "x")
    if x.ndim not in (2, 3, 4) or x.size == 0:
        remedy = "It must be [examples, features] or [examples, height, width, channels]."
        raise DataRefused(file, f"x has the shape {x.shape}", remedy)
    VALUES.hold(file, x.size, "x")
    _finite(x, file)
    if x.ndim == 2:
        FEATURES.hold(file, x.shape[1], "x")
        return x.astype(np.float64), 0.0, ()
    notes = []
    if x.ndim == 3:
        x = x[..., np.newaxis]
        notes.append("x is read as greyscale images: a channel was added")
    SIDE.hold(file, max(x.shape[1:3]), "x")
    if x.shape[3] > 4:
        remedy = "Put channels last: x.transpose(0, 2, 3, 1)."
        raise DataRefused(file, f"x has the shape {x.shape}, with {x.shape[3]} channels", remedy)
    if x.dtype == np.uint8:
        return x, 255.0, tuple(notes)
    if x.dtype.kind == "f" and x.min() >= 0 and x.max() <= 1:
        return x.astype(np.float32), 1.0, tuple(notes)
    return x.astype(np.float64), 0.0, tuple(notes)


def _finite(x: NDArray[Any], file: str) -> None:
    if x.dtype.kind != "f":
        return
    faults = np.argwhere(~np.isfinite(x) | (np.abs(x) > 1e100))
    if len(faults):
        place = tuple(int(n) for n in faults[0])
        problem = f"x has {len(faults):,} values that are not finite, the first at {list(place)}"
        remedy = "Fill them in; in a CSV or Parquet table missing numbers are filled in for you."
        raise DataRefused(file, problem, remedy)
