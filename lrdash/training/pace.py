"""How fast a group trained, from what its runs said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lrdash.events import EpochEnded, Event, RunStarted
from lrdash.grouping import lane_work
from lrdash.plan import Plan


class Pace:
    """A sink that takes the time of the lanes engine's epochs.

    The first epoch does not count: it may hold the making of the program.

    Args:
        plans: the group, of one kind.
        run_ids: of its runs.
    """

    def __init__(self, plans: Sequence[Plan], run_ids: Sequence[str]) -> None:
        self._work = len(plans) * lane_work(plans[0])  # multiply-adds an epoch
        self.kind: Literal["dense", "convolutional"]
        self.kind = "convolutional" if plans[0].model.convolutional else "dense"
        self._watched = run_ids[0]
        self._lanes = False
        self._first: EpochEnded | None = None
        self._last: EpochEnded | None = None

    def __call__(self, run_id: str, event: Event) -> None:
        """Take an event of any run of the group."""
        if run_id != self._watched:
            return
        if isinstance(event, RunStarted):
            self._lanes = event.engine == "lanes"
        elif isinstance(event, EpochEnded):
            self._first, self._last = self._first or event, event

    @property
    def per_multiply_add(self) -> float | None:
        """Seconds for each multiply-add of a lane; None while it cannot be told."""
        if not self._lanes or self._first is None or self._last is None or not self._work:
            return None
        epochs = self._last.epoch - self._first.epoch
        seconds = self._last.seconds - self._first.seconds
        return seconds / epochs / self._work if epochs > 0 and seconds > 0 else None
