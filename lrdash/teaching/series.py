"""Numbers from a metric that a user typed or pasted."""

from __future__ import annotations

import math
import re

from lrdash.core.errors import InvalidField

MOST = 2000  # epochs; the chart is unreadable with more
_SEPARATED = re.compile(r"[^\s,;]+")
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d+,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)


def read_series(text: str, *, field: str = "series") -> tuple[float, ...]:
    """The numbers in a text, one an epoch; a Python list and a column of a table are fine.

    Args:
        text: numbers with commas, semicolons, spaces or line ends between them; nan and inf too.
        field: its name in messages.

    Raises:
        InvalidField: names the position and line of the first entry that is no number, or says how
            many values there must be.

    >>> read_series("[0.7, 0.5; 0.45]")
    (0.7, 0.5, 0.45)
    >>> read_series("0.7, O.5")
    Traceback (most recent call last):
    ...
    lrdash.core.errors.InvalidField: series must be a number at position 2 (line 1), got 'O.5'.
    """
    plain = re.sub(r"[\[\]()]", " ", text)
    _refuse_decimal_commas(plain, field)
    values = []
    for position, entry in enumerate(_SEPARATED.finditer(plain), start=1):
        if position > MOST:
            break
        line = plain.count("\n", 0, entry.start()) + 1
        values.append(_number(entry.group(), f"at position {position} (line {line})", field))
    count = len(_SEPARATED.findall(plain))
    if not 2 <= count <= MOST:
        raise InvalidField(field, f"must have 2 to {MOST:,} values, one an epoch", count)
    return tuple(values)


def _number(entry: str, where: str, field: str) -> float:
    try:
        value = float(entry) if "_" not in entry else None
    except ValueError:
        value = None
    if value is None:
        raise InvalidField(field, f"must be a number {where}", entry)
    if math.isinf(value) and "inf" not in entry.lower():
        raise InvalidField(field, f"must be a number below 1.8e308 {where}", entry)
    return value


def _refuse_decimal_commas(text: str, field: str) -> None:
    """`0,412 0,398` would be read as four whole numbers."""
    entries = [part for part in re.split(r"[;\s]+", text) if part]
    if len(entries) > 1 and all(_DECIMAL_COMMA.fullmatch(part) for part in entries):
        problem = "must use a decimal point, not a comma, at position 1 (line 1)"
        raise InvalidField(field, problem, entries[0])
