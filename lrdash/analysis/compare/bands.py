"""Curves of an arm over the epochs: their mean over the seeds and its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.analysis.compare.bowl import best_peaks
from lrdash.analysis.compare.intervals import half_width
from lrdash.analysis.frames import joined
from lrdash.core.errors import InvalidField
from lrdash.planning.plan import Plan

PLANNED_POINTS = 1000  # of one arm's planned rates
COLUMNS = {
    "label": "str", "strategy": "str", "epoch": "float64", "mean": "float64", "low": "float64",
    "high": "float64", "runs": "int64",
}


def band(
    curves: pd.DataFrame,
    arms: pd.DataFrame,
    at: float | Mapping[str, float] | Literal["best"] = "best",
    metric: str = "val_loss",
) -> pd.DataFrame:
    """Mean over the seeds with its Student-t interval at 95%, for each arm and epoch.

    A run that ended early as planned (early stopping) keeps its last value. From the epoch on in
    which a run diverged or failed, the mean of its arm is NaN: the mean of the others would look
    too good. Epochs that a run has not reached yet do not count.

    Args:
        curves: a `curves_frame`.
        arms: the `arms_frame` of the same runs.
        at: the peak rate of all arms, that of each by label, or "best": each arm at its own best
            one.
        metric: column of the curves.

    Columns:
        label, strategy (str), epoch (float64, epochs done), mean, low, high (float64; all the same
        with one run), runs (int64, behind the mean).

    Raises:
        InvalidField: if no arm was tried at the rate asked for.
    """
    chosen = _chosen(arms, at)
    runs = pd.Index(chosen["run_id"]).get_indexer(pd.Index(curves["run_id"]))
    arm, names = pd.factorize(chosen["label"])
    owner = np.where(runs < 0, -1, np.append(arm, -1)[runs])  # arm of each epoch
    parts = []
    for number, label in enumerate(names):
        own = np.flatnonzero(arm == number)
        rows = np.flatnonzero(owner == number)
        if len(rows):
            place = np.searchsorted(own, runs[rows])
            status = chosen["status"].to_numpy()[own]
            part = _mean(place, curves[["epoch", metric]].iloc[rows], status)
            parts.append(part.assign(label=label, strategy=chosen["strategy"].iloc[own[0]]))
    return joined(parts, COLUMNS)


def planned_rates(plans: Mapping[str, Plan]) -> pd.DataFrame:
    """The rates that arms will use, by label; for `compare_rates_figure`.

    For a feedback rule these are the rates while its metric improves. Long runs are sampled evenly,
    first and last update included.

    Columns:
        those of `band`; epoch is the end of the update that uses the rate, (t + 1) / S.
    """
    parts = []
    for label, plan in plans.items():
        rates = plan.rates()
        points = min(len(rates), PLANNED_POINTS)
        kept = np.linspace(0, len(rates) - 1, points).round().astype(np.int64)
        values = {"mean": rates[kept], "low": rates[kept], "high": rates[kept], "runs": 1}
        part = pd.DataFrame({"epoch": (kept + 1) / plan.steps_per_epoch, **values})
        parts.append(part.assign(label=label, strategy=plan.spec.strategy))
    return joined(parts, COLUMNS)


def _chosen(
    arms: pd.DataFrame, at: float | Mapping[str, float] | Literal["best"]
) -> pd.DataFrame:
    if at == "best":
        peaks = best_peaks(arms)
        at = dict(zip(peaks["label"], peaks["base_lr"], strict=True))
    if isinstance(at, Mapping):
        return arms[arms["base_lr"] == arms["label"].map(at)]
    same = np.isclose(arms["base_lr"].to_numpy(dtype=np.float64), at, rtol=1e-9, atol=0.0)
    if len(arms) and not same.any():
        tried = ", ".join(f"{rate:g}" for rate in sorted(arms["base_lr"].unique()))
        raise InvalidField("at", f"must be best or one of the rates tried ({tried})", at)
    chosen: pd.DataFrame = arms.loc[same]
    return chosen


def _mean(
    place: NDArray[np.intp], curves: pd.DataFrame, status: NDArray[Any]
) -> pd.DataFrame:
    """Mean and interval of one arm's runs, also of those that failed before their first epoch.

    Args:
        place: the run of each row, counted from 0.
        curves: columns epoch and the metric.
        status: of each run.
    """
    epoch = curves["epoch"].to_numpy(dtype=np.int64)
    values = np.full((int(epoch.max()), len(status)), np.nan)
    values[epoch - 1, place] = curves.iloc[:, 1].to_numpy(dtype=np.float64)
    values[~np.isfinite(values)] = np.nan
    done = np.zeros(len(status), dtype=np.int64)
    np.maximum.at(done, place, epoch)
    later = np.arange(1, len(values) + 1)[:, None] > done
    last = values[done - 1, np.arange(len(done))]
    values = np.where(later & (status == "finished"), last, values)
    counted = ~later | np.isin(status, ["finished", "diverged", "failed"])
    mean, half, number = _moments(values, counted)
    ends = {"mean": mean, "low": mean - half, "high": mean + half, "runs": number}
    return pd.DataFrame({"epoch": np.arange(1, len(values) + 1), **ends})[number > 0]


def _moments(
    values: NDArray[np.float64], counted: NDArray[np.bool_]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Mean, half of its interval (0 for one value) and number of the counted values of each row."""
    runs = counted.sum(axis=1)
    some = np.maximum(runs, 1)
    mean = np.where(counted, values, 0.0).sum(axis=1) / some
    square = np.where(counted, (values - mean[:, None]) ** 2, 0.0).sum(axis=1)
    std = np.sqrt(square / np.maximum(some - 1, 1))
    half = np.where(runs > 1, half_width(std, runs), 0.0)
    return mean, half, runs
