"""What a guided experiment is: the real thing to start, what to watch, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.core.wording import rate
from lrdash.planning.experiment import Experiment

Outcome = Literal["as expected", "otherwise", "open"]
Floats = NDArray[np.float64]
DONE = ("finished", "diverged")
# What else a run can be, in the order of telling, and how it is told.
ELSE = {
    "failed": "failed (the Runs page says why)", "stopped": "stopped", "interrupted": "interrupted",
    "running": "training", "queued": "waiting",
}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """All that an explanation may rest on: what the runs did."""

    arms: pd.DataFrame  # an `arms_frame`
    curves: pd.DataFrame  # the `curves_frame` of the same runs
    decisions: pd.DataFrame  # `decisions_frame` columns and run_id, of runs whose rule decides

    def arm(self, label: str) -> pd.DataFrame:
        """The runs of an arm, by peak rate and seed."""
        own = self.arms[self.arms["label"] == label]
        return own.sort_values(["base_lr", "seed"])

    def curve(self, run_id: str) -> pd.DataFrame:
        """The epochs of a run."""
        return self.curves[self.curves["run_id"] == run_id]

    def peaks(self) -> list[float]:
        """The peak rates that were tried, growing."""
        return sorted(float(rate) for rate in self.arms["base_lr"].unique())

    def finals(self, label: str, base_lr: float) -> Floats:
        """Last validation losses of an arm at a peak rate, by seed [seeds]; infinite where the run
        diverged.
        """
        own = self.arm(label)
        own = own[own["base_lr"] == base_lr]
        values = own["final_val_loss"].to_numpy(dtype=np.float64)
        return np.where((own["status"] == "diverged") | ~np.isfinite(values), np.inf, values)


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What the results of a guided experiment show, worked out from nothing but them."""

    outcome: Outcome  # open: there is not enough to tell
    headline: str  # Markdown, one or two sentences
    findings: tuple[str, ...]  # Markdown, one to three sentences each


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A guided experiment."""

    id: str
    title: str  # a question
    idea: str  # Markdown: what it is about, two or three sentences
    expected: str  # what theory or lesson lets one expect
    watch: tuple[str, ...]  # what to look at while it trains, and afterwards
    source: str  # paper or lesson
    experiment: Experiment
    so_far: Callable[[Evidence], str]  # one sentence while it trains; empty: nothing to tell yet
    judge: Callable[[Evidence], Explained]  # of runs that have all come to their own end

    def explain(self, found: Evidence) -> Explained:
        """What the results show; where runs are missing, how many and what is known so far."""
        if not self._whole(found.arms):
            headline = "Some of its runs have been deleted, so nothing can be told. Start it again."
            return Explained(outcome="open", headline=headline, findings=())
        if found.arms["status"].isin(DONE).all():
            return self.judge(found)
        told = self.so_far(found)
        return Explained(
            outcome="open", headline=_missing(found.arms), findings=(told,) if told else ()
        )

    def _whole(self, arms: pd.DataFrame) -> bool:
        """Whether there are runs of each arm at each peak rate that was tried."""
        there = set(zip(arms["label"], arms["base_lr"], strict=True))
        peaks = arms["base_lr"].unique()
        return len(arms) > 0 and all(
            (label, peak) in there for label in self.experiment.labels() for peak in peaks
        )


def by_peak(frame: pd.DataFrame) -> pd.DataFrame:
    """An arms or curves frame in which each arm at each peak rate has a label of its own; with one
    peak rate they keep those they have.
    """
    if frame["base_lr"].nunique() < 2:
        return frame
    peaks = [f"{label}, {rate(peak)}" for label, peak in zip(
        frame["label"], frame["base_lr"], strict=True
    )]
    return frame.assign(label=pd.Series(peaks, index=frame.index, dtype="str"))


def plural(number: int, one: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{number} {one}{'s' * (number != 1)}"


def listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _missing(arms: pd.DataFrame) -> str:
    over = int(arms["status"].isin(DONE).sum())
    rest = [
        f"{number} {told}" for status, told in ELSE.items()
        if (number := int((arms["status"] == status).sum()))
    ]
    others = f": {listed(rest)}" if rest else ""
    return (
        f"{over} of {plural(len(arms), 'run')} came to their own end{others}. An honest answer "
        "needs them all, so there is none yet."
    )
