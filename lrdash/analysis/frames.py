"""Rows in, tidy pandas frames out. Pure: the input stays as it is, and no rows give an empty frame
with the same columns and dtypes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrdash.analysis.words import arm_in_words, known_settings, settings_in_words
from lrdash.core.events import RateDecided, finite, metric_name
from lrdash.store.rows import EpochRow, RunRow

ALWAYS = ("loss", "val_loss")  # metrics that every run has
METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")  # in the order of the columns
NAMED = {
    "run_id": "str", "label": "str", "strategy": "str", "base_lr": "float64", "seed": "int64",
}
DECISIONS = {
    "epoch": "int64", "monitored": "float64", "best": "float64", "wait": "Int64",
    "cooldown": "Int64", "rate_before": "float64", "rate_after": "float64", "decision": "str",
}


def epochs_frame(rows: Sequence[EpochRow], more: Sequence[str] = ()) -> pd.DataFrame:
    """One row an epoch.

    Args:
        rows: the epochs.
        more: names of further metrics to show; one named like a column gets a suffix.

    Columns:
        run_id (str), epoch (int64, epochs done, from 1), loss, accuracy, val_loss, val_accuracy
        (float64; the accuracies, shares from 0 to 1, only where a row has them; NaN where the value
        was not finite), the further metrics (float64), learning_rate (float64, used by the last
        update of the epoch), seconds (float64, since training began).
    """
    present = {name for row in rows for name in row.metrics} | set(ALWAYS)
    metrics = [name for name in METRICS if name in present]
    columns: dict[str, Any] = {
        "run_id": _text([row.run_id for row in rows]),
        "epoch": np.array([row.epoch for row in rows], dtype=np.int64),
    }
    for name in (*metrics, *more):
        columns[metric_name(name)] = _floats([row.metrics.get(name, np.nan) for row in rows])
    columns["learning_rate"] = _floats([row.learning_rate for row in rows])
    columns["seconds"] = _floats([row.seconds for row in rows])
    return pd.DataFrame(columns)


def rates_frame(rows: Sequence[EpochRow]) -> pd.DataFrame:
    """One row an update: the rate that it used.

    Columns:
        run_id (str), update (int64, from 0), epoch (float64, the update's place on an axis where
        x = e means "epoch e is done": update / steps_per_epoch, or, where epochs have different
        numbers of updates, its place in its own epoch), learning_rate (float64).
    """
    sizes = np.array([len(row.rates) for row in rows], dtype=np.int64)
    first = np.array([(row.epoch - 1) * len(row.rates) for row in rows], dtype=np.int64)
    inside = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    update = np.repeat(first, sizes) + inside
    place = update / np.repeat(sizes, sizes)
    for these in _uneven(rows, sizes):  # runs whose updates have to be counted through
        before = np.cumsum(sizes[these]) - sizes[these]
        mine = np.isin(np.repeat(np.arange(len(rows)), sizes), these)
        update[mine] = np.repeat(before + first[these[0]], sizes[these]) + inside[mine]
    parts = [np.asarray(row.rates, dtype=np.float64) for row in rows]
    return pd.DataFrame(
        {
            "run_id": _text([row.run_id for row in rows for _ in row.rates]),
            "update": update,
            "epoch": place,
            "learning_rate": np.concatenate(parts) if parts else _floats([]),
        }
    )


def _uneven(rows: Sequence[EpochRow], sizes: NDArray[np.int64]) -> list[list[int]]:
    """Places of the rows of each run whose epochs have different numbers of updates."""
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.run_id, []).append(place)
    return [these for these in places.values() if len(set(sizes[these].tolist())) > 1]


def decisions_frame(rows: Sequence[RateDecided]) -> pd.DataFrame:
    """One row a decision about the rate.

    Columns:
        epoch (int64, epochs done), monitored and best (float64, NaN where none applies), wait and
        cooldown (Int64, epochs, NA where none applies), rate_before and rate_after (float64),
        decision (str, in words).
    """
    found = [{**asdict(row), "decision": row.reason} for row in rows]
    return pd.DataFrame(found, columns=list(DECISIONS)).astype(DECISIONS)


def val_losses(epochs: Mapping[str, Sequence[EpochRow]]) -> dict[str, list[float]]:
    """The finite validation losses of runs by run_id, an epoch each, as `runs_frame` takes them."""
    losses = {
        run_id: [row.metrics.get("val_loss", np.nan) for row in rows]
        for run_id, rows in epochs.items()
    }
    return {run_id: [x for x in found if np.isfinite(x)] for run_id, found in losses.items()}


def runs_frame(
    rows: Sequence[RunRow], curves: Mapping[str, Sequence[float]] | None = None
) -> pd.DataFrame:
    """One row a run, in the order given.

    Args:
        rows: the runs.
        curves: validation loss an epoch by run_id; runs without one have an empty curve.

    Columns:
        run_id, name, settings (in words), dataset, model, strategy (str), base_lr (float64), seed
        (int64), status (str), reason (str), epochs_done, epochs (int64), progress (float64, share
        from 0 to 1), best_val_loss (float64, NaN if none is finite), final_val_loss (float64),
        seconds (float64, of training), created_at (datetime64, UTC), tags, curve (lists; not finite
        values of a curve are None).
    """
    curves = curves or {}
    losses = [np.asarray(curves.get(row.run_id, ()), dtype=np.float64) for row in rows]
    specs = [row.spec for row in rows]
    return pd.DataFrame(
        {
            "run_id": _text([row.run_id for row in rows]),
            "name": _text([row.name for row in rows]),
            "settings": _text([settings_in_words(spec) for spec in specs]),
            "dataset": _text([spec.dataset for spec in specs]),
            "model": _text([spec.model for spec in specs]),
            "strategy": _text([spec.strategy for spec in specs]),
            "base_lr": _floats([spec.base_lr for spec in specs]),
            "seed": np.array([spec.seed for spec in specs], dtype=np.int64),
            "status": _text([row.status for row in rows]),
            "reason": _text([row.reason for row in rows]),
            "epochs_done": np.array([row.epochs_done for row in rows], dtype=np.int64),
            "epochs": np.array([spec.epochs for spec in specs], dtype=np.int64),
            "progress": _floats([row.epochs_done / row.spec.epochs for row in rows]),
            "best_val_loss": _floats([_lowest(curve) for curve in losses]),
            "final_val_loss": _floats([c[-1] if len(c) else np.nan for c in losses]),
            "seconds": _floats([row.seconds for row in rows]),
            "created_at": pd.Series(
                [row.created_at for row in rows], dtype="datetime64[us, UTC]"
            ),
            "tags": pd.Series([list(row.tags) for row in rows], dtype=object),
            "curve": pd.Series([sparkline(curve) for curve in losses], dtype=object),
        }
    )


def curves_frame(
    columns: Mapping[str, Any], rows: Sequence[RunRow], labels: Sequence[str] | None = None
) -> pd.DataFrame:
    """One row for each epoch of each run, with what distinguishes the runs.

    Args:
        columns: what `Experiments.curves` gives: arrays of equal length, in the order of runs and
            epochs.
        rows: the runs; epochs of others are left out.
        labels: what to call each run, in the order of `rows`; by default as in `arms_frame`.

    Columns:
        run_id, label, strategy (str), base_lr (float64), seed (int64), epoch (int64, epochs done,
        from 1), update (int64, updates done), loss, accuracy, val_loss, val_accuracy (float64, NaN
        where a run lacks the metric or the value was not finite), learning_rate (float64, used by
        the last update of the epoch), seconds (float64, since training began), and further metrics
        as they were asked for (float64).
    """
    named = _named(rows, labels)
    places = pd.Index(named["run_id"]).get_indexer(pd.Index(columns["run_id"], dtype="str"))
    kept = places >= 0
    runs = places[kept]
    epoch = np.asarray(columns["epoch"], dtype=np.int64)[kept]
    steps = np.array([row.steps_per_epoch for row in rows], dtype=np.int64)
    values: dict[str, Any] = {"epoch": epoch, "update": epoch * steps[runs]}
    unknown = np.full(len(kept), np.nan)
    for name in dict.fromkeys((*METRICS, *columns, "learning_rate", "seconds")):
        if name not in ("run", *NAMED, *values):
            values[name] = np.asarray(columns.get(name, unknown), dtype=np.float64)[kept]
    found: pd.DataFrame = named.iloc[runs].reset_index(drop=True)
    return pd.concat([found, pd.DataFrame(values)], axis="columns")


def _named(rows: Sequence[RunRow], labels: Sequence[str] | None = None) -> pd.DataFrame:
    """What distinguishes runs, one row each; labels by default as in `arms_frame`."""
    labels = [arm_in_words(row) for row in rows] if labels is None else labels
    found = [
        (row.run_id, label, row.spec.strategy, row.spec.base_lr, row.spec.seed)
        for row, label in zip(rows, labels, strict=True)
    ]
    return pd.DataFrame(found, columns=list(NAMED)).astype(NAMED)


def own_metrics(rows: Sequence[RunRow]) -> tuple[str, ...]:
    """Metrics of runs on a caller's own model, beyond `METRICS`, as their curves are named."""
    named = (name for row in rows if row.spec.facts for name in row.spec.facts.metrics)
    return tuple(name for name in dict.fromkeys(named) if name not in METRICS)


def arms_frame(
    rows: Sequence[RunRow], curves: pd.DataFrame, more: Sequence[str] = ()
) -> pd.DataFrame:
    """One row a run of a comparison, in the order given.

    Args:
        rows: the runs.
        curves: their `curves_frame`.
        more: names of further metrics in the curves.

    Columns:
        run_id, label (of the arm; without one the strategy and its settings), strategy (str),
        base_lr (float64), seed (int64), status (str), final_val_loss, best_val_loss,
        final_val_accuracy, best_val_accuracy (float64; final: of the last epoch, NaN if it was not
        finite or none is done; best: of all epochs, NaN if none is finite), final_ and the name of
        each further metric (float64, likewise), epochs_done (int64, in the curves), seconds
        (float64, of training).
    """
    ids = [row.run_id for row in rows]
    by_run = curves.groupby("run_id", sort=False)
    last = by_run.tail(1).set_index("run_id").reindex(ids)
    finite = curves.replace([np.inf, -np.inf], np.nan).groupby("run_id", sort=False)
    lowest = finite["val_loss"].min().reindex(ids)
    highest = finite["val_accuracy"].max().reindex(ids)
    return _named(rows).assign(
        status=_text([row.status for row in rows]),
        final_val_loss=last["val_loss"].to_numpy(dtype=np.float64),
        best_val_loss=lowest.to_numpy(dtype=np.float64),
        final_val_accuracy=last["val_accuracy"].to_numpy(dtype=np.float64),
        best_val_accuracy=highest.to_numpy(dtype=np.float64),
        **{f"final_{name}": last[name].to_numpy(dtype=np.float64) for name in more},
        epochs_done=by_run.size().reindex(ids, fill_value=0).to_numpy(dtype=np.int64),
        seconds=_floats([row.seconds for row in rows]),
    )


def joined(parts: Sequence[pd.DataFrame], columns: Mapping[str, str]) -> pd.DataFrame:
    """Frames one below the other, with these columns and dtypes even where there are none."""
    whole = pd.concat(parts, ignore_index=True) if parts else None
    return pd.DataFrame(whole, columns=list(columns)).astype(dict(columns))


def run_as_json(row: RunRow, epochs: Sequence[EpochRow]) -> dict[str, Any]:
    """A run with its epochs as JSON types, None for what is not finite; what `--json` and the
    exports give.

    Returns:
        run_id, name, tags, status, reason, engine, created_at (UTC, ISO), seconds (of training),
        spec (of another program's run what is known of it), and epochs: a list of objects with
        epoch (from 1), learning_rate (of the last update, the shortest decimal that is the same in
        float32; None where it is not known), all metrics of that epoch (one with the name of a
        column gets the suffix "(logged)") and seconds (since training began).
    """
    return {
        "run_id": row.run_id,
        "name": row.name,
        "tags": list(row.tags),
        "status": row.status,
        "reason": row.reason,
        "engine": row.engine,
        "created_at": row.created_at.isoformat(),
        "seconds": row.seconds,
        "spec": known_settings(row.spec),
        "epochs": [_epoch_as_json(epoch) for epoch in epochs],
    }


def _epoch_as_json(row: EpochRow) -> dict[str, Any]:
    names = [*(name for name in METRICS if name in row.metrics),
             *(name for name in row.metrics if name not in METRICS)]
    metrics = {metric_name(name): finite(row.metrics[name]) for name in names}
    return {
        "epoch": row.epoch, "learning_rate": finite(_as_typed(row.learning_rate)), **metrics,
        "seconds": row.seconds,
    }


def decisions_as_json(rows: Sequence[RateDecided]) -> list[dict[str, Any]]:
    """Decisions as JSON types: objects with the fields of `RateDecided`, None for what does not
    apply or is not finite.
    """
    return [
        {
            name: finite(value) if isinstance(value, float) else value
            for name, value in asdict(row).items()
        }
        for row in rows
    ]


def sparkline(values: ArrayLike, limit: int = 60) -> list[float | None]:
    """At most `limit` evenly spaced values, first and last included, as plain numbers.

    What is not finite becomes None.
    """
    curve = np.asarray(values, dtype=np.float64)
    if len(curve) > limit:
        curve = curve[np.linspace(0, len(curve) - 1, limit).round().astype(int)]
    return [finite(value) for value in curve]


def _lowest(curve: np.ndarray[Any, Any]) -> float:
    finite = curve[np.isfinite(curve)]
    return float(finite.min()) if len(finite) else float("nan")


def _as_typed(rate: float) -> float:
    """The shortest decimal that is this rate in float32: 0.1, not 0.10000000149011612."""
    short = np.float32(rate)
    return float(str(short)) if float(short) == rate else rate


def _floats(values: Sequence[float]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array(values, dtype=np.float64)


def _text(values: Sequence[str]) -> pd.Series[str]:
    return pd.Series(values, dtype="str")
