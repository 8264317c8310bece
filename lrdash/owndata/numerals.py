"""Numbers as people and spreadsheets write them: thousands parted, a currency, per cent."""

from __future__ import annotations

import pandas as pd

# For a missing number, if all else in a column is one; compared in small letters.
PLACEHOLDERS = frozenset((
    "?", "-", "--", ".", "na", "n/a", "<na>", "#na", "#n/a", "#n/a n/a", "nan", "-nan", "null",
    "none", "missing", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "#num!", "#div/0!", "#value!",
    "#ref!", "#name?", "#null!",
))
UNITS = "$€£¥₹%"
BODY = rf"[\d.,][^\s'’{UNITS}]*(?:[\s'’]\d[^\s'’{UNITS}]*)*"
SIGNED = rf"^([+-]?)\s*([{UNITS}]?)\s*([+-]?)({BODY})\s*([{UNITS}]?)$"
DATE = (
    r"(\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?|\d{1,2}([-/.])\d{1,2}\3(\d{2}|\d{4}))"
    r"([T ]\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?)?( ?([AaPp][Mm]|Z|[+-]\d{2}:?\d{2}))?"
)


class _Style:
    """A way to write a number without its sign, and how to make it one that Python reads."""

    def __init__(self, pattern: str, parting: str, point: str, words: str) -> None:
        self.pattern, self.parting, self.point, self.words = pattern, parting, point, words

    def read(self, bodies: pd.Series[str]) -> pd.Series[float] | None:
        """The numbers, or None if one is written otherwise."""
        if not bodies.str.fullmatch(self.pattern).all():
            return None
        if self.parting:
            bodies = bodies.str.replace(self.parting, "", regex=True)
        return pd.to_numeric(bodies.str.replace(self.point, ".", regex=False)).astype("float64")


EXPONENT = r"([eE][+-]?\d+)?"
PLAIN = _Style(rf"(\d+\.?\d*|\.\d+){EXPONENT}", "", ".", "")
COMMA = _Style(rf"(\d+,?\d*|,\d+){EXPONENT}", "", ",", "decimal commas")
BY_COMMA = _Style(r"(\d{1,3}(,\d{3})+|\d+)(\.\d*)?", ",", ".", "thousands parted by commas")
BY_POINT = _Style(
    r"(\d{1,3}(\.\d{3})+|\d+)(,\d*)?", r"\.", ",", "thousands parted by points, decimal commas"
)
BY_SPACE = _Style(
    r"(\d{1,3}([\s'’]\d{3})+|\d+)([.,]\d*)?", r"[\s'’]", ",", "thousands parted by spaces"
)


def numbers(texts: pd.Series[str], *, decimal: bool) -> tuple[pd.Series[float], str] | None:
    """Texts as numbers, if all of them are written in one way.

    `1,234` may be both: beside a comma as the delimiter it is a thousand, else a decimal comma.

    Args:
        texts: stripped, at least one.
        decimal: the delimiter is no comma, so that decimal commas are likely.

    Returns:
        The numbers (per cent as they stand: 12.5 for `12.5 %`) and how they were written, empty if
        as usual; None if one is no number, or if units or ways to write are mixed.
    """
    texts = texts.astype(object)  # whose patterns are Python's own: `\s` is any space
    plain = pd.to_numeric(texts, errors="coerce")
    if plain.notna().all():
        return plain.astype("float64"), ""
    parts = texts.str.extract(SIGNED)
    if parts[3].isna().any():
        return None
    units = set((parts[1] + parts[4]).unique())
    if len(units) != 1:
        return None
    minus = (parts[0] + parts[2]) == "-"
    styles = (PLAIN, COMMA, BY_COMMA, BY_POINT, BY_SPACE) if decimal else \
        (PLAIN, BY_COMMA, COMMA, BY_POINT, BY_SPACE)
    for style in styles:
        read = style.read(parts[3])
        if read is not None:
            unit = units.pop()
            told = (style.words, f"{unit} left out" if unit else "")
            return read.where(~minus, -read), ", ".join(filter(None, told))
    return None


def are_dates(texts: pd.Series[str]) -> bool:
    """Whether all texts are dates, with or without a time."""
    return bool(texts.astype(object).str.fullmatch(DATE).all())
