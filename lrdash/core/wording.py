"""How numbers, times, counts and lists are written everywhere, and how a user's text is shown.

Three significant digits, units, and a dash where there is nothing to say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

NOTHING = "\N{EN DASH}"
# What joins emoji, and letters of some scripts, into one; Python calls them not printable.
JOINERS = {"\u200c", "\u200d", *map(chr, range(0xE0020, 0xE0080))}
MARKS = "\\`*_{}[]<>()#+!|$~:"  # what Markdown gives a meaning


def number(value: float | None) -> str:
    """A value with 3 significant digits: `0.0213`, `12.3`, `1.2e-5`, `1,240`."""
    if value is None or math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value == 0:
        return "0"
    if not 1e-3 <= abs(value) < 1e6:
        return _scientific(value)
    digits = 2 - math.floor(math.log10(abs(float(f"{value:.2e}"))))
    return f"{value:.{digits}f}" if digits > 0 else f"{value:,.0f}"


def setting(value: float) -> str:
    """A number that somebody chose, in full up to four digits: `0.01`, `2.5`, `250,000`."""
    return f"{value:,.0f}" if 1e4 <= value < 1e9 else f"{value:.4g}"


def rate(value: float | None) -> str:
    """A learning rate, shortest form of 3 significant digits: `0.025`, `1.5e-4`, `0`."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if value != 0 and abs(value) < 1e-3:
        return _scientific(value)
    return f"{value:.3g}" if abs(value) < 1e3 else f"{value:,.0f}"


def percent(share: float | None) -> str:
    """A share from 0 to 1 in percent, 3 significant digits: `96.9%`, `100%`."""
    if share is None or not math.isfinite(share):
        return NOTHING
    hundredths = 100 * share
    return f"{hundredths:.0f}%" if round(hundredths, 1) >= 100 else f"{hundredths:.1f}%"


def count(value: int) -> str:
    """A whole number with separators: `25,450`."""
    return f"{value:,}"


def plural(value: float, one: str, several: str = "") -> str:
    """A number with its noun: `1 run`, `2.5 epochs`, `1,200 entries`.

    Args:
        one: the noun for one.
        several: for all other numbers; by default with an s.
    """
    return f"{setting(value)} {one if value == 1 else several or one + 's'}"


def listed(words: Iterable[object], last: str = "and") -> str:
    """A list in a sentence: `a`, `a and b`, `a, b and c`; `last` may be "or"."""
    *first, final = [str(word) for word in words] or [""]
    return f"{', '.join(first)} {last} {final}" if first else final


def duration(seconds: float | None) -> str:
    """A time: `0.4 s`, `12 s`, `3 min`, `1 h 20 min`."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    if round(seconds) < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def is_number(text: str) -> bool:
    """Whether a text is a number as Python writes it, `nan` and `inf` among them."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def can_be_shown(text: str) -> bool:
    """Whether a text has no control characters, marks that turn the direction of writing among
    them.
    """
    return all(sign.isprintable() or sign in JOINERS for sign in text)


def escaped(text: str) -> str:
    """A user's text, such that Markdown shows it letter by letter."""
    return "".join(f"\\{sign}" if sign in MARKS else sign for sign in text)


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}e{int(exponent)}"
