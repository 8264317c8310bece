"""Small pieces of the sentences and marks that strategies show."""

from __future__ import annotations

from collections.abc import Sequence

from lrdash.core.wording import plural, setting
from lrdash.strategies.horizon import Mark

MOST_MARKS = 50  # more would hide the curve


def epochs(count: float) -> str:
    """A duration in words.

    >>> epochs(1), epochs(2.5)
    ('1 epoch', '2.5 epochs')
    """
    return plural(count, "epoch")


def every(count: float) -> str:
    """A pace in words.

    >>> every(1), every(10)
    ('every epoch', 'every 10 epochs')
    """
    return "every epoch" if count == 1 else f"every {epochs(count)}"


def level(share: float) -> str:
    """A rate in words, as a share of the peak rate.

    >>> level(0), level(0.05), level(1)
    ('zero', '5% of the peak', 'the peak')
    """
    return {0.0: "zero", 1.0: "the peak"}.get(share, f"{percent(share)} of the peak")


def percent(share: float) -> str:
    """A share, 0 to 1, as a percentage.

    >>> percent(0.125)
    '12.5%'
    """
    return f"{setting(100 * share)}%"


def drops(updates: Sequence[int], rates: Sequence[float]) -> tuple[Mark, ...]:
    """Marks for a staircase, thinned out evenly where there are too many.

    Args:
        updates: the first update after each drop.
        rates: the rate before the first drop, then the rate after each.
    """
    stride = -(-len(updates) // MOST_MARKS) or 1
    return tuple(
        Mark(
            update=update,
            text=f"drop {index + 1}: {setting(rates[index])} to {setting(rates[index + 1])}",
        )
        for index, update in enumerate(updates)
        if index % stride == 0
    )
