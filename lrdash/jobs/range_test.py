"""One range test from the store, made and recorded there: for the worker and for the shell."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from lrdash.core.events import Status
from lrdash.jobs.outbox import patiently
from lrdash.planning.range_test import RangeTestSpec, make
from lrdash.store import Store
from lrdash.training.failures import in_words

POLL = 0.2  # seconds between two looks whether a stop was asked for
NOTE = 0.25  # seconds between two notes of how far it is

log = logging.getLogger(__name__)

Listener = Callable[[int, int], None]


def run(
    store: Store, range_test_id: str, worker_id: str, listener: Listener | None = None
) -> None:
    """Make a test that is this worker's own; whatever goes wrong becomes its reason.

    Args:
        store: records the losses as they come, and the end.
        range_test_id: of a test that is running in this worker.
        worker_id: this one.
        listener: is told the updates done and those in all.

    Raises:
        StoreError: if the end cannot be stored.
    """
    status, reason = _made(store, range_test_id, worker_id, listener)
    patiently(lambda: store.range_tests.end(range_test_id, status, reason))


def _made(
    store: Store, range_test_id: str, worker_id: str, listener: Listener | None
) -> tuple[Status, str]:
    from lrdash.training.range_test import Stopped, measure

    done = 0
    noted = asked = -np.inf
    stop = False

    def note(losses: NDArray[np.float32]) -> None:
        patiently(lambda: store.range_tests.note(range_test_id, done, losses, worker_id))

    def told(update: int, losses: NDArray[np.float32]) -> None:
        nonlocal done, noted
        done = update
        if listener is not None:
            listener(update, losses.shape[1])
        if monotonic() - noted >= NOTE:
            noted = monotonic()
            note(losses)

    def should_stop() -> bool:
        nonlocal asked, stop
        if monotonic() - asked >= POLL:
            asked = monotonic()
            stop = patiently(lambda: store.range_tests.has_to_stop(range_test_id, worker_id))
        return stop

    try:
        row = patiently(lambda: store.range_tests.one(range_test_id))
        losses = measure(
            make(RangeTestSpec.from_json(row.definition)), told=told, should_stop=should_stop
        )
        note(losses)
    except (Stopped, KeyboardInterrupt):
        return "stopped", f"stopped by the user after {done} updates"
    except Exception as fault:
        log.exception("range test %s failed", range_test_id)
        return "failed", in_words(fault)
    return "finished", ""
