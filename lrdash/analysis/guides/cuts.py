"""Where runs cut their rate, and how the validation loss moved there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lrdash.analysis.guides.guide import Evidence, Floats

AROUND = 3  # epochs before and after a cut whose losses are compared
LEAST = 0.01  # share by which a rate falls at a cut; a smaller fall is a curve


class Cut(NamedTuple):
    """One cut of the rate in one run."""

    run_id: str
    seed: int
    epoch: int  # epochs done before the lower rate
    rate_before: float
    rate_after: float
    loss_before: float  # mean validation loss of the last epochs with the higher rate
    loss_after: float  # mean of the first with the lower one; NaN too near to an end

    @property
    def judged(self) -> bool:
        """Whether there are enough epochs on both sides to judge its effect."""
        return bool(np.isfinite(self.loss_before) and np.isfinite(self.loss_after))

    @property
    def fell(self) -> bool:
        """Whether the loss is lower after it."""
        return self.loss_after < self.loss_before


def cuts_of(found: Evidence, label: str) -> dict[int, list[Cut]]:
    """The cuts of each run of an arm by seed; an empty list for a run without one."""
    own = found.arm(label)
    pairs = zip(own["run_id"], own["seed"], strict=True)
    return {int(seed): _cuts(found, str(run_id), int(seed)) for run_id, seed in pairs}


def _cuts(found: Evidence, run_id: str, seed: int) -> list[Cut]:
    curve = found.curves[found.curves["run_id"] == run_id]
    rates = curve["learning_rate"].to_numpy(dtype=np.float64)
    losses = curve["val_loss"].to_numpy(dtype=np.float64)
    places = np.flatnonzero(rates[1:] < (1 - LEAST) * rates[:-1]) + 1
    ends = [0, *places, len(losses)]
    return [
        Cut(
            run_id, seed, int(place), float(rates[place - 1]), float(rates[place]),
            _mean(losses[max(start, place - AROUND) : place]),
            _mean(losses[place : min(end, place + AROUND)]),
        )
        for start, place, end in zip(ends, places, ends[2:], strict=False)
    ]


def _mean(losses: Floats) -> float:
    return float(losses.mean()) if len(losses) >= 2 else float("nan")
