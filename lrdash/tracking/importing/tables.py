"""Files of Keras' CSVLogger: a line an epoch, with commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
import itertools
import math

from lrdash.core.errors import InvalidField
from lrdash.tracking.importing.found import MOST_EPOCHS, MOST_METRICS, Found, make_found, of_file

SEPARATORS = ",;\t"
EPOCH = "epoch"
NUMBERS = (EPOCH, "loss", "val_loss")  # no run without them
MISSING = ("", "NA", "NONE")
LONGEST_LINE = 100_000  # characters


def read_csv(name: str, data: bytes) -> Found:
    """The run of a CSV file whose first line names the columns, `epoch` (from 0) among them.

    A file to which several trainings were appended may restart its epochs; then they are read as
    one run, in the order of the lines, with a remark. The run is named after the file.

    Raises:
        InvalidField: names the line and the column of a cell without a number.
    """
    lines = _text(name, data).splitlines()
    lines = [line for line in lines if line.strip()]
    if len(lines) < 2:
        problem = "must have a line of column names and at least one line of numbers"
        raise InvalidField(name, problem, f"{len(lines)} lines")
    if len(lines) > MOST_EPOCHS + 1:
        raise InvalidField(name, f"must have at most {MOST_EPOCHS:,} epochs", len(lines) - 1)
    separator = max(SEPARATORS, key=lines[0].count)
    if max(map(len, lines)) > LONGEST_LINE:
        raise InvalidField(name, f"must have lines of at most {LONGEST_LINE:,} characters", "more")
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))
    names = [column.strip() for column in rows[0]]
    _check(name, names)
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(names):
            problem = f"line {number} must have {len(names)} values, as its first line has"
            raise InvalidField(name, problem, len(row))
    values: dict[str, list[float]] = {}
    texts = []
    recorded = [0.0]  # losses
    for column, cells in zip(names, zip(*rows[1:], strict=True), strict=True):
        read = [_value(text, separator) for text in cells]
        kinds = {one for one in read if one is None or not math.isnan(one)}
        if kinds == {None} and column not in NUMBERS:  # texts, with or without gaps
            texts.append(column)
            continue
        for number, (text, one) in enumerate(zip(cells, read, strict=True), start=2):
            if one is None:
                problem = f"line {number}, column {column} must be a number"
                raise InvalidField(name, problem, text)
        values[column] = [one for one in read if one is not None]
        if column == "loss":
            recorded += [one for text, one in zip(cells, values[column], strict=True)
                         if text.strip().upper() not in MISSING]
    remarks = [f"Left out, without a number in any line: {', '.join(texts)}."] if texts else []
    return of_file(name, _numbered(name, values, remarks, recorded[-1]))


def _numbered(
    name: str, values: dict[str, list[float]], remarks: list[str], last_loss: float
) -> Found:
    count = len(next(iter(values.values())))
    given = values.pop(EPOCH, None)
    plain = list(range(1, count + 1))
    if given is None:
        remarks.append("There is no column named epoch, so the lines were numbered.")
        epochs = plain
    elif all(float(one).is_integer() and one >= 0 for one in given) and \
            all(a < b for a, b in itertools.pairwise(given)):
        epochs = [int(one) + 1 for one in given]  # Keras counts them from 0
    else:
        remarks.append("The epochs do not ascend, so the lines were numbered.")
        epochs = plain
    return make_found(name, epochs, values, remarks=remarks, last_loss=last_loss)


def _check(name: str, names: list[str]) -> None:
    if len(set(names)) < len(names):
        twice = next(column for column in names if names.count(column) > 1)
        raise InvalidField(name, "must not name a column twice", twice)
    if len(names) > MOST_METRICS + 2:
        raise InvalidField(name, f"must have at most {MOST_METRICS + 2} columns", len(names))
    if not any(column in ("loss", "val_loss", EPOCH) for column in names):
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
