"""Numbers and words about runs: what a chart shows, said in figures and sentences."""

from lrdash.analysis.changes import RateChange, last_change, rate_changes
from lrdash.analysis.estimate import expected_seconds
from lrdash.analysis.summary import summary
from lrdash.analysis.words import (
    count,
    duration,
    number,
    percent,
    rate,
    settings_in_words,
    strategy_in_words,
    time_left,
)

__all__ = [
    "RateChange",
    "count",
    "duration",
    "expected_seconds",
    "last_change",
    "number",
    "percent",
    "rate",
    "rate_changes",
    "settings_in_words",
    "strategy_in_words",
    "summary",
    "time_left",
]
