"""What each run of a comparison is judged by, as costs: lower is better throughout."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.analysis.verdicts.survival import waits
from lrdash.errors import InvalidField, UnknownName

Floats = NDArray[np.float64]
SETTLED = ("finished", "diverged", "failed")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A way to judge a run."""

    title: str  # as it stands in sentences
    column: str  # of arms or curves
    kind: str  # "run": a column of the arms; "area": mean over the epochs; "time": epochs
    sign: float = 1.0  # -1 where higher is better


METRICS = {
    "final_val_loss": Metric(title="final validation loss", column="final_val_loss", kind="run"),
    "best_val_loss": Metric(title="best validation loss", column="best_val_loss", kind="run"),
    "area_val_loss": Metric(title="mean loss over all epochs", column="val_loss", kind="area"),
    "final_val_accuracy": Metric(
        title="final validation accuracy", column="final_val_accuracy", kind="run", sign=-1.0
    ),
    "best_val_accuracy": Metric(
        title="best validation accuracy", column="best_val_accuracy", kind="run", sign=-1.0
    ),
    "area_val_accuracy": Metric(
        title="mean accuracy over all epochs", column="val_accuracy", kind="area", sign=-1.0
    ),
    "epochs_to_target": Metric(title="epochs to the target", column="val_loss", kind="time"),
}


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The costs of one arm's runs."""

    rates: Floats  # [rates], growing
    value: Floats  # [rates, seeds]; infinite for a lost run, NaN where it is not known (yet)
    least: Floats  # [rates, seeds]; what the cost is at least, NaN where there is no run


def metric_named(name: str) -> Metric:
    """The metric of this name.

    Raises:
        UnknownName: if there is none.
    """
    if name not in METRICS:
        raise UnknownName("metric", name, METRICS)
    return METRICS[name]


def scores(
    arms: pd.DataFrame, curves: pd.DataFrame | None, name: str, target: float | None = None
) -> tuple[dict[str, Scores], NDArray[np.int64]]:
    """The costs of all arms by label, in the order of the arms, and the seeds of their columns.

    Args:
        arms: an `arms_frame`.
        curves: the `curves_frame` of the same runs; areas and times need it.
        name: of the metric.
        target: validation loss to reach, for the epochs to it.

    Raises:
        UnknownName: for another metric.
        InvalidField: if something that the metric needs was not given.
    """
    metric = metric_named(name)
    value, least = _costs(arms, _needed(curves, metric, name), metric, target)
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


def lost(arms: pd.DataFrame) -> NDArray[np.bool_]:
    """Runs that diverged or failed, or whose last validation loss is not finite. [runs]"""
    begun = arms["epochs_done"].to_numpy(dtype=np.int64) > 0
    finite = np.isfinite(arms["final_val_loss"].to_numpy(dtype=np.float64))
    ended = arms["status"].isin(["diverged", "failed"]).to_numpy(dtype=bool)
    return np.asarray(ended | (begun & ~finite))


def _needed(curves: pd.DataFrame | None, metric: Metric, name: str) -> pd.DataFrame:
    if metric.kind == "run":
        return pd.DataFrame()
    if curves is None:
        raise InvalidField("curves", f"must be given to judge by {name}", curves)
    return curves


def _costs(
    arms: pd.DataFrame, curves: pd.DataFrame, metric: Metric, target: float | None
) -> tuple[Floats, Floats]:
    """Cost of each run, and what it is at least."""
    gone = lost(arms)
    if metric.kind == "time":
        if target is None:
            raise InvalidField("target", "must be given to judge by epochs_to_target", target)
        first, seen = waits(arms, curves, target, gone)
        return first, np.where(np.isnan(first) & (seen > 0), seen + 1.0, first)
    values = _areas(arms, curves, metric.column) if metric.kind == "area" else (
        arms[metric.column].to_numpy(dtype=np.float64)
    )
    begun = arms["epochs_done"].to_numpy(dtype=np.int64) > 0
    if (begun & ~gone).any() and np.isnan(values[begun & ~gone]).all():
        raise InvalidField("metric", "must be one that these runs have", metric.column)
    cost = np.where(begun, metric.sign * values, np.nan)
    cost = np.where(gone | (begun & ~np.isfinite(values)), np.inf, cost)
    return cost, cost.copy()


def _areas(arms: pd.DataFrame, curves: pd.DataFrame, column: str) -> Floats:
    """Mean of a metric over all epochs; a run that ended early as planned keeps its last value."""
    runs = curves.groupby("run_id", sort=False)[column]
    ids = arms["run_id"]
    total = runs.sum(min_count=1).reindex(ids).to_numpy(dtype=np.float64)
    whole = (runs.count() == runs.size()).reindex(ids, fill_value=False).to_numpy(dtype=bool)
    last = curves.groupby("run_id", sort=False).tail(1).set_index("run_id")[column]
    done = arms["epochs_done"].to_numpy(dtype=np.float64)
    length = np.where(arms["status"] == "finished", done.max(initial=0.0), done)
    held = (length - done) * last.reindex(ids).to_numpy(dtype=np.float64)
    area = (total + held) / np.maximum(length, 1.0)
    return np.where(whole, area, np.nan)
