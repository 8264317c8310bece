"""The cost by which each run of a comparison is judged: lower is better throughout."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.analysis.compare.bowl import judged
from lrdash.analysis.verdicts.metrics import Metric
from lrdash.analysis.verdicts.survival import epochs_to
from lrdash.core.errors import InvalidField

Floats = NDArray[np.float64]
SETTLED = ("finished", "diverged", "failed")


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The costs of one arm's runs."""

    rates: Floats  # [rates], growing
    value: Floats  # [rates, seeds]; infinite if diverged or failed, NaN if not known (yet)
    least: Floats  # [rates, seeds]; what the cost is at least, NaN where there is no run


def scores(
    arms: pd.DataFrame, curves: pd.DataFrame | None, metric: Metric, target: float | None = None
) -> tuple[dict[str, Scores], NDArray[np.int64]]:
    """The costs of all arms by label, in the order of the arms, and the seeds of their columns.

    Args:
        arms: an `arms_frame`.
        curves: the `curves_frame` of the same runs; areas and times need it.
        metric: what is judged.
        target: validation loss to reach, for the epochs to it.

    Raises:
        InvalidField: if something that the metric needs was not given.
    """
    value, least = _costs(arms, _needed(curves, metric), metric, target)
    seeds = np.unique(arms["seed"].to_numpy(dtype=np.int64))
    column = np.searchsorted(seeds, arms["seed"].to_numpy(dtype=np.int64))
    found: dict[str, Scores] = {}
    for label, places in arms.reset_index(drop=True).groupby("label", sort=False).indices.items():
        rates, row = np.unique(
            arms["base_lr"].to_numpy(dtype=np.float64)[places], return_inverse=True
        )
        grids = np.full((2, len(rates), len(seeds)), np.nan)
        grids[0, row, column[places]] = value[places]
        grids[1, row, column[places]] = least[places]
        found[str(label)] = Scores(rates=rates, value=grids[0], least=grids[1])
    return found, seeds


def none_reached(arms: Mapping[str, Scores]) -> bool:
    """Whether there are runs, and none of them has a finite cost."""
    return any(np.isinf(arm.value).any() for arm in arms.values()) and not any(
        np.isfinite(arm.value).any() for arm in arms.values()
    )


def _needed(curves: pd.DataFrame | None, metric: Metric) -> pd.DataFrame:
    if metric.kind == "run":
        return pd.DataFrame()
    if curves is None:
        raise InvalidField("curves", f"must be given to judge by the {metric.title}", curves)
    return curves


def _costs(
    arms: pd.DataFrame, curves: pd.DataFrame, metric: Metric, target: float | None
) -> tuple[Floats, Floats]:
    """Cost of each run, and what it is at least."""
    broken = np.isinf(judged(arms))
    if metric.kind == "time":
        if target is None:
            raise InvalidField("target", "must be given to judge by epochs_to_target", target)
        first, seen = epochs_to(target, arms, curves, broken)
        return first, np.where(np.isnan(first) & (seen > 0), seen + 1.0, first)
    values = _values(arms, curves, metric)
    begun = arms["epochs_done"].to_numpy(dtype=np.int64) > 0
    if (begun & ~broken).any() and np.isnan(values[begun & ~broken]).all():
        raise InvalidField("metric", "must be one that these runs have", metric.column)
    cost = np.where(begun, metric.sign * values, np.nan)
    cost = np.where(broken | (begun & ~np.isfinite(values)), np.inf, cost)
    return cost, cost.copy()


def _values(arms: pd.DataFrame, curves: pd.DataFrame, metric: Metric) -> Floats:
    """What each run reached, in the metric's own unit."""
    if metric.kind == "area":
        return _areas(arms, curves, metric.column)
    if metric.kind == "best":
        finite = (metric.sign * curves[metric.column]).replace([np.inf, -np.inf], np.nan)
        lowest = finite.groupby(curves["run_id"], sort=False).min()
        return metric.sign * lowest.reindex(arms["run_id"]).to_numpy(dtype=np.float64)
    return arms[metric.column].to_numpy(dtype=np.float64)


def _areas(arms: pd.DataFrame, curves: pd.DataFrame, column: str) -> Floats:
    """Mean of a metric over all epochs; a run that ended early as planned keeps its last value."""
    runs = curves.groupby("run_id", sort=False)[column]
    ids = arms["run_id"]
    total = runs.sum(min_count=1).reindex(ids).to_numpy(dtype=np.float64)
    whole = (runs.count() == runs.size()).reindex(ids, fill_value=False).to_numpy(dtype=bool)
    last = curves.groupby("run_id", sort=False).tail(1).set_index("run_id")[column]
    done = arms["epochs_done"].to_numpy(dtype=np.float64)
    length = np.where(arms["status"] == "finished", done.max(initial=0.0), done)
    kept = np.where(length > done, last.reindex(ids).to_numpy(dtype=np.float64), 0.0)
    area = (total + (length - done) * kept) / np.maximum(length, 1.0)
    return np.where(whole, area, np.nan)
