"""A run's numbers in one dictionary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lrdash.analysis.frames import METRICS
from lrdash.analysis.words import time_left
from lrdash.core.events import finite
from lrdash.core.spec import RunSpec


def summary(epochs: pd.DataFrame, spec: RunSpec) -> dict[str, Any]:
    """Best and final values of one run.

    Args:
        epochs: the run's `epochs_frame`.
        spec: what was trained.

    Returns:
        epochs_done, epochs, seconds (of training), seconds_left (at the pace so far, None before
        the first epoch), best_epoch (lowest finite val_loss, the first of equals; from 1),
        best_<metric> and final_<metric> for each metric of the run (accuracies are shares, 0 to 1),
        learning_rate (of the last update), last_change (epoch, rate_before and rate_after of the
        last change between epochs, or None). What does not exist yet is None.
    """
    rows = epochs.sort_values("epoch")
    done = len(rows)
    seconds = float(rows["seconds"].iloc[-1]) if done else 0.0
    numbers: dict[str, Any] = {
        "epochs_done": done,
        "epochs": spec.epochs,
        "seconds": seconds,
        "seconds_left": time_left(done, spec.epochs, seconds),
        "best_epoch": best_epoch(rows, "val_loss"),
    }
    for metric in METRICS:
        if metric in rows:
            place = best_epoch(rows, metric)
            column = rows.set_index("epoch")[metric]
            numbers[f"best_{metric}"] = None if place is None else float(column.loc[place])
            numbers[f"final_{metric}"] = finite(column.iloc[-1]) if done else None
    numbers["learning_rate"] = finite(rows["learning_rate"].iloc[-1]) if done else None
    numbers["last_change"] = _last_change(rows)
    return numbers


def best_epoch(epochs: pd.DataFrame, metric: str) -> int | None:
    """The epoch of the best finite value: lowest loss, highest accuracy, the first of equals."""
    if metric not in epochs:
        return None
    known = epochs[np.isfinite(epochs[metric])]
    if known.empty:
        return None
    values = known[metric]
    place = values.argmax() if metric.endswith("accuracy") else values.argmin()
    return int(known["epoch"].iloc[place])


def _last_change(rows: pd.DataFrame) -> dict[str, float] | None:
    rows = rows[rows["learning_rate"].notna()]  # epochs without an update have no rate
    rates = rows["learning_rate"].to_numpy(dtype=np.float64)
    moved = np.flatnonzero(np.diff(rates))
    if not len(moved):
        return None
    place = int(moved[-1])
    return {
        "epoch": int(rows["epoch"].iloc[place]),
        "rate_before": float(rates[place]),
        "rate_after": float(rates[place + 1]),
    }
