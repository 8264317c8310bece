"""What every process that trains does beside it: heartbeats, polling, tidying checkpoints."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic
from typing import Generic, TypeVar

from lrdash.checkpoints import CheckpointFolder
from lrdash.core.errors import StoreError
from lrdash.store import Store, home
from lrdash.store.heartbeats import HEARTBEAT

TIDY = 60.0  # seconds between two looks at all checkpoints
POLL = 0.2  # seconds between two questions to the store: requests to stop, commands

log = logging.getLogger(__name__)

T = TypeVar("T")


class Presence:
    """A process as a worker of the store. A fault of the store is logged and tried again.

    It has two threads, so that neither a long epoch nor a large folder delays the heartbeat, and
    checkpoints are tidied during a run of several days, too.

    Args:
        store: where the worker is registered; must stay open until `end`.
    """

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store, self._id = store, worker_id
        self._over = threading.Event()
        self._threads = [
            self._repeating("heartbeat", HEARTBEAT, lambda: store.workers.beat(worker_id)),
            self._repeating("tidying", TIDY, lambda: tidy(store)),
        ]

    def begin(self) -> None:
        """Register, and start the heartbeat.

        Raises:
            StoreError: if the store cannot be written.
        """
        self._store.workers.register(self._id)
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """End the heartbeat; returns when nothing is written any more."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _repeating(self, name: str, seconds: float, job: Callable[[], object]) -> threading.Thread:
        def run() -> None:
            while not self._over.wait(seconds):
                try:
                    job()
                except StoreError as fault:
                    log.warning("no %s: %s", name, fault)

        return threading.Thread(target=run, name=f"lrdash-{name}", daemon=True)


class Poll(Generic[T]):
    """Asks the store now and then, at most every `POLL` seconds. For one thread.

    Args:
        name: of what is asked for, for the log.
        ask: asks the store. While it raises a `StoreError`, the last answer holds.
        answer: until the first one.
    """

    def __init__(self, name: str, ask: Callable[[], T], answer: T) -> None:
        self._name, self._ask, self._answer, self._due = name, ask, answer, 0.0

    def __call__(self) -> T:
        """The latest answer."""
        if monotonic() >= self._due:
            self._due = monotonic() + POLL
            try:
                self._answer = self._ask()
            except StoreError as fault:  # busy for the moment
                log.warning("no %s: %s", self._name, fault)
        return self._answer


def tidy(store: Store) -> None:
    """Remove checkpoints of deleted runs and those beyond the limit, if possible."""
    folder = CheckpointFolder(home())
    try:
        kept = folder.runs()
        known = store.runs.versions(kept)
        folder.forget([run_id for run_id in kept if run_id not in known])
        folder.shrink(spare=store.runs.versions())  # queued branches begin with theirs
    except (StoreError, OSError) as fault:
        log.warning("checkpoints were not tidied: %s", fault)
