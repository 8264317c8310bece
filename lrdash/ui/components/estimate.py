"""How long runs will take on this machine, from what it has trained so far."""

from __future__ import annotations

from collections.abc import Sequence

from lrdash import analysis
from lrdash.core import wording
from lrdash.planning.plan import Plan
from lrdash.store import RunRow, known_paces
from lrdash.ui import resources

HISTORY = 200  # earlier runs that an estimate looks at


def history() -> list[RunRow]:
    """The runs that an estimate looks at."""
    return resources.store().runs.listing(limit=HISTORY)


def about(seconds: float | None) -> str:
    """An estimate in words, `about 12 s`; empty where nothing is known."""
    return "" if seconds is None else f"about {wording.duration(max(1.0, seconds))}"


def time_of(plans: Sequence[Plan]) -> str:
    """The time of runs that train in groups, in words; empty where nothing is known yet."""
    return about(analysis.expected_group_seconds(list(plans), history(), known_paces()))
