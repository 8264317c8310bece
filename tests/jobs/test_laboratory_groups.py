"""Groups of runs in real worker processes: trained, stopped, killed and continued."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from lrdash.core.spec import RunSpec
from lrdash.jobs.laboratory import Laboratory
from lrdash.planning.plan import make
from lrdash.store import NewRun, RunRow, Store
from tests.factories.jobs import ENDLESS, eventually, freeze

SMALL: dict[str, Any] = {"dataset": "wine", "model": "linear", "base_lr": 0.05}
LONG = ENDLESS["epochs"]


def queue(store: Store, epochs: Sequence[int], groups: Sequence[Sequence[int]]) -> list[str]:
    """Ids of the runs of a new experiment, each of so many epochs."""
    plans = [
        make(RunSpec(**{**SMALL, **(ENDLESS if number == LONG else {"epochs": number})}, seed=seed))
        for seed, number in enumerate(epochs)
    ]
    new = [
        NewRun.of(plan, "Constant rate")
        for plan in plans
    ]
    made = store.experiments.create("{}", new, groups=groups)
    return [row.run_id for row in reversed(store.runs.listing(experiment_id=made))]


def ended(store: Store, run_ids: Sequence[str]) -> list[RunRow]:
    """The runs, oldest first, once all are over."""

    def over() -> list[RunRow]:
        rows = store.runs.listing(run_ids=run_ids)[::-1]
        return [] if any(row.active for row in rows) else rows

    found: list[RunRow] = eventually(over)
    return found


def training(store: Store, run_ids: Sequence[str]) -> None:
    """Return once one of the runs has finished an epoch."""
    eventually(lambda: any(row.epochs_done for row in store.runs.listing(run_ids=run_ids)))


@pytest.fixture(scope="module")
def store(shared_store: Store) -> Store:
    return shared_store


def test_a_killed_worker_interrupts_its_group_alone_and_that_can_be_continued(
    laboratory: Laboratory, store: Store
) -> None:
    runs = queue(store, [2, 2, LONG, LONG, 2, 2], groups=[[0, 1], [2, 3], [4, 5]])
    first, doomed, last = runs[:2], runs[2:4], runs[4:]
    training(store, doomed)
    kept = [store.runs.epochs(run_id) for run_id in first]
    worker = laboratory.status()[0]
    assert worker.run_ids == tuple(doomed)
    os.kill(worker.pid, signal.SIGKILL)
    assert [row.status for row in ended(store, doomed)] == ["interrupted"] * 2
    assert [row.status for row in ended(store, first + last)] == ["finished"] * 4
    assert [len(epochs) for epochs in kept] == [2, 2]
    assert store.runs.requeue(runs) == doomed
    laboratory.wake()
    training(store, doomed)
    assert [row.worker_id for row in store.runs.listing(run_ids=first)] == [worker.worker_id] * 2
    store.runs.request_stop_all(doomed)
    assert [row.status for row in ended(store, doomed)] == ["stopped"] * 2


def test_stopping_one_run_of_a_group_leaves_the_others_alone(
    laboratory: Laboratory, store: Store
) -> None:
    runs = queue(store, [LONG, LONG, LONG], groups=[[0, 1, 2]])
    training(store, runs)
    worker = laboratory.status()[0].worker_id
    begun = next(row.run_id for row in store.runs.listing(run_ids=runs) if row.epochs_done)
    store.runs.request_stop(begun)
    assert ended(store, [begun])[0].status == "stopped"
    others = [run_id for run_id in runs if run_id != begun]
    assert {row.status for row in store.runs.listing(run_ids=others)} == {"running"}
    training(store, others)
    assert laboratory.status()[0].worker_id == worker
    store.runs.request_stop_all(runs)
    assert [row.status for row in ended(store, runs)] == ["stopped"] * 3


def test_a_worker_that_does_not_stop_a_whole_group_in_time_is_killed(
    laboratory: Laboratory, store: Store
) -> None:
    runs = queue(store, [LONG, LONG], groups=[[0, 1]])
    training(store, runs)
    stuck = laboratory.status()[0]
    freeze(stuck.pid, store)
    store.runs.request_stop_all(runs)
    rows = ended(store, runs)
    assert [row.status for row in rows] == ["stopped"] * 2
    assert all(row.reason.startswith("stopped by the user after ") for row in rows)
    eventually(lambda: [w for w in laboratory.status() if w.worker_id != stuck.worker_id])


def test_runs_that_cannot_be_read_or_planned_do_not_hold_up_their_group(
    laboratory: Laboratory, store: Store
) -> None:
    bad = NewRun(
        spec=RunSpec(dataset="digitz"), label="", steps_per_epoch=1, updates=1, parameters=1
    )
    good = make(RunSpec(**SMALL, epochs=2))
    fine = NewRun(
        spec=good.spec, label="", steps_per_epoch=good.steps_per_epoch, updates=good.updates,
        parameters=good.parameters,
    )
    made = store.experiments.create("{}", [bad, fine, fine], groups=[[0, 1, 2]])
    runs = [row.run_id for row in reversed(store.runs.listing(experiment_id=made))]
    rows = ended(store, runs)
    assert [row.status for row in rows] == ["failed", "finished", "finished"]
    assert "Did you mean 'digits'?" in rows[0].reason
