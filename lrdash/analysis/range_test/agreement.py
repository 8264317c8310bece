"""How close the suggestions come to the best rate of a real sweep over peak rates."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.analysis.compare.bowl import TOLERANCE
from lrdash.core.wording import listed, rate


def agreement(table: pd.DataFrame, bowl: pd.DataFrame) -> pd.DataFrame:
    """One row a rule: its suggestion beside the best rate of a sweep.

    Args:
        table: from `suggestions`.
        bowl: from `analysis.bowl`, of one arm; may be without any result yet.

    Columns:
        rule, label (str), suggestion (float64), best_base_lr (float64: of the lowest mean final
        validation loss), factor (float64, at least 1: by which the suggestion misses it), times
        (float64: the loss at the suggestion over the lowest; between two rates of the sweep a
        straight line over the logarithm of the rate; infinite next to a rate at which runs
        diverged, NaN outside the rates tried), inside (bool: that loss is within `TOLERANCE` of the
        lowest).
        NaN and False where the sweep has no finite loss or the rule no suggestion.
    """
    known = bowl[bowl["mean"].notna()].sort_values("base_lr")
    rates, losses = (known[name].to_numpy(dtype=np.float64) for name in ("base_lr", "mean"))
    best = int(np.argmin(losses)) if np.isfinite(losses).any() else None
    found = table[["rule", "label", "suggestion"]].copy()
    wanted = found["suggestion"].to_numpy(dtype=np.float64)
    if best is None:
        nothing = np.full(len(found), math.nan)
        return found.assign(best_base_lr=nothing, factor=nothing, times=nothing, inside=False)
    at = np.array([_at(rates, losses, value) for value in wanted])
    with np.errstate(invalid="ignore", divide="ignore"):
        times = at / losses[best]
        factor = np.exp(np.abs(np.log(wanted / rates[best])))
        return found.assign(
            best_base_lr=np.full(len(found), rates[best]), factor=factor, times=times,
            inside=at <= (1 + TOLERANCE) * losses[best],
        )


def agreement_in_words(table: pd.DataFrame) -> str:
    """Which rules of an `agreement` lie in the bowl, and how far off the closest of them is."""
    known = table[table["factor"].notna()]
    if known.empty:
        return "No rate of the sweep has a result yet."
    rows = known.to_dict(orient="records")
    best = min(rows, key=lambda row: float(row["factor"]))
    inside = [str(row["label"]).lower() for row in rows if row["inside"]]
    share = f"{100 * TOLERANCE:.0f}% of its loss"
    return (
        f"Best rate of the sweep: {rate(best['best_base_lr'])}. "
        f"{f'Within {share}: {listed(inside)}' if inside else f'No suggestion is within {share}'}. "
        f"Closest: {best['label'].lower()}, off by a factor of {best['factor']:.2g}."
    )


def _at(rates: NDArray[np.float64], losses: NDArray[np.float64], wanted: float) -> float:
    """The loss at a rate between those tried; infinite if a neighbour's is, NaN outside."""
    if not (len(rates) and rates[0] <= wanted <= rates[-1]):
        return math.nan
    right = int(np.searchsorted(rates, wanted))
    if rates[right] == wanted:
        return float(losses[right])
    left = right - 1
    if not np.isfinite(losses[[left, right]]).all():
        return math.inf
    share = math.log(wanted / rates[left]) / math.log(rates[right] / rates[left])
    return float(losses[left] + share * (losses[right] - losses[left]))
