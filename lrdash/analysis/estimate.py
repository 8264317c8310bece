"""How long a run will take, judged by runs of the same kind on the same machine."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from lrdash.spec import RunSpec
from lrdash.store.rows import RunRow

# What sets the pace.
SAME = ("dataset", "examples", "model", "model_params", "optimizer", "batch_size")


def expected_seconds(spec: RunSpec, runs: Sequence[RunRow]) -> float | None:
    """Seconds of training, from the pace of earlier runs; None where none is comparable.

    Args:
        spec: a complete spec.
        runs: earlier runs; those that did at least one epoch of the same work count.

    Returns:
        The median seconds an epoch of those runs times the epochs of this one.
    """
    paces = [
        run.seconds / run.epochs_done
        for run in runs
        if run.epochs_done and run.seconds
        and all(getattr(run.spec, name) == getattr(spec, name) for name in SAME)
    ]
    return median(paces) * spec.epochs if paces else None
