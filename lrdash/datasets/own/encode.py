"""From columns to features: numbers unchanged, texts as one feature per value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.core.wording import plural
from lrdash.datasets.own.limits import CATEGORIES, FEATURES, VALUES

SHOWN = 6  # columns that a note names
Floats = NDArray[np.float64]


def features(
    frame: pd.DataFrame, names: Sequence[str], file: str
) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    """The features of a table.

    A number stays as it is, NaN where it is missing, and then has a second feature that is 1 where
    it is. A text has a feature for each of its most frequent values, one for all others together if
    there are more, and one for missing.

    Args:
        frame: columns of float64 or of texts.
        names: the columns to use.
        file: name of the file, for messages.

    Returns:
        Values [rows, features], the features' names, and notes.

    Raises:
        DataRefused: if these are too many.
    """
    FEATURES.hold(file, sum(_width(frame[name]) for name in names))
    VALUES.hold(file, len(frame) * sum(_width(frame[name]) for name in names))
    made: list[Floats] = []
    called: list[str] = []
    notes: list[str] = []
    for name in names:
        series = frame[name]
        number = series.dtype == np.float64
        columns = _number(series, name) if number else _text(series, name)
        made += columns.values()
        called += columns
        if not number and series.nunique() > CATEGORIES.most:
            rare = series.nunique() - CATEGORIES.most
            notes.append(f"{name}: the {rare:,} rarest values share one feature")
    gaps = {name: int(frame[name].isna().sum()) for name in names if frame[name].isna().any()}
    return np.stack(made, axis=1), tuple(called), (*_gaps(frame, gaps), *notes)


def _gaps(frame: pd.DataFrame, gaps: dict[str, int]) -> tuple[str, ...]:
    """How missing numbers and texts are handled, a sentence each."""
    notes = []
    for number, how in (
        (True, "filled with the training part's median, with a feature that marks where"),
        (False, "a value of their own"),
    ):
        names = [name for name in gaps if (frame[name].dtype == np.float64) == number]
        if names:
            shown = ", ".join(f"{name} ({gaps[name]:,})" for name in names[:SHOWN])
            more = f" and {plural(len(names) - SHOWN, 'more column')}" if len(names) > SHOWN else ""
            notes.append(f"Missing in {shown}{more}: {how}")
    return tuple(notes)


def _width(series: pd.Series[Any]) -> int:
    gaps = int(series.isna().any())
    if series.dtype == np.float64:
        return 1 + gaps
    distinct = series.nunique()
    return min(distinct, CATEGORIES.most) + int(distinct > CATEGORIES.most) + gaps


def _number(series: pd.Series[Any], name: str) -> dict[str, Floats]:
    values = series.to_numpy(np.float64)
    gaps = np.isnan(values)
    columns = {name: values}
    if gaps.any():
        columns[f"{name} is missing"] = gaps.astype(np.float64)
    return columns


def _text(series: pd.Series[Any], name: str) -> dict[str, Floats]:
    counts = series.dropna().value_counts()
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    kept = sorted(str(value) for value, _ in ordered[: CATEGORIES.most])
    columns: dict[str, Floats] = {
        f"{name} = {value}": _ones(series == value) for value in kept
    }
    if len(counts) > len(kept):
        others = series.notna() & ~series.isin(kept)
        columns[f"{name} = any other"] = _ones(others)
    if series.isna().any():
        columns[f"{name} is missing"] = _ones(series.isna())
    return columns


def _ones(where: pd.Series[Any]) -> Floats:
    return np.asarray(where, dtype=np.float64)
