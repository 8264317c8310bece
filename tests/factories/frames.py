"""Frames of comparisons as the analysis gives them, and what is judged from them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.analysis.compare.bands import COLUMNS
from lrdash.core.spec import RunSpec
from lrdash.store import RunRow
from tests.factories.runs import run_row

NAN, INF = float("nan"), float("inf")


Trained = tuple[str, float, int, str, Sequence[float]]  # strategy, rate, seed, status, val_loss


def comparison(runs: Sequence[Trained], epochs: int = 4) -> tuple[list[RunRow], dict[str, Any]]:
    """Rows and columns as the store gives them, of runs with these validation losses."""
    rows: list[RunRow] = []
    columns: dict[str, list[Any]] = {
        name: [] for name in ("run", "run_id", "epoch", *frames.METRICS, "learning_rate", "seconds")
    }
    for place, (strategy, base_lr, seed, status, losses) in enumerate(runs):
        run_id = f"run{place}"
        spec = RunSpec(strategy=strategy, base_lr=base_lr, seed=seed, epochs=epochs)
        rows.append(
            run_row(
                run_id=run_id, spec=spec, status=status, label=strategy.capitalize(),
                epochs_done=len(losses), seconds=0.5 * len(losses),
            )
        )
        for epoch, loss in enumerate(losses, start=1):
            values = (
                place, run_id, epoch, 0.9 * loss, 1 - loss / 10, loss, 1 - loss / 8,
                base_lr / epoch, 0.5 * epoch,
            )
            for name, value in zip(columns, values, strict=True):
                columns[name].append(value)
    return rows, {name: np.array(values) for name, values in columns.items()}


def framed(runs: Sequence[Trained], epochs: int = 4) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The arms and the curves of runs."""
    rows, columns = comparison(runs, epochs)
    curves = frames.curves_frame(columns, rows)
    return frames.arms_frame(rows, curves), curves


def grid(losses: dict[float, Sequence[float]], strategy: str = "cosine") -> list[Trained]:
    """Finished runs of one epoch: final losses by rate, one a seed."""
    return [
        (strategy, rate, seed, "finished", [loss])
        for rate, finals in losses.items()
        for seed, loss in enumerate(finals)
    ]


def runs(strategy: str, losses: Sequence[float], rate: float = 0.1) -> list[Trained]:
    """Finished runs of two epochs, one a seed; an infinite loss is a run that diverged."""
    return [
        (strategy, rate, seed, "finished" if math.isfinite(loss) else "diverged", [1.0, loss])
        for seed, loss in enumerate(losses)
    ]


def judged(*arms: list[Trained], **more: object) -> analysis.Verdicts:
    frames = framed([run for arm in arms for run in arm], 2)
    return analysis.judge(*frames, **more)  # type: ignore[arg-type]


def noisy(mean: float, seed: int, count: int = 8) -> list[float]:
    return list(mean + np.random.default_rng(seed).normal(0, 0.01, count))


def lines(rows: list[tuple[str, str, float, float, float, float]]) -> pd.DataFrame:
    """A band: label, strategy, epoch, mean, low, high; of 3 runs each."""
    return pd.DataFrame([(*row, 3) for row in rows], columns=list(COLUMNS)).astype(COLUMNS)
