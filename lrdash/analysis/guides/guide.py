"""What a guided experiment is: real runs to start, what to watch, and what their results show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrdash.core.wording import listed, plural, rate
from lrdash.planning.experiment import Experiment

Outcome = Literal["as expected", "otherwise", "open"]
Floats = NDArray[np.float64]
DONE = ("finished", "diverged")
# What else a run can be, and how to say it, in this order.
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

    def arm(self, label: str, base_lr: float | None = None) -> pd.DataFrame:
        """The runs of an arm, or those at one peak rate, by peak rate and seed."""
        own = self.arms[self.arms["label"] == label]
        if base_lr is not None:
            own = own[own["base_lr"] == base_lr]
        return own.sort_values(["base_lr", "seed"])

    def epochs(self, label: str, base_lr: float) -> pd.DataFrame:
        """The epochs of an arm's runs at a peak rate."""
        return self.curves[self.curves["run_id"].isin(self.arm(label, base_lr)["run_id"])]

    def peaks(self) -> list[float]:
        """The peak rates that were tried, growing."""
        return sorted(float(rate) for rate in self.arms["base_lr"].unique())

    def finals(self, label: str, base_lr: float) -> Floats:
        """Last validation losses of an arm at a peak rate, by seed [seeds]; infinite where the run
        diverged.
        """
        own = self.arm(label, base_lr)
        values = own["final_val_loss"].to_numpy(dtype=np.float64)
        return np.where((own["status"] == "diverged") | ~np.isfinite(values), np.inf, values)


@dataclass(frozen=True, kw_only=True)
class Explained:
    """What the results of a guided experiment show, computed from the results alone."""

    outcome: Outcome  # open: there is not enough evidence
    headline: str  # Markdown, one or two sentences
    findings: tuple[str, ...]  # Markdown, one to three sentences each


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A guided experiment."""

    id: str
    title: str  # a question
    idea: str  # Markdown: what it is about, two or three sentences
    expected: str  # what to expect by theory or lesson
    watch: tuple[str, ...]  # what to look at while it trains, and afterwards
    source: str  # paper or lesson
    experiment: Experiment
    so_far: Callable[[Evidence], str]  # one sentence while it trains; empty: nothing to say yet
    judge: Callable[[Evidence], Explained]  # of runs that have all finished or diverged

    def explain(self, found: Evidence) -> Explained:
        """What the results show; if runs are missing, how many and what is known so far."""
        if not self._whole(found.arms):
            headline = "Some of its runs were deleted, so there is no result. Start it again."
            return Explained(outcome="open", headline=headline, findings=())
        if found.arms["status"].isin(DONE).all():
            return self.judge(found)
        so_far = self.so_far(found)
        return Explained(
            outcome="open", headline=_missing(found.arms), findings=(so_far,) if so_far else ()
        )

    def _whole(self, arms: pd.DataFrame) -> bool:
        """Whether there are runs of each arm at each peak rate that was tried."""
        there = set(zip(arms["label"], arms["base_lr"], strict=True))
        peaks = arms["base_lr"].unique()
        return len(arms) > 0 and all(
            (label, peak) in there for label in self.experiment.labels() for peak in peaks
        )


def by_peak(frame: pd.DataFrame) -> pd.DataFrame:
    """An arms or curves frame in which each arm at each peak rate has its own label; with one peak
    rate labels stay as they are.
    """
    if frame["base_lr"].nunique() < 2:
        return frame
    peaks = [f"{label}, {rate(peak)}" for label, peak in zip(
        frame["label"], frame["base_lr"], strict=True
    )]
    return frame.assign(label=pd.Series(peaks, index=frame.index, dtype="str"))


def _missing(arms: pd.DataFrame) -> str:
    over = int(arms["status"].isin(DONE).sum())
    rest = [
        f"{number} {words}" for status, words in ELSE.items()
        if (number := int((arms["status"] == status).sum()))
    ]
    others = f": {listed(rest)}" if rest else ""
    return (
        f"{over} of {plural(len(arms), 'run')} finished or diverged{others}. The result needs all "
        "of them."
    )
