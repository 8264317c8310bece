"""Numbers as people and spreadsheets write them: thousands separators, a currency, per cent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from lrdash.core.wording import is_number

# For a missing number, if all else in a column is numbers; compared in lower case.
PLACEHOLDERS = frozenset((
    "?", "-", "--", ".", "na", "n/a", "<na>", "#na", "#n/a", "#n/a n/a", "nan", "-nan", "null",
    "none", "missing", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "#num!", "#div/0!", "#value!",
    "#ref!", "#name?", "#null!",
))
UNITS = "$€£¥₹%"
APOSTROPHES = "'’`\u2018\u02bc\u2032\u00b4"
DASHES = "\u2212\u2013\u2012\u2010\u2011\ufe63\uff0d"  # minus, dashes, other hyphens
MARKS = rf"\s{APOSTROPHES}"
BODY = rf"[\d.,][^{MARKS}{UNITS}]*(?:[{MARKS}]\d[^{MARKS}{UNITS}]*)*"
ONE_SIGN = rf"^(?![+-]\s*[{UNITS}]?\s*[+-])"
SIGNED = rf"{ONE_SIGN}([+-]?)\s*([{UNITS}]?)\s*([+-]?)({BODY})\s*([{UNITS}]?)$"
DATE = (
    r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}([-/.])\d{1,2}\3(\d{2}|\d{4}))"
    r"([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?( ?([AaPp][Mm]|Z|[+-]\d{2}:?\d{2}))?"
)
# Other ways to write a minus: a pattern, what it becomes, and how it is called.
MINUS = (
    (rf"^([{UNITS}]?)\s*[{DASHES}]\s*(?=[\d.,{UNITS}])", r"\1-", "dashes as minus signs"),
    (rf"(?<=\d[eE])[{DASHES}](?=\d)", "-", "dashes as minus signs"),
    (rf"^([{UNITS}]?)\s*\(([^()+-]*)\)\s*([{UNITS}]?)$", r"-\1\2\3",
     "parentheses as minus signs"),
    (rf"^([^()+-]*)-\s*([{UNITS}]?)$", r"-\1\2", "minus signs behind the numbers"),
)
LIKELY = re.compile(
    rf"^[{UNITS}]?\s*(?:[{DASHES}]|\(\s*[\d.,{UNITS}])"
    rf"|^[\d.,{UNITS}+-].*(?:-\s*[{UNITS}]?$|[eE][{DASHES}])"
)


class _Style:
    """A way to write a number without its sign, and how to convert it for Python."""

    def __init__(self, pattern: str, parting: str, point: str, words: str) -> None:
        self.pattern, self.parting, self.point, self.words = pattern, parting, point, words

    def read(self, bodies: pd.Series[str]) -> pd.Series[float]:
        """The numbers of those that are written in this way."""
        bodies = bodies[bodies.str.fullmatch(self.pattern)]
        if self.parting:
            bodies = bodies.str.replace(self.parting, "", regex=True)
        return pd.to_numeric(bodies.str.replace(self.point, ".", regex=False)).astype("float64")


EXPONENT = r"([eE][+-]?\d+)?"
PLAIN = _Style(rf"(\d+\.?\d*|\.\d+){EXPONENT}", "", ".", "")
COMMA = _Style(rf"(\d+,?\d*|,\d+){EXPONENT}", "", ",", "decimal commas")
BY_COMMA = _Style(
    r"([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?", ",", ".", "thousands separated by commas"
)
BY_POINT = _Style(
    r"([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d*)?", r"\.", ",",
    "thousands separated by points, decimal commas",
)
BY_LAKH = _Style(
    r"([1-9]\d?(,\d{2})*,\d{3}|\d+)(\.\d*)?", ",", ".",
    "thousands separated by commas, above them every two digits (lakh)",
)
BY_SPACE = _Style(
    r"([1-9]\d{0,2}(\s\d{3})+|\d+)([.,]\d*)?", r"\s", ",", "thousands separated by spaces"
)
BY_APOSTROPHE = _Style(
    rf"([1-9]\d{{0,2}}([{APOSTROPHES}]\d{{3}})+|\d+)([.,]\d*)?", f"[{APOSTROPHES}]", ",",
    "thousands separated by apostrophes",
)
STYLES = (PLAIN, BY_COMMA, COMMA, BY_POINT, BY_SPACE, BY_APOSTROPHE, BY_LAKH)
DECIMAL = (PLAIN, COMMA, *(style for style in STYLES if style not in (PLAIN, COMMA)))
# Ways that format 2 of the ids read as texts.
LATER = (BY_LAKH.words, *(words for _, _, words in MINUS))


class Read(NamedTuple):
    """The numbers among some texts."""

    values: pd.Series[float]  # at the places of these texts
    how: str = ""  # they are written; empty for the usual way
    doubt: str = ""  # a text, what it is read as, and what else it could be


def numbers(texts: pd.Series[str], *, decimal: bool, points: bool = False) -> Read:
    """Those of the texts that are numbers, all written in one way: the most common one.

    `1,234` is ambiguous: with a comma as the delimiter it is a thousand, otherwise a decimal comma.

    Args:
        texts: stripped.
        decimal: the delimiter is no comma, so that decimal commas are likely.
        points: points are likely to separate thousands, as elsewhere in the table.

    Returns:
        The numbers (12.5 for `12.5 %`). Where all texts are numbers, none is missing.
    """
    texts, minus = _with_hyphens(texts.astype(object))  # whose `\s` is any space
    plain = pd.to_numeric(texts, errors="coerce").dropna().astype("float64")
    if len(plain) == len(texts) and not points:
        doubtful = decimal and has_points(texts)
        others = [BY_POINT.read(texts.str.lstrip("+-"))] if doubtful else []
        return Read(plain, minus, _doubt(texts, plain, others))
    parts = texts.str.extract(SIGNED).dropna(subset=[3])
    units = parts[1] + parts[4]
    parts = parts[units == units.value_counts().index[0]] if len(units) else parts
    styles = DECIMAL if decimal else STYLES
    order = (BY_POINT, *styles) if points else styles
    read = [(style.read(parts[3]), style) for style in order] if len(parts) else []
    best, style = max(read, key=lambda pair: len(pair[0]), default=(plain, PLAIN))
    if len(best) <= len(plain) and not (points and len(best)):
        return Read(plain, minus)
    below = (parts[0] + parts[2])[best.index] == "-"
    unit = units[best.index[0]]
    how = (style.words, f"{unit} ignored" if unit else "", minus)
    values = best.where(~below, -best)
    doubt = _doubt(texts, values, [found for found, _ in read])
    return Read(values, ", ".join(filter(None, how)), doubt)


def is_written(text: str) -> bool:
    """Whether a text is a number in any of these ways."""
    text = text.strip()
    if is_number(text) or not re.search(r"\d", text):
        return is_number(text)
    for pattern, sign, _ in MINUS:
        text = re.sub(pattern, sign, text)
    parts = re.match(SIGNED, text)
    return parts is not None and any(re.fullmatch(style.pattern, parts[4]) for style in STYLES)


def _with_hyphens(texts: pd.Series[str]) -> tuple[pd.Series[str], str]:
    """The texts with a hyphen in front as the only minus, and how others were written."""
    likely = texts.str.contains(LIKELY)
    ways: dict[str, None] = {}
    for pattern, sign, words in MINUS if likely.any() else ():
        made = texts[likely].str.replace(pattern, sign, regex=True)
        if not made.equals(texts[likely]):
            ways[words] = None
        texts = texts.where(~likely, made)
    return texts, ", ".join(ways)


def _doubt(
    texts: pd.Series[str], read: pd.Series[float], others: Iterable[pd.Series[float]]
) -> str:
    """A text that another way to write numbers reads differently, if it reads all of them."""
    for other in others:
        different = read.index[read.abs() != other] if other.index.equals(read.index) else ()
        for first in different[:1]:
            return (
                f"{texts[first]} is read as {read[first]:.10g} and could also be "
                f"{math.copysign(other[first], read[first]):.10g}"
            )
    return ""


def has_points(texts: pd.Series[str]) -> bool:
    """Whether points may separate thousands, as in `6.411`, in all of the texts."""
    texts = texts.astype(object)
    pattern = r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d{1,3})"
    pointed = texts.str.contains(".", regex=False)
    return bool(pointed.any() and texts.str.fullmatch(pattern).all())


def are_dates(texts: pd.Series[str]) -> bool:
    """Whether all texts are dates, with or without a time."""
    return bool(texts.astype(object).str.fullmatch(DATE).all())
