"""Numbers as people and spreadsheets write them: thousands separators, a currency, per cent."""

from __future__ import annotations

import pandas as pd

# For a missing number, if all else in a column is numbers; compared in lower case.
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
BY_SPACE = _Style(
    r"([1-9]\d{0,2}([\s'’]\d{3})+|\d+)([.,]\d*)?", r"[\s'’]", ",", "thousands separated by spaces"
)


def numbers(
    texts: pd.Series[str], *, decimal: bool, points: bool = False
) -> tuple[pd.Series[float], str]:
    """Those of the texts that are numbers, all written in one way: the most common one.

    `1,234` is ambiguous: with a comma as the delimiter it is a thousand, otherwise a decimal comma.

    Args:
        texts: stripped.
        decimal: the delimiter is no comma, so that decimal commas are likely.
        points: points are likely to separate thousands, as elsewhere in the table.

    Returns:
        The numbers (12.5 for `12.5 %`), and how they were written, empty for the usual way. Where
        all texts are numbers, none is missing.
    """
    texts = texts.astype(object)  # whose patterns are Python's own: `\s` is any space
    plain = pd.to_numeric(texts, errors="coerce").dropna().astype("float64")
    if len(plain) == len(texts) and not points:
        return plain, ""
    parts = texts.str.extract(SIGNED).dropna(subset=[3])
    units = parts[1] + parts[4]
    parts = parts[units == units.value_counts().index[0]] if len(units) else parts
    styles = (PLAIN, COMMA, BY_COMMA, BY_POINT, BY_SPACE) if decimal else \
        (PLAIN, BY_COMMA, COMMA, BY_POINT, BY_SPACE)
    order = (BY_POINT, *styles) if points else styles
    read = [(style.read(parts[3]), style) for style in order] if len(parts) else []
    best, style = max(read, key=lambda pair: len(pair[0]), default=(plain, PLAIN))
    if len(best) <= len(plain) and not (points and len(best)):
        return plain, ""
    minus = (parts[0] + parts[2])[best.index] == "-"
    unit = units[best.index[0]]
    how = (style.words, f"{unit} ignored" if unit else "")
    return best.where(~minus, -best), ", ".join(filter(None, how))


def has_points(texts: pd.Series[str]) -> bool:
    """Whether points may separate thousands, as in `6.411`, in all of the texts."""
    texts = texts.astype(object)
    pattern = r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d{1,3})"
    pointed = texts.str.contains(".", regex=False)
    return bool(pointed.any() and texts.str.fullmatch(pattern).all())


def are_dates(texts: pd.Series[str]) -> bool:
    """Whether all texts are dates, with or without a time."""
    return bool(texts.astype(object).str.fullmatch(DATE).all())
