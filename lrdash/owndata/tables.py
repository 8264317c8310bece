"""CSV, TSV and Parquet as a tidy frame: every column float64 with NaN, or text with None."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lrdash.errors import DataRefused
from lrdash.owndata.dialect import Layout, layout
from lrdash.owndata.limits import COLUMNS, ROWS, UNPACKED, megabytes

PLACEHOLDERS = ("?", "-", "--", ".")  # for a missing number, if all else in a column is one
COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")
LARGEST = 1e100  # of a number: its square must stay finite
TEXT = 200  # characters of a value that are kept
MOSTLY = 0.8  # share of numbers above which other texts are pointed out


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it was read."""

    frame: pd.DataFrame  # float64 or object columns
    reading: str  # in words: format, delimiter, encoding
    lines: tuple[int, ...]  # of each row in the file; empty for Parquet
    notes: tuple[str, ...]
    odd: dict[str, str]  # what is odd about a column

    def where(self, row: int) -> str:
        """The place of a row, as the user finds it."""
        return f"line {self.lines[row]}" if self.lines else f"row {row + 1}"


def read_text(raw: bytes, file: str) -> Table:
    """A table of text.

    Raises:
        DataRefused: see `lrdash.owndata.dialect`; or a column with numbers too large.
    """
    told = layout(raw, file)
    try:
        frame = pd.read_csv(
            io.StringIO(told.text), sep=told.delimiter, header=0 if told.header else None,
            index_col=False, skipinitialspace=True, low_memory=False,
            names=list(told.names),
        )
    except (ValueError, OverflowError, pd.errors.ParserError, pd.errors.EmptyDataError) as fault:
        remedy = "Save it anew as CSV, texts in quotation marks."
        raise DataRefused(file, f"the table cannot be read ({_first(fault)})", remedy) from fault
    if len(frame) != len(told.lines):
        problem = f"{len(told.lines):,} rows were counted and {len(frame):,} were read"
        raise DataRefused(file, problem, "Look for stray quotation marks or blank lines.")
    return _tidy(frame, file, told.words, told)


def read_parquet(raw: bytes, file: str) -> Table:
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
        raise DataRefused(file, problem, "It is damaged or cut off: write it anew.") from fault
    if read is None or len(set(names)) != len(names):
        problem = "two columns have the same name" if read else "no column holds numbers or texts"
        raise DataRefused(file, problem, "Write plain columns with different names.")
    columns = {str(name) or f"column {place}": _plain(read.column(name))
               for place, name in enumerate(names, start=1)}
    table = _tidy(pd.DataFrame(columns), file, "Parquet", None)
    left = [f"Left out, neither numbers nor texts: {', '.join(others)}"] if others else []
    return Table(table.frame, table.reading, (), (*table.notes, *left), table.odd)


def _flat(kind: Any) -> bool:
    from pyarrow import types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    text = types.is_string(inner) or types.is_large_string(inner) or types.is_string_view(inner)
    number = types.is_integer(inner) or types.is_floating(inner) or types.is_decimal(inner)
    return bool(text or number or types.is_boolean(inner) or types.is_temporal(inner))


def _plain(column: Any) -> pd.Series[Any]:
    """A column of Arrow as numbers or texts, whatever pandas' own notes in the file say."""
    import pyarrow as pa
    from pyarrow import compute, types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if types.is_boolean(column.type):
        told = [None if value is None else str(value) for value in column.to_pylist()]
        return pd.Series(told, dtype=object)
    if types.is_temporal(column.type):
        column = compute.cast(column, pa.string())
    elif types.is_decimal(column.type):
        column = compute.cast(column, pa.float64())
    numeric = types.is_integer(column.type) or types.is_floating(column.type)
    if numeric:
        return pd.Series(np.asarray(column.to_pandas(), dtype=np.float64))
    return pd.Series(column.to_pylist(), dtype=object)


def _tidy(frame: pd.DataFrame, file: str, reading: str, told: Layout | None) -> Table:
    if frame.empty:
        raise DataRefused(file, "there are no rows", "A table needs rows below its names.")
    lines = told.lines if told else ()
    odd: dict[str, str] = {}
    columns = {}
    for name in frame.columns:
        series = frame[name]
        if pd.api.types.is_bool_dtype(series) or not pd.api.types.is_numeric_dtype(series):
            decimal = told is not None and told.delimiter != ","
            made, note = _texts(series, lines, decimal=decimal)
        else:
            made, note = _numbers(series.astype(np.float64))
        columns[name] = made
        if note:
            odd[str(name)] = note
    table = Table(pd.DataFrame(columns), reading, lines, told.notes if told else (), odd)
    _hold_size(table, file)
    return table


def _numbers(series: pd.Series[Any]) -> tuple[pd.Series[Any], str]:
    endless = np.isinf(series)
    count = int(endless.sum())
    return series.mask(endless), f"{count:,} infinite values count as missing" if count else ""


def _texts(
    series: pd.Series[Any], lines: tuple[int, ...], *, decimal: bool
) -> tuple[pd.Series[Any], str]:
    """A column of texts; as numbers if that is what it holds but for placeholders or commas."""
    known = series.notna()
    text = series[known].astype(str).str.strip().str.slice(0, TEXT)
    text = text[text != ""]
    full = pd.Series([None] * len(series), index=series.index, dtype=object)
    full[text.index] = text.astype(object)
    others = text[~text.isin(PLACEHOLDERS)]
    if decimal and len(others) and others.str.fullmatch(COMMA).all():
        return _found(series, others.str.replace(",", "."), "decimal commas")
    numbers = pd.to_numeric(others, errors="coerce")
    if not len(others) or numbers.isna().all():
        return full, ""
    faulty = others[numbers.isna()]
    if not len(faulty):
        return _found(series, others, ", ".join(sorted(set(text) - set(others))) + " is missing")
    if len(faulty) > (1 - MOSTLY) * len(others):
        return full, ""
    row = int(np.flatnonzero(series.index == faulty.index[0])[0])
    place = f"line {lines[row]}" if lines else f"row {row + 1}"
    return full, (
        f"text, though most values are numbers: {len(faulty):,} are not, the first "
        f"{faulty.iloc[0]!r} in {place}"
    )


def _found(
    series: pd.Series[Any], numbers: pd.Series[Any], note: str
) -> tuple[pd.Series[Any], str]:
    full = pd.to_numeric(numbers).astype(np.float64).reindex(series.index)
    made, more = _numbers(full)
    return made, more or (f"read as numbers; {note}" if note != " is missing" else "")


def _hold_size(table: Table, file: str) -> None:
    for name in table.frame.columns:
        if table.frame[name].dtype == np.float64:
            large = np.flatnonzero(table.frame[name].abs() > LARGEST)
            if len(large):
                value = table.frame[name].iloc[large[0]]
                problem = f"column {name} holds {value:g} in {table.where(int(large[0]))}"
                remedy = f"Numbers may be at most {LARGEST:g}; mend it or leave it empty."
                raise DataRefused(file, problem, remedy)


def _first(fault: Exception) -> str:
    """The first line of a fault, cut."""
    return (str(fault).splitlines() or [type(fault).__name__])[0][:160].rstrip(".")
