"""CSV files: a line an epoch, as Keras' CSVLogger and lrdash write them, or lines with gaps."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence

from lrdash.core.errors import InvalidField
from lrdash.tracking.importing.columns import Cells, is_log, of_columns, tells_epochs
from lrdash.tracking.importing.found import MOST_METRICS, Found, of_file
from lrdash.tracking.importing.names import column
from lrdash.tracking.importing.own import is_own, own_runs

SEPARATORS = ",;\t"
NUMBERS = ("epoch", "loss", "val_loss")  # no run without them
MISSING = ("", "NA", "NONE")
MOST_LINES = 200_000
LONGEST_LINE = 100_000  # characters


def read_csv(name: str, data: bytes) -> list[Found]:
    """The runs of a CSV file whose first line names the columns: one, or several of lrdash.

    A file to which several trainings were appended may restart its epochs; then they are read as
    one run, in the order of the lines, with a remark. The run is named after the file.

    Raises:
        InvalidField: names the line and the column of a cell without a number.
    """
    names, rows, separator = _rows(name, data)
    if is_own(names):
        return own_runs(name, names, rows, lambda own, lines: _columns(name, own, lines, ","))
    columns, remarks = _columns(name, names, rows, separator)
    if not tells_epochs(columns):
        remarks.append("There is no column named epoch, so the lines were numbered.")
    return [of_file(name, of_columns(name, columns, remarks))]


def _rows(name: str, data: bytes) -> tuple[list[str], list[list[str]], str]:
    """The names of the columns, the cells of the lines, and what separates them."""
    lines = [line for line in _text(name, data).splitlines() if line.strip()]
    if len(lines) < 2:
        problem = "must have a line of column names and at least one line of numbers"
        raise InvalidField(name, problem, f"{len(lines)} lines")
    if len(lines) > MOST_LINES:
        raise InvalidField(name, f"must have at most {MOST_LINES:,} lines", len(lines))
    if max(map(len, lines)) > LONGEST_LINE:
        raise InvalidField(name, f"must have lines of at most {LONGEST_LINE:,} characters", "more")
    separator = max(SEPARATORS, key=lines[0].count)
    first, *rows = csv.reader(io.StringIO("\n".join(lines)), delimiter=separator)
    names = [label.strip() for label in first]
    _check(name, names)
    for number, row in enumerate(rows, start=2):
        if len(row) != len(names):
            problem = f"line {number} must have {len(names)} values, as its first line has"
            raise InvalidField(name, problem, len(row))
    return names, rows, separator


def _columns(
    name: str, names: Sequence[str], rows: Sequence[Sequence[str]], separator: str
) -> tuple[Mapping[str, Cells], list[str]]:
    """The columns of numbers, and a remark that names the others."""
    columns: dict[str, Cells] = {}
    texts = []
    for label, cells in zip(names, zip(*rows, strict=True), strict=True):
        read = [_value(text, separator) for text in cells]
        if _no_number(read) and column(label) not in NUMBERS:
            texts.append(label)
            continue
        for number, (text, one) in enumerate(zip(cells, read, strict=True), start=2):
            if one is None:
                problem = f"line {number}, column {label} must be a number"
                raise InvalidField(name, problem, text)
        columns[label] = [
            None if _empty(text) else one for text, one in zip(cells, read, strict=True)
        ]
    left = f"Left out, without a number in any line: {', '.join(texts)}."
    return columns, [left] if texts else []


def _no_number(read: Sequence[float | None]) -> bool:
    """Whether a column holds texts, with or without gaps."""
    return {one for one in read if one is None or not math.isnan(one)} == {None}


def _empty(text: str) -> bool:
    return text.strip().upper() in MISSING


def _check(name: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(label for label in names if names.count(label) > 1)
        raise InvalidField(name, "must not name a column twice", twice)
    if len(names) > MOST_METRICS + 2:
        raise InvalidField(name, f"must have at most {MOST_METRICS + 2} columns", len(names))
    if {"run_id", "update"} <= {*names}:
        problem = "must have a line an epoch; lrdash exports it without --updates"
        raise InvalidField(name, problem, "a line an update")
    if not is_log(names):
        problem = "must have a column epoch, loss or val_loss, as CSVLogger writes them"
        raise InvalidField(name, problem, ", ".join(names))


def _value(text: str, separator: str) -> float | None:
    """The number that a cell holds, NaN for an empty one; None if it holds something else."""
    tidy = text.strip()
    if tidy.upper() in (*MISSING, "NAN"):
        return math.nan
    if separator == ";" and "." not in tidy:
        tidy = tidy.replace(",", ".")  # a decimal comma
    try:
        return float(tidy)
    except ValueError:
        return None


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        problem = f"must be text in UTF-8; byte {fault.start + 1:,} is not"
        raise InvalidField(name, problem, "other bytes") from None
