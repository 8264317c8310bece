"""What a file holds, before any choice: kinds, gaps, classes, uninformative columns."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

import numpy as np
import pandas as pd

from lrdash.core.errors import DataRefused
from lrdash.datasets.own import arrays, faces, images, numerals, tables
from lrdash.datasets.own.limits import CATEGORIES, CLASSES, LEAST_ROWS
from lrdash.datasets.own.records import READING, Column, Flag, Profile, Recipe, Task

HEAD, CELL = 8, 60  # rows of the preview, and characters of a cell
FEW = 20  # distinct whole numbers up to which they are probably classes
SHOWN = 5  # values of a column with many
TARGETS = ("target", "class", "label", "y", "outcome", "species", "category", "quality")
INDICES = ("id", "index", "idx", "no", "nr", "row", "column 1", "unnamed: 0", "rownames")


def profile(raw: bytes, file: str, recipe: Recipe | None = None) -> Profile:
    """What the bytes hold, read as the recipe says.

    Raises:
        DataRefused: if they cannot become a dataset.
    """
    common: dict[str, Any] = {
        "file": file, "file_digest": hashlib.sha256(raw).hexdigest(), "file_bytes": len(raw),
    }
    kind = faces.recognise(raw, file)
    if kind in ("npz", "images") and recipe is not None:
        _hold_reading(recipe, file)
    match kind:
        case "npz":
            return _of_arrays(arrays.read(raw, file), common)
        case "images":
            return _of_images(images.read(raw, file), common)
        case "parquet":
            return of_table(tables.read_parquet(raw, file, recipe), common)
        case _:
            return of_table(tables.read_text(raw, file, recipe), common)


def _hold_reading(recipe: Recipe, file: str) -> None:
    """Refuse choices on reading where there is no table."""
    default = Recipe()
    for name in READING:
        if getattr(recipe, name) != getattr(default, name):
            problem = f"{name} can be chosen only for tables"
            raise DataRefused(file, problem, "Leave it out.")


def of_table(table: tables.Table, common: dict[str, Any]) -> Profile:
    """The profile of a table; `common` has the fields about the file."""
    frame = table.frame
    columns = tuple(_column(name, frame[name], table.odd.get(name, "")) for name in map(str, frame))
    head = tuple(tuple(_cell(value) for value in row) for row in frame.head(HEAD).to_numpy())
    return Profile(
        kind="table", reading=table.reading, rows=len(frame), columns=columns, head=head,
        notes=table.notes, target=_likely_target(columns), **common,
    )


def label_of(value: Any) -> str:
    """The class name of a value: numbers without needless digits."""
    if not isinstance(value, float | np.floating):
        return str(value)
    number = float(value)
    whole = number.is_integer() and abs(number) < 2**53
    return str(int(number)) if whole else repr(number)


def _of_arrays(held: arrays.Arrays, common: dict[str, Any]) -> Profile:
    y = pd.Series(held.y.astype(np.float64) if held.y.dtype.kind in "iuf" else held.y.astype(str))
    if held.y.dtype.kind == "f":
        y = y.mask(np.isinf(y))
    y = y if y.dtype == np.float64 else y.astype(object)
    flat = held.x.reshape(len(held.x), -1)[:HEAD, :HEAD]
    head = tuple(
        (_cell(target), *(_cell(float(value)) for value in row))
        for target, row in zip(y[:HEAD], flat, strict=False)
    )
    return Profile(
        kind="arrays", reading=f"NPZ, {held.dtypes}", rows=len(held.x),
        columns=(_column("y", y, ""),), head=head, shape=held.x.shape[1:], notes=held.notes,
        target="y", **common,
    )


def _of_images(held: images.Images, common: dict[str, Any]) -> Profile:
    folders = _column("folder", pd.Series(held.labels, dtype=object), "")
    return Profile(
        kind="images", reading="ZIP of images in class folders", rows=len(held.members),
        columns=(folders.replace(flag="", task="classification"),), notes=held.notes,
        target="folder", thumbnails=images.thumbnails(held), **common,
    )


def _column(name: str, series: pd.Series[Any], note: str) -> Column:
    known = series.dropna()
    counts = known.value_counts()
    if counts.empty:
        return Column(name=name, kind="empty", missing=len(series), flag="empty", note=note)
    number = series.dtype == np.float64
    distinct = len(counts)
    pairs = [(label_of(value), int(times)) for value, times in counts.items()]
    frequent = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    shown = distinct if distinct <= CLASSES.most else SHOWN
    span: dict[str, float] = {}
    if number:
        span = {"low": float(known.min()), "high": float(known.max()), "mean": float(known.mean())}
    return Column(
        name=name, kind="number" if number else "text", missing=len(series) - len(known),
        distinct=distinct, note=note, **span,
        values=tuple((value[:CELL], times) for value, times in frequent[:shown]),
        flag=_flag(name, known, distinct, number=number),
        task=_task(known, distinct, number=number),
    )


def _flag(name: str, known: pd.Series[Any], distinct: int, *, number: bool) -> Flag:
    if distinct == 1:
        return "constant"
    rows = len(known)
    if rows < LEAST_ROWS:
        return ""
    if number:
        whole = distinct == rows and bool((known % 1 == 0).all())
        steady = whole and bool((np.diff(known.to_numpy()) == 1).all())
        return "id" if steady or (whole and name.lower() in INDICES) else ""
    if numerals.are_dates(known):
        return "dates"
    if distinct == rows:
        return "id"
    return "many" if distinct > max(CATEGORIES.most, rows / 2) else ""


def _task(known: pd.Series[Any], distinct: int, *, number: bool) -> Task | Literal[""]:
    """The likely task if this is the target; empty if it cannot be one."""
    if distinct < 2:
        return ""
    few = distinct <= min(FEW, max(2, len(known) // 10))
    if number:
        return "classification" if few and bool((known % 1 == 0).all()) else "regression"
    return "classification" if distinct <= CLASSES.most else ""


def _likely_target(columns: tuple[Column, ...]) -> str:
    odd = ("id", "many", "dates")
    able = [column.name for column in columns if column.task and column.flag not in odd]
    called = [name for name in able if name.lower() in TARGETS]
    return next(iter([*called, *able[-1:], columns[-1].name]))


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:CELL]
