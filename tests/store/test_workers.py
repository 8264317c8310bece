"""Requests to stop, and workers that live, fall silent or die."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from lrdash.core.events import (
    RunEnded,
)
from lrdash.store import Store
from tests.factories.database import queue, running

# Stopping


def test_a_queued_run_is_stopped_at_once(store: Store) -> None:
    run_id = queue(store)
    store.runs.request_stop(run_id)
    row = store.runs.one(run_id)
    assert (row.status, row.reason) == ("stopped", "stopped before it began")
    assert row.ended_at is not None
    assert not row.stop_requested
    assert not store.runs.claim(run_id, "w")


def test_a_running_run_gets_the_request(store: Store) -> None:
    one, other = running(store), running(store)
    store.runs.request_stop(one)
    version = store.runs.one(one).version
    store.runs.request_stop(one)
    assert store.runs.one(one).version == version
    assert store.runs.one(one).stop_requested
    assert store.runs.one(one).status == "running"
    assert store.runs.stop_requests([one, other]) == {one}
    assert store.runs.stop_requests([]) == set()
    store.runs.record([(one, RunEnded(status="stopped"))])
    assert store.runs.stop_requests([one, other]) == set()


def test_a_worker_taken_for_dead_is_told_to_stop(store: Store) -> None:
    taken, deleted, kept = (running(store, f"w{n}") for n in range(3))
    store.workers.mark_interrupted("w0")
    store.workers.mark_interrupted("w1")
    store.runs.delete([deleted])
    assert store.runs.stop_requests([taken, deleted, kept]) == {taken, deleted}


# Workers


def test_runs_of_a_worker_known_to_be_dead_are_interrupted(store: Store) -> None:
    lost, other, waiting = running(store, "w1"), running(store, "w2"), queue(store)
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
    store.workers.register("gone", socket.gethostname(), ended.pid)
    store.workers.register("here", socket.gethostname(), os.getpid())
    store.workers.register("far", "another-host", ended.pid)
    lost, living, far = (running(store, worker) for worker in ("gone", "here", "far"))
    assert store.workers.mark_interrupted() == [lost]
    assert {store.runs.one(run_id).status for run_id in (living, far)} == {"running"}


def test_a_worker_that_fell_silent_is_dead_until_it_beats(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("lrdash.store.heartbeats.monotonic", lambda: clock[0])
    for worker in ("silent", "beating"):
        store.workers.register(worker, socket.gethostname(), os.getpid())
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
    store.workers.register("w", socket.gethostname(), os.getpid())
    run_id = running(store, "w")
    assert store.workers.mark_interrupted() == []
    store.workers.forget("w")
    store.workers.forget("w")
    assert store.workers.mark_interrupted() == [run_id]
    assert store.runs.one(run_id).worker_id == "w"


def test_a_worker_may_register_again(store: Store) -> None:
    store.workers.register("w", "old-host", 1)
    store.workers.register("w", socket.gethostname(), os.getpid())
    run_id = running(store, "w")
    assert store.workers.mark_interrupted() == []
    assert store.runs.one(run_id).active
