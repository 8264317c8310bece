"""Workers killed at random moments: what was committed stays, and the next run trains."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path

import numpy as np
import pytest

from lrdash.jobs.laboratory import Laboratory
from lrdash.store import EpochRow, Store
from tests.factories.jobs import ended, eventually
from tests.soak.runs import ENDLESS, ask, integrity, queue

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

KILLS = 15
SEED = 20_260
LONGEST = 2.5  # seconds between the beginning of a run and the death of its worker
PATIENCE = 5.0  # seconds in which a dead run must no longer be called running


def test_killing_workers_at_random_moments_loses_no_committed_epoch_and_no_queued_run(
    laboratory: Laboratory, store: Store, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    moments = random.Random(SEED)
    kept: dict[str, list[EpochRow]] = {}
    dead: list[int] = []
    for number in range(KILLS):
        doomed = queue(store, strategy="plateau", epochs=ENDLESS, seed=number)
        following = queue(store, strategy="plateau", epochs=3, seed=number)
        eventually(
            lambda: store.runs.one(doomed).status == "running",  # noqa: B023
            "the run begins",
        )
        threading.Event().wait(moments.uniform(0.0, LONGEST))
        dead.append(kill_worker_of(doomed, laboratory))
        check_interrupted(store, doomed)
        kept[doomed] = check_epochs(store, doomed)
        assert integrity(home) == "ok"
        row = ended(store, following)
        assert (row.status, row.reason, row.epochs_done) == ("finished", "", 3)
        kept[following] = check_epochs(store, following)
    for run_id, rows in kept.items():
        assert [same(row) for row in store.runs.epochs(run_id)] == [same(row) for row in rows]
    assert store.runs.counts() | {"interrupted": KILLS, "finished": KILLS} == store.runs.counts()
    assert sum(store.runs.counts().values()) == 2 * KILLS
    assert len(set(dead)) == KILLS
    assert registered(home) == {worker.worker_id for worker in laboratory.status()}
    lengths = [len(rows) for rows in kept.values()][::2]
    with capsys.disabled():
        print(f"\n{KILLS} workers killed after {', '.join(map(str, lengths))} stored epochs")


def kill_worker_of(run_id: str, laboratory: Laboratory) -> int:
    """Kill the worker that trains this run; gives its process id."""
    (worker,) = laboratory.status()
    assert worker.run_id == run_id
    os.kill(worker.pid, signal.SIGKILL)
    return worker.pid


def check_interrupted(store: Store, run_id: str) -> None:
    eventually(lambda: store.runs.one(run_id).status != "running", "the run is noticed", PATIENCE)
    row = store.runs.one(run_id)
    assert row.status == "interrupted"
    assert row.reason.startswith("the training process ended unexpectedly (signal 9; ")
    assert row.ended_at is not None


def check_epochs(store: Store, run_id: str) -> list[EpochRow]:
    """The run's epochs, which must be whole and without a gap."""
    row, rows = store.runs.one(run_id), store.runs.epochs(run_id)
    assert [epoch.epoch for epoch in rows] == list(range(1, row.epochs_done + 1))
    assert row.update >= row.epochs_done * row.steps_per_epoch
    for epoch in rows:
        assert epoch.rates.shape == (row.steps_per_epoch,)
        assert np.isfinite(epoch.rates).all()
        assert np.isfinite(list(epoch.metrics.values())).all()
    decided = [decision.epoch for decision in store.runs.decisions(run_id)]
    assert decided == list(range(decided[0], decided[0] + len(decided)) if decided else [])
    assert abs(len(decided) - len(rows)) <= 1  # the two are reported one after the other
    return rows


def same(row: EpochRow) -> tuple[object, ...]:
    """The row as values that can be compared."""
    return row.epoch, dict(row.metrics), row.learning_rate, row.rates.tolist(), row.seconds


def registered(home: Path) -> set[str]:
    """Ids of the workers that the store takes for living."""
    return {str(worker_id) for (worker_id,) in ask(home, "SELECT id FROM workers")}
