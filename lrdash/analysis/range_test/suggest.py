"""What the rules suggest, and how well the seeds agree."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from lrdash.analysis.range_test.advice import advice, readable
from lrdash.analysis.range_test.curves import edge_rates
from lrdash.analysis.range_test.rules import RULES
from lrdash.core.wording import rate

# The default rule: it comes closest to the best rate of whole sweeps, also of those that it was not
# chosen on (docs/mechanisms.md); `lrdash bench finder` measures that.
PREFERRED = "descent"


def suggestions(frame: pd.DataFrame) -> pd.DataFrame:
    """One row a rule, of a `range_frame`, which may be empty or call for `advice` instead.

    Columns:
        rule (str, its id), label (str), suggestion (float64: the median over the seeds on a log
        scale, NaN where no seed has any, and in all rules where there is advice), low and high
        (float64: smallest and largest over the seeds), found (int64: seeds in which the rule found
        a rate), seeds (int64).
    """
    curves = [
        part.loc[part["used"], ["learning_rate", "smoothed"]].to_numpy(dtype=np.float64).T
        for part in readable(frame)
    ]
    rows = []
    for rule in RULES.values():
        picked = np.array([rule.pick(*curve) for curve in curves], dtype=np.float64)
        picked = picked[np.isfinite(picked)]
        rows.append({
            "rule": rule.id, "label": rule.label,
            "suggestion": np.exp(np.median(np.log(picked))) if len(picked) else math.nan,
            "low": picked.min() if len(picked) else math.nan,
            "high": picked.max() if len(picked) else math.nan,
            "found": len(picked), "seeds": frame["seed"].nunique(),
        })
    table = pd.DataFrame(rows)
    return table.astype({"rule": "str", "label": "str", "found": "int64", "seeds": "int64"})


def suggested(table: pd.DataFrame, rule: str = PREFERRED) -> float:
    """The rate that a rule suggests in a table of `suggestions`, to two digits; NaN if none."""
    value = float(table.set_index("rule")["suggestion"][rule])
    return float(f"{value:.2g}") if math.isfinite(value) else math.nan


def headline(frame: pd.DataFrame, table: pd.DataFrame) -> str:
    """The suggestion and the divergence edge of a `range_frame` in a sentence or two, or why there
    is none and what to test instead.
    """
    if better := advice(frame):
        return str(better)
    value = suggested(table)
    if not math.isfinite(value):
        return "The loss never falls, so there is no rate to suggest. Try a wider range of rates."
    (row,) = table[table["rule"] == PREFERRED].to_dict(orient="records")
    words = f"Suggested: {rate(value)} (rule {row['label'].lower()}"
    if row["found"] > 1:
        words += f"; {rate(row['low'])} to {rate(row['high'])} over {row['found']} seeds"
    return f"{words}). {_edge_in_words(frame)}"


def _edge_in_words(frame: pd.DataFrame) -> str:
    edges = edge_rates(frame)
    found = edges.dropna()
    if found.empty:
        return "No seed diverged up to the highest rate."
    counted = "" if len(found) == len(edges) else f" in {len(found)} of {len(edges)} seeds"
    span = rate(found.min())
    if found.max() > found.min():
        span += f" to {rate(found.max())}"
    return f"The loss diverges at {span}{counted}."
