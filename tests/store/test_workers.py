"""Runs of dead workers are interrupted, however clocks are set; those of living ones never are."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from lrdash.core.events import (
    Event,
    RunEnded,
    now,
)
from lrdash.core.spec import RunSpec
from lrdash.jobs import presence
from lrdash.store import Store, heartbeats
from lrdash.store.processes import this
from lrdash.store.schema import workers
from lrdash.tracking.watching import recorder
from tests.factories.database import ended_epoch, experiment, queued, running


class Clock:
    """The watcher's monotonic clock, which a test moves on; the wall clock is set apart."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.moment, self.wall = 1000.0, timedelta(0)
        patch.setattr("lrdash.store.heartbeats.monotonic", lambda: self.moment)
        patch.setattr("lrdash.store.workers.now", lambda: now() + self.wall)

    def passes(self, seconds: float) -> None:
        self.moment += seconds
        self.wall += timedelta(seconds=seconds)

    def is_set(self, hours: float) -> None:
        self.wall += timedelta(hours=hours)


def beating_run(store: Store, worker_id: str, host: str = "") -> str:
    here = this()
    store.workers.register(worker_id, replace(here, place=host or here.place))
    return store.runs.create(
        RunSpec(), steps_per_epoch=2, updates=4, parameters=1, worker_id=worker_id
    )


def test_runs_of_a_worker_known_to_be_dead_are_interrupted(store: Store) -> None:
    lost, other, waiting = running(store, "w1"), running(store, "w2"), queued(store)
    assert store.workers.mark_interrupted("w1") == [lost]
    row = store.runs.one(lost)
    assert (row.status, row.reason) == (
        "interrupted", "the training process ended unexpectedly"
    )
    assert row.ended_at is not None
    assert store.runs.one(other).status == "running"
    assert store.runs.one(waiting).status == "queued"
    assert store.workers.mark_interrupted("w1") == []
    assert store.workers.mark_interrupted("w2", "the server was shut down") == [other]
    assert store.runs.one(other).reason == "the server was shut down"


def test_a_worker_whose_process_is_gone_is_dead(store: Store) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = this()
    places = {"gone": here.place, "another host": here.place.replace(here.place.split()[0], "far"),
              "another namespace": here.place + "1", "an earlier version": here.place.split()[0]}
    store.workers.register("here")
    living = running(store, "here")
    lost, *others = (
        (store.workers.register(name, replace(here, place=place, pid=ended.pid)),
         running(store, name))[1]
        for name, place in places.items()
    )
    assert store.workers.mark_interrupted() == [lost]
    assert {store.runs.one(run_id).status for run_id in (living, *others)} == {"running"}


def test_a_process_id_that_is_used_again_is_another_process(store: Store) -> None:
    here = this()
    assert here.born is not None
    store.workers.register("before", replace(here, born=here.born - 1))
    store.workers.register("unknown", replace(here, born=None))
    lost, living = running(store, "before"), running(store, "unknown")
    assert store.workers.mark_interrupted() == [lost]
    assert store.runs.one(living).active


def test_a_killed_process_that_nobody_has_collected_is_gone(store: Store) -> None:
    killed = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    store.workers.register("killed", replace(this(), pid=killed.pid, born=None))
    lost = running(store, "killed")
    assert store.workers.mark_interrupted() == []
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    assert store.workers.mark_interrupted() == [lost]
    killed.communicate()


def test_a_process_is_named_by_host_boot_and_namespace() -> None:
    host, boot, namespace = this().place.split()
    assert host == socket.gethostname()
    assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert namespace == os.readlink("/proc/self/ns/pid")


def test_a_worker_that_fell_silent_is_dead_until_it_beats(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("lrdash.store.heartbeats.monotonic", lambda: clock[0])
    for worker in ("silent", "beating"):
        store.workers.register(worker)
    lost, living = running(store, "silent"), running(store, "beating")
    marked = []
    for _ in range(6):
        store.workers.beat("beating")
        store.workers.beat("unknown")
        marked.append(store.workers.mark_interrupted())
        clock[0] += 3.0
    assert marked == [[], [], [], [], [], [lost]]
    assert store.runs.one(lost).reason == "the training process gave no sign of life for 10 s"
    assert store.runs.one(living).status == "running"


def test_runs_of_a_forgotten_worker_are_interrupted(store: Store) -> None:
    store.workers.register("w")
    run_id = running(store, "w")
    assert store.workers.mark_interrupted() == []
    store.workers.forget("w")
    store.workers.forget("w")
    assert store.workers.mark_interrupted() == [run_id]
    assert store.runs.one(run_id).worker_id == "w"


def test_a_worker_may_register_again(store: Store) -> None:
    store.workers.register("w", replace(this(), place="old-host", pid=1))
    store.workers.register("w")
    run_id = running(store, "w")
    assert store.workers.mark_interrupted() == []
    assert store.runs.one(run_id).active


def test_rows_of_workers_that_ended_without_a_word_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, clock = this(), Clock(monkeypatch)
    store.workers.register("gone", replace(here, pid=2**22 + 1))
    store.workers.register("idle", replace(here, place="far"))
    store.workers.register("busy", replace(here, place="far"))
    busy = running(store, "busy")
    assert workers_known(store) == {"idle", "busy"}
    clock.is_set(hours=24 * 7 + 1)
    store.workers.register("new")
    assert workers_known(store) == {"busy", "new"}
    assert store.workers.mark_interrupted() == []
    assert store.runs.one(busy).active


def workers_known(store: Store) -> set[str]:
    with store.workers._database.reading() as connection:
        return set(connection.scalars(select(workers.c.id)))


def test_a_worker_declared_dead_has_to_stop(store: Store) -> None:
    taken, deleted, kept = (running(store, f"w{n}") for n in range(3))
    store.workers.mark_interrupted("w0")
    store.workers.mark_interrupted("w1")
    store.runs.delete([deleted])
    assert store.runs.stop_requests([taken, deleted, kept]) == {taken, deleted}


def test_a_worker_declared_dead_cannot_report_on_runs_given_to_another(store: Store) -> None:
    _, ids = experiment(store, 1)
    store.runs.claim_group(ids, "old")
    store.workers.mark_interrupted("old")
    store.runs.requeue(ids)
    late: list[tuple[str, Event]] = [
        (ids[0], ended_epoch(3)), (ids[0], RunEnded(status="stopped"))
    ]
    store.runs.record(late, worker_id="old")
    assert store.runs.one(ids[0]).status == "queued"
    store.runs.claim_group(ids, "new")
    store.runs.record(late, worker_id="old")
    row = store.runs.one(ids[0])
    assert (row.status, row.epochs_done) == ("running", 0)
    assert store.runs.stop_requests(ids, "old") == set(ids)
    assert store.runs.stop_requests(ids, "new") == set()
    store.runs.record(late, worker_id="new")
    assert store.runs.one(ids[0]).status == "stopped"


def test_living_workers_survive_a_database_that_could_not_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1")
    assert store.workers.mark_interrupted() == []
    clock.passes(60.0)  # another program held the lock; no heart could beat
    assert store.workers.mark_interrupted() == []
    clock.passes(1.0)
    store.workers.beat("w1")
    clock.passes(2.0)
    assert store.workers.mark_interrupted() == []
    assert store.runs.one(run_id).status == "running"


@pytest.mark.parametrize("hours", [5.0, -5.0])
@pytest.mark.parametrize("host", ["", "another-host"])
def test_a_clock_that_is_set_marks_no_living_run(
    hours: float, host: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1", host)
    for _ in range(8):
        assert store.workers.mark_interrupted() == []
        clock.is_set(hours)
        assert store.workers.mark_interrupted() == []
        clock.passes(3.0)
        store.workers.beat("w1")
    assert store.runs.one(run_id).status == "running"


@pytest.mark.parametrize("hours", [5.0, -5.0])
def test_a_clock_that_is_set_keeps_no_dead_worker_alive(
    hours: float, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1", "another-host")
    marked = []
    for _ in range(7):
        marked += store.workers.mark_interrupted()
        clock.is_set(hours)
        clock.passes(3.0)
    assert marked == [run_id]


def test_each_server_judges_by_what_it_has_seen(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    run_id = beating_run(store, "w1", "another-host")
    for _ in range(4):
        assert store.workers.mark_interrupted() == []
        clock.passes(3.0)
    newcomer = Store()
    assert newcomer.workers.mark_interrupted() == [], "it has only begun to watch"
    newcomer.close()
    store.workers.mark_interrupted()
    clock.passes(3.0)
    assert store.workers.mark_interrupted() == [run_id]


def test_several_heartbeats_fit_into_the_time_that_a_silent_worker_gets() -> None:
    assert 2 * heartbeats.HEARTBEAT <= heartbeats.GRACE < heartbeats.SILENCE
    assert presence.HEARTBEAT == recorder.HEARTBEAT == heartbeats.HEARTBEAT
