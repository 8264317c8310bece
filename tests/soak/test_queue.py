"""Many runs queued at once by several processes."""

from __future__ import annotations

import multiprocessing
from itertools import pairwise
from threading import Barrier

import pytest

from lrdash.jobs.laboratory import Laboratory
from lrdash.store import Store
from tests.factories.jobs import ended
from tests.soak.runs import queue

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

PROCESSES = 4
RUNS_EACH = 15
RUNS = PROCESSES * RUNS_EACH


def queue_some(url: str, process: int, together: Barrier) -> None:
    """Work of one process: queue its runs, beginning at the same moment as the others."""
    store = Store(url)
    together.wait(60)
    for number in range(RUNS_EACH):
        queue(store, seed=RUNS_EACH * process + number)
    store.close()


def test_runs_of_four_processes_all_finish_in_the_order_of_their_creation() -> None:
    store = Store()
    laboratory = Laboratory(store)
    laboratory.start()
    try:
        queue_from_all(store.url)
        created = store.runs.listing()[::-1]
        for run in created:
            ended(store, run.run_id)
    finally:
        laboratory.close()
    rows = store.runs.listing()[::-1]
    store.close()
    assert {row.status for row in rows} == {"finished"}
    assert {row.epochs_done for row in rows} == {1}
    assert {row.worker_id for row in rows} == {rows[0].worker_id}
    assert sorted(row.spec.seed for row in rows) == list(range(RUNS))
    for process in range(PROCESSES):
        own = [row.spec.seed for row in rows if row.spec.seed // RUNS_EACH == process]
        assert own == sorted(own)
    for earlier, later in pairwise(rows):
        assert earlier.created_at <= later.created_at
        assert earlier.started_at is not None
        assert earlier.ended_at is not None
        assert later.started_at is not None
        assert earlier.started_at <= earlier.ended_at <= later.started_at


def queue_from_all(url: str) -> None:
    """Let all processes queue their runs; returns when they have."""
    context = multiprocessing.get_context("spawn")
    together = context.Barrier(PROCESSES)
    processes = [
        context.Process(target=queue_some, args=(url, number, together))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
