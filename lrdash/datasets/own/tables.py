"""CSV, TSV and Parquet as a tidy frame: every column float64 with NaN, or text with None."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lrdash.core.errors import DataRefused, nearest
from lrdash.core.wording import plural
from lrdash.datasets.own import numerals
from lrdash.datasets.own.dialect import Layout, layout
from lrdash.datasets.own.limits import COLUMNS, ROWS, UNPACKED, megabytes
from lrdash.datasets.own.numerals import PLACEHOLDERS
from lrdash.datasets.own.records import Recipe

WHOLE = 2**53  # whole numbers up to which float64 holds each
ZEROS = "leading zeros are dropped; read it as texts to keep them"
LONG = "whole numbers too long to stay distinct as numbers; read as texts"
LARGEST = 1e100  # of a number: its square must stay finite
TEXT = 200  # characters of a value that are kept
DOUBTS = 3  # columns whose doubtful numbers a note names
MOSTLY = 0.8  # share of numbers above which other texts are reported


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read."""

    frame: pd.DataFrame  # float64 or object columns
    reading: str  # in words: format, delimiter, encoding
    lines: tuple[int, ...]  # of each row in the file; empty for Parquet
    notes: tuple[str, ...]
    odd: dict[str, str]  # what is odd about a column


def read_text(raw: bytes, file: str, recipe: Recipe | None = None) -> Table:
    """A table of text, read as the recipe says.

    Raises:
        DataRefused: see `lrdash.datasets.own.dialect`; or a column with numbers too large.
    """
    recipe = recipe or Recipe()
    written = layout(raw, file, recipe.header)
    frame = pd.DataFrame(written.rows, columns=list(written.names), dtype=object)
    return _tidy(frame, file, written.words, recipe, written)


def read_parquet(raw: bytes, file: str, recipe: Recipe | None = None) -> Table:
    """A table of Parquet; columns that are neither numbers nor texts are left out and named.

    Raises:
        DataRefused: if it is damaged or too large.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        held = parquet.ParquetFile(pa.BufferReader(raw))
        meta = held.metadata
        COLUMNS.hold(file, len(held.schema_arrow.names))
        ROWS.hold(file, meta.num_rows)
        groups = (meta.row_group(group) for group in range(meta.num_row_groups))
        UNPACKED.hold(file, megabytes(sum(group.total_byte_size for group in groups)))
        names = [field.name for field in held.schema_arrow if _flat(field.type)]
        others = [name for name in held.schema_arrow.names if name not in names]
        read = held.read(columns=names, use_threads=False) if names else None
    except (pa.ArrowException, OSError, ValueError, OverflowError, KeyError) as fault:
        problem = f"the Parquet file cannot be read ({_first(fault)})"
        raise DataRefused(file, problem, "It is damaged or truncated. Write it again.") from fault
    if read is None or len(set(names)) != len(names):
        problem = "two columns have the same name" if read else "no column holds numbers or texts"
        raise DataRefused(file, problem, "Write plain columns with different names.")
    columns = {str(name) or f"column {place}": _plain(read.column(name))
               for place, name in enumerate(names, start=1)}
    table = _tidy(pd.DataFrame(columns), file, "Parquet", recipe or Recipe())
    left = [f"Left out, neither numbers nor texts: {', '.join(others)}"] if others else []
    return Table(table.frame, table.reading, (), (*table.notes, *left), table.odd)


def _flat(kind: Any) -> bool:
    from pyarrow import types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    text = types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)
    number = types.is_integer(inner) or types.is_floating(inner) or types.is_decimal(inner)
    date = types.is_temporal(inner) and not types.is_duration(inner)
    return bool(text or number or types.is_boolean(inner) or date)


def _plain(column: Any) -> pd.Series[Any]:
    """A column of Arrow as numbers or texts, whatever pandas' own notes in the file say."""
    import pyarrow as pa
    from pyarrow import compute, types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_boolean(column.type):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        return pd.Series(texts, dtype=object)
    if types.is_temporal(column.type):
        column = compute.cast(column, pa.string())
    elif types.is_decimal(column.type):
        column = compute.cast(column, pa.float64())
    if types.is_integer(column.type):
        return pd.Series(column.to_pandas(integer_object_nulls=True))
    if types.is_floating(column.type):
        return pd.Series(np.asarray(column.to_pandas(), dtype=np.float64))
    return pd.Series(column.to_pylist(), dtype=object)


def _tidy(
    frame: pd.DataFrame, file: str, reading: str, recipe: Recipe, written: Layout | None = None
) -> Table:
    if frame.empty:
        raise DataRefused(file, "there are no rows", "A table needs rows below its names.")
    _hold_names(frame, recipe, file)
    lines = written.lines if written else ()
    decimal = written is not None and written.delimiter != ","
    odd: dict[str, str] = {}
    doubts: dict[str, str] = {}
    columns = {}
    points = decimal and any(_has_commas(frame[name]) for name in frame.columns)
    for name in map(str, frame.columns):
        series = _without(frame[name], recipe.missing)
        doubt = ""
        if name in recipe.texts:
            made, note = _full(_stripped(series), series), "read as texts"
        elif name in recipe.numbers:
            made, note, doubt = _forced(series, decimal=decimal, points=points)
        elif pd.api.types.is_bool_dtype(series) or not pd.api.types.is_numeric_dtype(series):
            made, note, doubt = _texts(series, lines, decimal=decimal, points=points)
        else:
            made, note = _numbers(series)
        columns[name] = made
        if note:
            odd[name] = note
        if doubt:
            doubts[name] = doubt
    notes = (*(written.notes if written else ()), *_in_doubt(doubts))
    table = Table(pd.DataFrame(columns), reading, lines, notes, odd)
    _hold_size(table, file)
    return table


def _in_doubt(doubts: Mapping[str, str]) -> list[str]:
    """Notes on the columns whose numbers could also be others."""
    notes = [f"{name}: {doubt}" for name, doubt in doubts.items()]
    more = plural(len(notes) - DOUBTS, "more column")
    return notes if len(notes) <= DOUBTS else [*notes[:DOUBTS], f"Likewise in {more}"]


def _hold_names(frame: pd.DataFrame, recipe: Recipe, file: str) -> None:
    """Refuse choices on unknown columns, or contradictory ones on a column."""
    both = set(recipe.texts) & set(recipe.numbers)
    for name in (*recipe.texts, *recipe.numbers):
        if name not in frame.columns:
            near = nearest(name, list(map(str, frame.columns)))
            hint = f"Did you mean {near!r}?" if near else "`lrdash data look` lists the columns."
            raise DataRefused(file, f"there is no column {name!r}, whose reading was chosen", hint)
        if name in both:
            problem = f"the column {name} was chosen as texts and as numbers"
            raise DataRefused(file, problem, "Choose one of the two.")


def _without(series: pd.Series[Any], words: tuple[str, ...]) -> pd.Series[Any]:
    """A column where these words are missing."""
    if not words:
        return series
    if pd.api.types.is_bool_dtype(series) or not pd.api.types.is_numeric_dtype(series):
        return series.mask(series.astype(str).str.strip().isin(words))
    absent = pd.to_numeric(pd.Series(words, dtype=object), errors="coerce").dropna()
    return series.mask(series.isin(absent))


def _numbers(series: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    """A column of numbers; as texts if they are too long to stay distinct as float64."""
    made = series.astype(np.float64)
    if pd.api.types.is_integer_dtype(series) and _collapse(series, made):
        return series.astype(str).astype(object), LONG
    infinite = np.isinf(made)
    count = int(infinite.sum())
    note = f"{plural(count, 'infinite value')} read as missing" if count else ""
    return made.mask(infinite), note


def _collapse(exact: pd.Series[Any], made: pd.Series[Any]) -> bool:
    """Whether different whole numbers become the same."""
    return bool(made.abs().max() > WHOLE) and exact.nunique() > made.nunique()


def _stripped(series: pd.Series[Any]) -> pd.Series[Any]:
    """The texts of a column that are not blank."""
    text = series[series.notna()].astype(str).str.strip().str.slice(0, TEXT)
    return text[text != ""]


def _full(text: pd.Series[Any], series: pd.Series[Any]) -> pd.Series[Any]:
    """Texts at their places in the column, None elsewhere."""
    full = pd.Series([None] * len(series), index=series.index, dtype=object)
    full[text.index] = text.astype(object)
    return full


def _has_commas(series: pd.Series[Any]) -> bool:
    """Whether it is a column of numbers with decimal commas."""
    text = _stripped(series)
    text = text[~text.str.lower().isin(PLACEHOLDERS)]
    read, how, _ = numerals.numbers(text, decimal=True)
    return len(read) == len(text) > 0 and "decimal commas" in how


def _texts(
    series: pd.Series[Any], lines: tuple[int, ...], *, decimal: bool, points: bool
) -> tuple[pd.Series[Any], str, str]:
    """A column of texts; as numbers if it holds only these and words for missing."""
    text = _stripped(series)
    full = _full(text, series)
    absent = text.str.lower().isin(PLACEHOLDERS)
    others = text[~absent]
    if not len(others):
        return full, "", ""
    read, how, doubt = numerals.numbers(
        others, decimal=decimal, points=points and numerals.has_points(others)
    )
    if len(read) == len(others):
        whole = others[others.str.fullmatch(r"[+-]?[0-9]+")]
        if len(whole) and _collapse(whole, read[whole.index]):
            return full, LONG, ""
        zeros = ZEROS if others.str.fullmatch(r"0[0-9]+").any() else ""
        return *_found(series, read, [how, _are_missing(text[absent]), zeros]), doubt
    if absent.any():
        words = ", ".join(sorted(set(text[absent])))
        note = (
            f"{words} counts as a value ({plural(int(absent.sum()), 'row')}); add it to the words "
            "for missing if it is not one"
        )
        return full, note, ""
    return full, _mostly_numbers(series, others.drop(read.index), len(others), lines), ""


def _mostly_numbers(
    series: pd.Series[Any], faulty: pd.Series[Any], count: int, lines: tuple[int, ...]
) -> str:
    """A note on the few texts that make a column one of texts."""
    if len(faulty) > (1 - MOSTLY) * count:
        return ""
    row = int(np.flatnonzero(series.index == faulty.index[0])[0])
    return (
        f"text, though most values are numbers; {len(faulty):,} are not, the first is "
        f"{faulty.iloc[0]!r} in {_place(lines, row)}"
    )


def _forced(
    series: pd.Series[Any], *, decimal: bool, points: bool
) -> tuple[pd.Series[Any], str, str]:
    """A column as numbers, missing where it holds none."""
    text = _stripped(series)
    read, how, doubt = numerals.numbers(
        text, decimal=decimal, points=points and numerals.has_points(text)
    )
    lost = len(text) - len(read)
    other = f"{plural(lost, 'other value')} read as missing" if lost else ""
    return *_found(series, read, [how, other]), doubt


def _are_missing(text: pd.Series[Any]) -> str:
    words = sorted(set(text))
    return f"{', '.join(words)} {'is' if len(words) == 1 else 'are'} missing" if words else ""


def _found(
    series: pd.Series[Any], numbers: pd.Series[Any], notes: list[str]
) -> tuple[pd.Series[Any], str]:
    made, more = _numbers(numbers.reindex(series.index))
    note = "; ".join(filter(None, [*notes, more]))
    return made, f"read as numbers; {note}" if note else ""


def _hold_size(table: Table, file: str) -> None:
    for name in table.frame.columns:
        if table.frame[name].dtype == np.float64:
            large = np.flatnonzero(table.frame[name].abs() > LARGEST)
            if len(large):
                value = table.frame[name].iloc[large[0]]
                problem = f"column {name} holds {value:g} in {_place(table.lines, int(large[0]))}"
                remedy = f"Numbers may be at most {LARGEST:g}. Fix it or leave it empty."
                raise DataRefused(file, problem, remedy)


def _place(lines: tuple[int, ...], row: int) -> str:
    """Where the user finds a row."""
    return f"line {lines[row]}" if lines else f"row {row + 1}"


def _first(fault: Exception) -> str:
    """The first line of an error, truncated."""
    return (str(fault).splitlines() or [type(fault).__name__])[0][:160].rstrip(".")
