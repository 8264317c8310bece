"""What every process that trains owes to the others: signs of life, and order among checkpoints."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Sequence
from time import monotonic

from lrdash.checkpoints.folder import CheckpointFolder
from lrdash.core.errors import StoreError
from lrdash.store import Store, home

HEARTBEAT = 1.0  # seconds
TIDY = 60.0  # seconds between two looks at all checkpoints
POLL = 0.2  # seconds between two looks whether a stop was asked for

log = logging.getLogger(__name__)


class Presence:
    """A process as a worker of the store. A fault of the store is logged and tried again.

    Two threads of its own, so that neither a long epoch nor a large folder holds up the heart; a
    run that takes days is tidied up after like a short one.

    Args:
        store: where the worker is registered; must stay open until `end`.
        worker_id: its id in the store.
    """

    def __init__(self, store: Store, worker_id: str) -> None:
        self._store, self._id = store, worker_id
        self._over = threading.Event()
        self._threads = [
            self._repeating("heartbeat", HEARTBEAT, lambda: store.workers.beat(worker_id)),
            self._repeating("tidying", TIDY, lambda: tidy(store)),
        ]

    def begin(self) -> None:
        """Register, and let the heart beat.

        Raises:
            StoreError: if the store cannot be written.
        """
        self._store.workers.register(self._id, socket.gethostname(), os.getpid())
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Fall silent; returns when nothing is written any more."""
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


class StopRequests:
    """Asks the store which runs have to stop, at most every `POLL` seconds. For one thread.

    Args:
        store: to be asked.
        run_ids: whose.
        worker_id: runs that belong to another worker by now have to stop, too; None for all.
    """

    def __init__(self, store: Store, run_ids: Sequence[str], worker_id: str | None = None) -> None:
        self._store, self._run_ids, self._worker_id = store, run_ids, worker_id
        self._due, self._asked = 0.0, set[str]()

    def __call__(self) -> set[str]:
        """Those that were ever found to have to."""
        if monotonic() >= self._due:
            self._due = monotonic() + POLL
            try:
                self._asked |= self._store.runs.stop_requests(self._run_ids, self._worker_id)
            except StoreError as fault:  # busy for the moment; the next look may tell
                log.warning("cannot tell whether to stop: %s", fault)
        return self._asked


def tidy(store: Store) -> None:
    """Remove checkpoints of runs that are no more, and those beyond the limit, if possible."""
    vault = CheckpointFolder(home())
    try:
        kept = vault.runs()
        known = store.runs.versions(kept)
        vault.forget([run_id for run_id in kept if run_id not in known])
        # What runs, and what queued branches begin with, is spared.
        vault.shrink(spare=store.runs.versions())
    except (StoreError, OSError) as fault:
        log.warning("checkpoints were not tidied: %s", fault)
