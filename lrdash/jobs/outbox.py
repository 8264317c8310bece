"""A sink that passes events on in batches, so that training never waits for the database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

from lrdash.core.errors import StoreError, Unavailable
from lrdash.core.events import Event

INTERVAL = 0.25  # seconds between two batches
PAUSES = (0.1, 0.3, 1.0)  # seconds before each new attempt, after the store's own timeout
OUTAGE = 300.0  # seconds of tries, the last pause apart, while the store is unavailable
ROOM = 50_000  # events that wait for the store at most

T = TypeVar("T")


class Outbox:
    """Collects events and writes them in batches, at most `interval` apart, from its own thread.

    Calls may come from any thread and keep their order. They wait only while there is no room left
    for another event, which takes an outage of the store. A batch that cannot be written after the
    attempts of `patiently` is dropped; later calls and `close` raise the fault.

    Args:
        write: takes a batch of (run_id, event), in order.
        interval: seconds between two writes; after a longer silence an event is written at once.
        room: events that may wait.
    """

    def __init__(
        self,
        write: Callable[[Sequence[tuple[str, Event]]], None],
        interval: float = INTERVAL,
        room: int = ROOM,
    ) -> None:
        self._write, self._interval, self._room = write, interval, room
        self._changed = threading.Condition()
        self._waiting: list[tuple[str, Event]] = []
        self._fault: Exception | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="lrdash-outbox", daemon=True)
        self._thread.start()

    def __call__(self, run_id: str, event: Event) -> None:
        """Take an event; raises the fault of an earlier write, if there was one."""
        with self._changed:
            self._changed.wait_for(lambda: self._fault or len(self._waiting) < self._room)
            if self._fault is not None:
                raise self._fault
            self._waiting.append((run_id, event))
            self._changed.notify_all()

    def close(self) -> None:
        """Write what is left and end the thread; raises if anything could not be written."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def _run(self) -> None:
        due = 0.0
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                self._changed.wait_for(lambda: self._closing, timeout=max(0.0, due - monotonic()))
                batch, self._waiting = self._waiting, []
                closing = self._closing
                self._changed.notify_all()
            if batch:
                self._deliver(batch)
                due = monotonic() + self._interval
            elif closing:
                return

    def _deliver(self, batch: list[tuple[str, Event]]) -> None:
        try:
            patiently(lambda: self._write(batch))
        except Exception as fault:
            with self._changed:
                self._fault = self._fault or fault
                self._changed.notify_all()


def patiently(job: Callable[[], T], pauses: Sequence[float] = PAUSES) -> T:
    """Do a job with the store, and again after each pause while the store refuses; at the last
    pause for `OUTAGE` seconds while it is unavailable.

    Raises:
        StoreError: of the last attempt.
    """
    pause, began, waits = threading.Event(), monotonic(), iter(pauses)
    while True:
        try:
            return job()
        except StoreError as fault:
            late = isinstance(fault, Unavailable) and monotonic() - began < OUTAGE
            seconds = next(waits, pauses[-1] if late else None)
            if seconds is None:
                raise
            pause.wait(seconds)
