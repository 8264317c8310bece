"""Making a range test of the store and recording it there, for workers and scripts alike."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from lrdash.core.events import Status
from lrdash.core.wording import plural
from lrdash.jobs.outbox import patiently
from lrdash.jobs.presence import Poll
from lrdash.planning.range_test import RangeTestSpec, make
from lrdash.store import Store
from lrdash.training.failures import Stopped, in_words

NOTE = 0.25  # seconds between two writes of the losses so far

log = logging.getLogger(__name__)

Listener = Callable[[int, int], None]


def run(
    store: Store, range_test_id: str, worker_id: str, listener: Listener | None = None
) -> None:
    """Make a range test of this worker; whatever goes wrong becomes its reason.

    Args:
        range_test_id: of a test that is running in this worker.
        listener: receives the updates done and those in all.

    Raises:
        StoreError: if the end cannot be stored.
    """
    status, reason = _made(store, range_test_id, worker_id, listener)
    patiently(lambda: store.range_tests.end(range_test_id, status, reason))


def _made(
    store: Store, range_test_id: str, worker_id: str, listener: Listener | None
) -> tuple[Status, str]:
    from lrdash.training.range_test import measure

    done, saved = 0, -math.inf

    def save(losses: NDArray[np.float32]) -> None:
        patiently(lambda: store.range_tests.note(range_test_id, done, losses, worker_id))

    def on_progress(update: int, losses: NDArray[np.float32]) -> None:
        nonlocal done, saved
        done = update
        if listener is not None:
            listener(update, losses.shape[1])
        if monotonic() - saved >= NOTE:
            saved = monotonic()
            save(losses)

    should_stop = Poll(
        "requests to stop", lambda: store.range_tests.has_to_stop(range_test_id, worker_id), False
    )
    try:
        row = patiently(lambda: store.range_tests.one(range_test_id))
        planned = make(RangeTestSpec.from_json(row.definition))
        save(measure(planned, on_progress=on_progress, should_stop=should_stop))
    except (Stopped, KeyboardInterrupt):
        return "stopped", f"stopped by the user after {plural(done, 'update')}"
    except Exception as fault:
        log.exception("range test %s failed", range_test_id)
        return "failed", in_words(fault)
    return "finished", ""
