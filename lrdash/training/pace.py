"""How fast a group trained, from its events."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Literal

from lrdash.core.events import EpochEnded, Event, RunStarted
from lrdash.planning.grouping import lane_work
from lrdash.planning.plan import Plan

Kind = Literal["dense", "convolutional"]


class Pace:
    """A sink that measures the lanes engine.

    The time until the first epoch ends, in which the program may be compiled, is `start`; it does
    not count for the pace.

    Args:
        plans: the group, of one kind.
    """

    def __init__(self, plans: Sequence[Plan]) -> None:
        self._work = lane_work(plans[0])  # multiply-adds of a lane-epoch
        self.kind: Kind = "convolutional" if plans[0].model.convolutional else "dense"
        self._lanes = False
        self._began = self._first = self._last = perf_counter()
        self._epochs = 0  # of all lanes

    def __call__(self, _run_id: str, event: Event) -> None:
        """Take an event of any run of the group."""
        if isinstance(event, RunStarted):
            self._lanes = event.engine == "lanes"
        elif isinstance(event, EpochEnded):
            self._last = perf_counter()
            self._first = self._first if self._epochs else self._last
            self._epochs += 1

    @property
    def start(self) -> float:
        """Seconds until the first epoch was done."""
        return self._first - self._began

    @property
    def per_multiply_add(self) -> float | None:
        """Seconds for each multiply-add of a lane; None while unknown."""
        seconds = self._last - self._first
        if not self._lanes or seconds <= 0:
            return None
        return seconds / (self._epochs - 1) / self._work
