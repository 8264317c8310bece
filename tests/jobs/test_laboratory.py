"""The laboratory with real worker processes: queue, stop, death, and nothing left behind."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from lrdash.core.events import EpochEnded, Event, stopped_after
from lrdash.core.spec import RunSpec
from lrdash.jobs.laboratory import Laboratory, process, supervisor
from lrdash.planning.plan import make
from lrdash.store import Store
from tests.factories.jobs import ENDLESS, SMALL, ended, eventually, freeze, gone, queue, running
from tests.factories.training import train_one


@pytest.fixture(scope="module")
def store(shared_store: Store) -> Store:
    return shared_store


def test_a_queued_run_is_trained_with_the_bits_of_this_process(
    laboratory: Laboratory, store: Store
) -> None:
    fields = {"model": "mlp", "model_params": {"dropout": 0.4}, "strategy": "plateau"}
    run_id = queue(store, **fields)
    row = ended(store, run_id)
    assert (row.status, row.reason) == ("finished", "")
    assert (row.epochs_done, row.update) == (3, row.updates)
    heard: list[Event] = []
    train_one(
        make(RunSpec(**{**SMALL, **fields})), run_id="here",
        sink=lambda _run_id, event: heard.append(event), should_stop=lambda: False,
    )
    said = [event for event in heard if isinstance(event, EpochEnded)]
    stored = store.runs.epochs(run_id)
    assert [dict(e.metrics) for e in stored] == [dict(e.metrics) for e in said]
    assert [e.rates.tolist() for e in stored] == [e.rates.tolist() for e in said]
    assert len(store.runs.decisions(run_id)) == 3


def test_runs_are_trained_in_the_order_in_which_they_were_queued(
    laboratory: Laboratory, store: Store
) -> None:
    first, second = queue(store, epochs=2), queue(store, epochs=1)
    rows = ended(store, first), ended(store, second)
    assert [row.status for row in rows] == ["finished", "finished"]
    assert rows[0].ended_at is not None
    assert rows[1].started_at is not None
    assert rows[0].ended_at <= rows[1].started_at
    assert rows[0].worker_id == rows[1].worker_id


def test_a_running_run_stops_and_a_queued_one_never_begins(
    laboratory: Laboratory, store: Store
) -> None:
    busy, waiting = queue(store, **ENDLESS), queue(store)
    running(store, busy)
    store.runs.request_stop(waiting)
    assert store.runs.one(waiting).status == "stopped"
    worker = laboratory.status()[0]
    assert (worker.state, worker.run_id) == ("training", busy)
    store.runs.request_stop(busy)
    row = ended(store, busy)
    assert row.status == "stopped"
    assert row.reason == stopped_after(row.epochs_done)
    assert store.runs.epochs(waiting) == []


def test_a_spec_that_cannot_be_trained_fails_with_the_reason(
    laboratory: Laboratory, store: Store
) -> None:
    bad = store.runs.create(
        RunSpec(dataset="digitz"), steps_per_epoch=1, updates=1, parameters=1
    )
    row = ended(store, bad)
    assert row.status == "failed"
    assert "Did you mean 'digits'?" in row.reason


def test_a_killed_worker_interrupts_its_run_and_the_next_run_still_trains(
    laboratory: Laboratory, store: Store
) -> None:
    doomed, following = queue(store, **ENDLESS), queue(store)
    running(store, doomed)
    os.kill(laboratory.status()[0].pid, signal.SIGKILL)
    row = ended(store, doomed)
    assert row.status == "interrupted"
    assert row.reason == (
        "the training process ended unexpectedly "
        "(signal 9; the machine may have run out of memory)"
    )
    assert ended(store, following).status == "finished"


def test_a_worker_that_does_not_stop_in_time_is_killed_and_replaced(
    laboratory: Laboratory, store: Store
) -> None:
    stuck = queue(store, **ENDLESS)
    running(store, stuck)
    before = laboratory.status()[0]
    freeze(before.pid, store)
    store.runs.request_stop(stuck)
    row = ended(store, stuck)
    assert row.status == "stopped"
    assert row.reason.startswith("stopped by the user after ")
    eventually(lambda: [w for w in laboratory.status() if w.worker_id != before.worker_id])
    eventually(lambda: gone(before.pid))


def test_a_worker_that_has_trained_enough_is_renewed(
    laboratory: Laboratory, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = eventually(laboratory.status)[0]
    monkeypatch.setattr(supervisor, "GROUPS_EACH", 0)
    eventually(lambda: gone(before.pid))
    monkeypatch.undo()
    assert ended(store, queue(store, epochs=1)).status == "finished"


def test_a_closed_laboratory_leaves_no_process_and_no_running_run(
    laboratory: Laboratory, store: Store
) -> None:
    cut, waiting = queue(store, **ENDLESS), queue(store)
    running(store, cut)
    pid, thread = laboratory.status()[0].pid, laboratory._thread
    laboratory.close()
    laboratory.close()  # harmless
    row = store.runs.one(cut)
    assert (row.status, row.reason) == ("interrupted", "the server was shut down")
    assert store.runs.one(waiting).status == "queued"
    assert gone(pid)
    assert not laboratory.alive()
    assert laboratory.status() == ()
    assert thread
    assert not thread.is_alive()
    laboratory.start()
    assert not laboratory.alive()


def test_runs_fail_with_the_reason_when_no_worker_can_be_started(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.0)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'no module named tensorflow' >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    run_id = queue(store)
    laboratory = Laboratory(store)
    laboratory.start()
    row = ended(store, run_id)
    laboratory.close()
    assert row.status == "failed"
    assert row.reason.startswith(
        "no training process can be started (exit status 3: no module named tensorflow); see "
    )
    assert list((tmp_path / "lrdash-home" / "logs").glob("worker-*.log"))


def test_runs_of_workers_long_dead_are_marked_at_the_start(
    store: Store, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Laboratory, "_add_worker", lambda _laboratory: None)
    run_id = queue(store)
    assert store.runs.claim(run_id, "worker-of-yesterday")
    laboratory = Laboratory(store)
    laboratory.start()
    row = ended(store, run_id)
    laboratory.close()
    assert (row.status, row.reason) == ("interrupted", "the training process ended unexpectedly")


def test_logs_have_a_bound_in_size_and_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/true")
    for number in range(30):
        (tmp_path / f"worker-{number}.log").write_text("old")
    worker = process.WorkerProcess("sqlite:///unused.db", tmp_path, lambda: None)
    worker.kill(after=30)
    assert len(list(tmp_path.glob("worker-*.log"))) == process.LOGS_KEPT
    worker.log.write_text("x" * (process.LOG_LIMIT + 1))
    worker.trim_log()
    assert worker.log.read_text() == ""
    assert worker.cause_of_death() == "exit status 0"
