"""The store remembers what runs said, for any number of threads and processes."""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, inspect, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.events import (
    EpochEnded,
    Event,
    Progress,
    RateDecided,
    RunEnded,
    RunStarted,
    Status,
    now,
)
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.store import Store, database_url, home, repository
from lrdash.store.migrations import MIGRATIONS, WORDS
from lrdash.store.repository import FINAL
from lrdash.store.schema import metadata
from lrdash.store.settings import sqlite_url
from tests import DATA

VERSION_1 = DATA / "store_v1.db"
START = RunStarted(
    engine="lanes", parameters=11, steps_per_epoch=4, updates=12, versions={"keras": "3.15.1"}
)
ORDERLY: tuple[Status, ...] = ("finished", "stopped", "failed", "diverged", "interrupted")


def queue(store: Store, seed: int = 0, **options: object) -> str:
    spec = RunSpec(seed=seed)
    return store.runs.create(
        spec, steps_per_epoch=4, updates=12, parameters=10, **options,  # type: ignore[arg-type]
    )


def running(store: Store, worker_id: str = "worker-1") -> str:
    return queue(store, worker_id=worker_id)


def ended_epoch(epoch: int, loss: float = 1.0) -> EpochEnded:
    rates = np.linspace(0.4, 0.1, 4, dtype=np.float32)
    return EpochEnded(epoch=epoch, metrics={"loss": loss}, rates=rates, seconds=epoch * 0.5)


def execute(statement: str, *values: object) -> None:
    """Do to the database what no method does."""
    connection = sqlite3.connect(make_url(database_url()).database or "")
    with connection:
        connection.execute(statement, values)
    connection.close()


# Settings


def test_home_is_made_and_named_by_the_environment(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "deep" / "below"))
    assert home() == tmp_path / "deep" / "below"
    assert home().is_dir()
    assert make_url(database_url()).database == str(tmp_path / "deep" / "below" / "lrdash.db")


def test_home_defaults_to_a_hidden_folder_of_the_user(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LRDASH_HOME", " ")
    assert home() == tmp_path / ".lrdash"


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LRDASH_HOME", "here")
    assert home() == tmp_path / "here"


def test_the_environment_names_another_database(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LRDASH_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    Store().close()
    assert (tmp_path / "other.db").exists()


@pytest.mark.parametrize("folder", ["a b", "100%", "ü", "a?b=c#d", "x@y:z", "a%20b"])
def test_any_folder_name_survives_the_url(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    store = Store(sqlite_url(tmp_path / folder / "lrdash.db"))
    queue(store)
    store.close()
    assert (tmp_path / folder / "lrdash.db").exists()


# Runs


def test_a_new_run_is_queued_and_comes_back_as_given(store: Store) -> None:
    spec = RunSpec(
        seed=3, params={"milestones": [1, 2], "note": "ü 😀"}, early_stopping=EarlyStopping()
    )
    before = now()
    run_id = store.runs.create(
        spec, steps_per_epoch=4, updates=12, parameters=10, engine="keras", name="  My  run ",
        tags=["a", "b", "a", " "],
    )
    row = store.runs.one(run_id)
    assert len(run_id) == 12
    assert set(run_id) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert row.spec == spec
    assert row.spec.digest == spec.digest
    assert (row.run_id, row.name, row.tags) == (run_id, "My run", ("a", "b"))
    assert (row.status, row.reason, row.engine) == ("queued", "", "keras")
    assert (row.steps_per_epoch, row.updates, row.update, row.parameters) == (4, 12, 0, 10)
    assert (row.epochs_done, row.seconds, row.worker_id, row.versions) == (0, 0.0, None, {})
    assert row.active
    assert not row.stop_requested
    assert (row.started_at, row.ended_at) == (None, None)
    assert before <= row.created_at <= now()
    assert row.created_at.utcoffset() == timedelta(0)


def test_an_unknown_run_is_said_to_be_missing(store: Store) -> None:
    with pytest.raises(NotFound, match="no run 'nothing'"):
        store.runs.one("nothing")
    with pytest.raises(NotFound):
        store.runs.rename("nothing", "x")
    with pytest.raises(NotFound):
        store.runs.tag("nothing", ["x"])
    with pytest.raises(NotFound):
        store.runs.request_stop("nothing")
    assert store.runs.epochs("nothing") == []
    assert store.runs.decisions("nothing") == []


def test_runs_are_listed_newest_first(store: Store) -> None:
    ids = [queue(store, seed) for seed in range(5)]
    assert [row.run_id for row in store.runs.listing()] == ids[::-1]
    assert [row.run_id for row in store.runs.listing(limit=2)] == [ids[4], ids[3]]


def test_runs_are_chosen_by_status_id_and_spec(store: Store) -> None:
    ids = [queue(store, seed) for seed in range(5)]
    store.runs.claim(ids[1], "w")
    store.runs.end(ids[2], "failed", "no reason")
    assert [row.run_id for row in store.runs.listing(status="running")] == [ids[1]]
    both = store.runs.listing(status=("running", "failed"))
    assert [row.run_id for row in both] == [ids[2], ids[1]]
    named = store.runs.listing(run_ids=[ids[0], "unknown", ids[4], ids[0]])
    assert [row.run_id for row in named] == [ids[4], ids[0]]
    assert [row.run_id for row in store.runs.listing(run_ids=ids, limit=1)] == [ids[4]]
    assert store.runs.listing(run_ids=[]) == []
    assert store.runs.listing(status=()) == []
    assert [row.run_id for row in store.runs.listing(digest=RunSpec(seed=3).digest)] == [ids[3]]


def test_any_number_of_ids_may_be_asked_for(store: Store, monkeypatch) -> None:
    monkeypatch.setattr(repository, "CHUNK", 2)
    ids = [running(store) for _ in range(5)]
    store.runs.record([(run_id, ended_epoch(1)) for run_id in ids])
    assert [row.run_id for row in store.runs.listing(run_ids=ids)] == ids[::-1]
    assert [row.run_id for row in store.runs.listing(run_ids=ids, limit=3)] == ids[:1:-1]
    assert [len(rows) for rows in store.runs.epochs_of(ids).values()] == [1] * 5
    assert store.runs.versions(ids) == dict.fromkeys(ids, 2)
    assert store.runs.stop_requests([*ids, "gone"]) == {"gone"}
    assert len(store.workers.mark_interrupted("worker-1")) == 5
    assert store.runs.delete([*ids, "gone"]) == 5


def test_counts_name_every_status(store: Store) -> None:
    queue(store)
    queue(store)
    running(store)
    assert store.runs.counts() == {
        "queued": 2, "running": 1, "finished": 0, "stopped": 0, "failed": 0, "diverged": 0,
        "interrupted": 0,
    }


def test_names_and_tags_can_be_changed(store: Store) -> None:
    run_id = queue(store, name="old", tags=["x"])
    store.runs.rename(run_id, " new  name ")
    store.runs.tag(run_id, ["b", "a"])
    row = store.runs.one(run_id)
    assert (row.name, row.tags, row.version) == ("new name", ("b", "a"), 3)


@pytest.mark.parametrize(
    ("name", "tags", "message"),
    [
        ("x" * 201, [], "name must have at most 200 characters"),
        (None, [], "name must be a text"),
        ("a\0b", [], "name must not contain control characters"),
        ("\ud800", [], "name must not contain control characters"),
        ("", ["y" * 51], "tags must have at most 50 characters"),
        ("", "digits", "tags must be a list of texts, got 'digits'"),
    ],
)
def test_a_name_or_tag_that_cannot_be_shown_is_refused(
    store: Store, name: str, tags: list[str], message: str
) -> None:
    with pytest.raises(InvalidField, match=message):
        queue(store, name=name, tags=tags)
    assert store.runs.listing() == []


def test_a_run_of_settings_unknown_here_does_not_hide_the_others(store: Store) -> None:
    good, odd = queue(store), queue(store)
    execute("UPDATE runs SET spec = ? WHERE run_id = ?", '{"warp": 9}', odd)
    assert [row.run_id for row in store.runs.listing()] == [good]
    assert list(store.runs.unreadable()) == [odd]
    assert "warp is not a setting" in store.runs.unreadable()[odd]
    with pytest.raises(StoreError, match=rf"Run {odd} .*cannot read: warp .*or delete the run"):
        store.runs.one(odd)
    assert store.runs.counts()["queued"] == 2
    assert store.runs.end(odd, "failed", "its settings cannot be read")
    assert store.runs.delete([odd]) == 1
    assert store.runs.unreadable() == {}


def test_deleting_takes_epochs_and_decisions_along(store: Store) -> None:
    gone, kept = running(store), running(store)
    decision = RateDecided(epoch=1, rate_before=0.1, rate_after=0.1, reason="kept")
    ended = RunEnded(status="finished")
    for run_id in (gone, kept):
        store.runs.record([(run_id, START), (run_id, ended_epoch(1)), (run_id, decision),
                      (run_id, ended)])
    assert store.runs.delete([gone, gone, "unknown"]) == 1
    assert (store.runs.epochs(gone), store.runs.decisions(gone)) == ([], [])
    assert len(store.runs.epochs(kept)) == len(store.runs.decisions(kept)) == 1
    assert [row.run_id for row in store.runs.listing()] == [kept]


def test_deleting_an_active_run_is_refused_as_a_whole(store: Store) -> None:
    done, waiting, busy = queue(store), queue(store), running(store)
    store.runs.end(done, "finished", "")
    with pytest.raises(StoreError, match=rf"Nothing was deleted: runs {waiting} and {busy} are"):
        store.runs.delete([busy, done, waiting])
    assert len(store.runs.listing()) == 3


# From the queue to the end


def test_the_queue_is_oldest_first_even_within_one_moment(store: Store) -> None:
    ids = [queue(store) for _ in range(6)]
    execute("UPDATE runs SET created_at = '2026-11-22T12:00:00.000000+00:00'")
    store.runs.claim(ids[0], "w")
    assert store.runs.queued() == ids[1:]
    assert store.runs.queued(limit=2) == ids[1:3]


def test_a_run_is_claimed_once(store: Store) -> None:
    run_id = queue(store)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: store.runs.claim(run_id, f"w{n}"), range(8)))
    assert sum(claims) == 1
    row = store.runs.one(run_id)
    assert (row.status, row.worker_id) == ("running", f"w{claims.index(True)}")
    assert not store.runs.claim("unknown", "w")


def test_a_run_made_by_its_own_worker_is_never_queued(store: Store) -> None:
    run_id = running(store, "w")
    assert store.runs.queued() == []
    assert not store.runs.claim(run_id, "other")
    assert store.runs.one(run_id).worker_id == "w"


def test_a_run_is_followed_from_start_to_end(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, START), (run_id, Progress(update=2))])
    row = store.runs.one(run_id)
    assert (row.engine, row.parameters, row.started_at) == ("lanes", 11, START.at)
    assert (row.update, row.versions) == (2, {"keras": "3.15.1"})
    said = (ended_epoch(1), ended_epoch(2), Progress(update=9))
    store.runs.record([(run_id, event) for event in said])
    row = store.runs.one(run_id)
    assert (row.epochs_done, row.update, row.seconds) == (2, 9, 1.0)
    end = RunEnded(status="diverged", reason="the loss became NaN", seconds=1.25)
    store.runs.record([(run_id, end)])
    row = store.runs.one(run_id)
    assert (row.status, row.reason, row.seconds) == ("diverged", "the loss became NaN", 1.25)
    assert row.ended_at == end.at
    assert row.ended_at.utcoffset() == timedelta(0)


def test_every_change_raises_the_version(store: Store) -> None:
    run_id = queue(store)
    seen = [store.runs.versions([run_id])[run_id]]
    decision = RateDecided(epoch=1, rate_before=0.1, rate_after=0.1, reason="kept")
    for change in (
        lambda: store.runs.rename(run_id, "x"),
        lambda: store.runs.tag(run_id, ["x"]),
        lambda: store.runs.claim(run_id, "w"),
        lambda: store.runs.record([(run_id, START)]),
        lambda: store.runs.record([(run_id, Progress(update=1))]),
        lambda: store.runs.record([(run_id, ended_epoch(1))]),
        lambda: store.runs.record([(run_id, decision)]),
        lambda: store.runs.request_stop(run_id),
        lambda: store.workers.mark_interrupted("w"),
    ):
        change()
        seen.append(store.runs.versions([run_id])[run_id])
    assert all(after > before for before, after in itertools.pairwise(seen))
    assert store.runs.versions() == {}
    other = queue(store)
    assert store.runs.versions() == {other: 1}


def test_epochs_come_back_to_the_bit(store: Store) -> None:
    run_id = running(store)
    rates = np.float32(0.1) * np.random.default_rng(0).random(4, dtype=np.float32)
    metrics = {"loss": 0.1 + 0.2, "val_loss": np.float32(0.1), "accuracy": 1}
    event = EpochEnded(epoch=1, metrics=metrics, rates=rates, seconds=1 / 3)
    store.runs.record([(run_id, event)])
    (row,) = store.runs.epochs(run_id)
    assert row.run_id == run_id
    assert row.metrics == {"loss": 0.1 + 0.2, "val_loss": float(np.float32(0.1)), "accuracy": 1.0}
    assert row.rates.dtype == np.float32
    assert row.rates.tobytes() == rates.tobytes()
    assert row.learning_rate == float(rates[-1])
    assert row.seconds == 1 / 3


def test_rates_of_any_layout_are_stored(store: Store) -> None:
    run_id = running(store)
    rates = np.linspace(1, 0, 8, dtype=">f4")[::2]
    store.runs.record([(run_id, EpochEnded(epoch=1, metrics={}, rates=rates, seconds=0.1))])
    np.testing.assert_array_equal(store.runs.epochs(run_id)[0].rates, rates)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_metric_that_is_not_finite_comes_back_as_nan(store: Store, value: float) -> None:
    run_id = running(store)
    event = EpochEnded(
        epoch=1, metrics={"loss": value, "val_loss": 1.0}, rates=np.array([value], np.float32),
        seconds=0.1,
    )
    store.runs.record([(run_id, event)])
    (row,) = store.runs.epochs(run_id)
    assert math.isnan(row.metrics["loss"])
    assert math.isnan(row.learning_rate)
    assert row.metrics["val_loss"] == 1.0


def test_only_epochs_not_yet_seen_are_given(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, ended_epoch(n)) for n in (3, 1, 2)])
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1, 2, 3]
    assert [row.epoch for row in store.runs.epochs(run_id, after=1)] == [2, 3]
    assert store.runs.epochs(run_id, after=3) == []


def test_epochs_of_many_runs_come_at_once(store: Store) -> None:
    one, two, none = (running(store) for _ in range(3))
    store.runs.record([(run_id, ended_epoch(n)) for n in (2, 1) for run_id in (two, one)])
    found = store.runs.epochs_of([two, none, one, "unknown"])
    assert {run_id: [row.epoch for row in rows] for run_id, rows in found.items()} == {
        two: [1, 2], none: [], one: [1, 2], "unknown": [],
    }


def test_an_epoch_that_comes_again_replaces_itself(store: Store) -> None:
    run_id = running(store)
    batch: list[tuple[str, Event]] = [
        (run_id, START), (run_id, ended_epoch(1)), (run_id, ended_epoch(2)),
        (run_id, RateDecided(epoch=2, rate_before=0.4, rate_after=0.2, reason="cut")),
    ]
    store.runs.record(batch)
    first = store.runs.one(run_id)
    store.runs.record(batch)
    again = store.runs.one(run_id)
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1, 2]
    assert len(store.runs.decisions(run_id)) == 1
    assert (again.epochs_done, again.update, again.seconds) == (2, 8, 1.0)
    assert again.started_at == first.started_at
    store.runs.record([(run_id, ended_epoch(1, loss=7)), (run_id, ended_epoch(1, loss=8))])
    assert [row.metrics["loss"] for row in store.runs.epochs(run_id)] == [8.0, 1.0]
    assert store.runs.one(run_id).epochs_done == 2


def test_decisions_come_back_as_they_were_said(store: Store) -> None:
    run_id = running(store)
    said = [
        RateDecided(epoch=0, rate_before=0.1, rate_after=0.1, reason="ü"),
        RateDecided(
            epoch=1, rate_before=0.1 + 0.2, rate_after=1e-12, reason="r", monitor="val_loss",
            monitored=math.nan, best=math.inf, wait=0, cooldown=2,
        ),
        RateDecided(
            epoch=2, rate_before=0.1, rate_after=0.1, reason="r", monitor="accuracy",
            monitored=0.5, best=-math.inf, wait=np.int64(3),  # type: ignore[arg-type]
        ),
    ]
    store.runs.record([(run_id, event) for event in said])
    assert [str(event) for event in store.runs.decisions(run_id)] == [
        str(event).replace("np.int64(3)", "3") for event in said
    ]
    assert store.runs.decisions(run_id)[0] == said[0]
    assert [event.epoch for event in store.runs.decisions(run_id, after=0)] == [1, 2]


def test_events_of_a_deleted_run_do_no_harm(store: Store) -> None:
    gone, kept = running(store), running(store)
    store.runs.end(gone, "stopped", "")
    store.runs.delete([gone])
    decided = RateDecided(epoch=1, rate_before=0.1, rate_after=0.1, reason="kept")
    store.runs.record([
        (gone, START), (gone, ended_epoch(1)), (kept, ended_epoch(1)), (gone, decided),
        (gone, RunEnded(status="finished")),
    ])
    assert store.runs.epochs(gone) == []
    assert len(store.runs.epochs(kept)) == 1
    assert len(store.runs.listing()) == 1


@pytest.mark.parametrize("status", ORDERLY)
def test_a_final_status_is_never_overwritten(store: Store, status: Status) -> None:
    run_id = running(store)
    assert store.runs.end(run_id, status, "first")
    ended = store.runs.one(run_id)
    late = (ended_epoch(1), RunEnded(status="failed", reason="second"))
    store.runs.record([(run_id, event) for event in late])
    assert not store.runs.end(run_id, "failed", "third")
    store.runs.request_stop(run_id)
    store.workers.mark_interrupted()
    row = store.runs.one(run_id)
    assert (row.status, row.reason, row.ended_at) == (status, "first", ended.ended_at)
    assert not row.active
    assert not row.stop_requested
    assert len(store.runs.epochs(run_id)) == 1


def test_two_ends_in_one_batch_leave_the_first(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, RunEnded(status="stopped")), (run_id, RunEnded(status="failed"))])
    assert store.runs.one(run_id).status == "stopped"


def test_ending_takes_a_final_status_only(store: Store) -> None:
    run_id = running(store)
    assert set(ORDERLY) == set(FINAL)
    with pytest.raises(InvalidField, match="status must be one of finished, stopped, failed"):
        store.runs.end(run_id, "queued", "")
    assert not store.runs.end("unknown", "failed", "")


def test_any_reason_can_be_stored(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, RunEnded(status="failed", reason="a\0b \ud800" + "x" * 9000))])
    reason = store.runs.one(run_id).reason
    assert reason.startswith("ab ?xxx")
    assert len(reason) == 4000


def test_nothing_to_record_is_nothing_done(store: Store) -> None:
    store.runs.record([])
    assert store.runs.listing() == []


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


# The schema


def test_todays_code_reads_a_database_of_version_1(tmp_path: Path) -> None:
    """The file was written by the first schema; it is never made anew."""
    shutil.copy(VERSION_1, tmp_path / "old.db")
    store = Store(sqlite_url(tmp_path / "old.db"))
    waiting, row = store.runs.listing()
    assert (waiting.run_id, waiting.status) == ("stillqueued1", "queued")
    assert row.spec == RunSpec(
        dataset="digits", model="mlp", model_params={"hidden": [128, 64]}, strategy="plateau",
        params={"patience": 2, "factor": 0.5}, base_lr=0.2, epochs=4, batch_size=32, seed=7,
        early_stopping=EarlyStopping(patience=3),
    )
    begin = datetime(2026, 11, 22, 12, 0, 0, 250000, tzinfo=UTC)
    assert row.created_at == begin
    assert row.started_at == begin + timedelta(seconds=1)
    assert row.ended_at == begin + timedelta(seconds=4)
    assert (row.run_id, row.name) == ("firstlight01", "First light")
    assert row.tags == ("digits", "plateau")
    assert (row.status, row.engine, row.seconds, row.worker_id) == (
        "finished", "lanes", 2.5, "worker-1"
    )
    assert (row.steps_per_epoch, row.updates, row.update, row.epochs_done) == (3, 12, 12, 4)
    assert row.versions == {"keras": "3.15.1", "tensorflow": "2.21.0"}
    epochs = store.runs.epochs(row.run_id)
    assert [e.metrics["loss"] for e in epochs] == [1, 1 / 2, 1 / 3, 1 / 4]
    assert [e.metrics["accuracy"] for e in epochs] == [0.25, 0.5, 0.75, 1.0]
    assert str([e.metrics["val_loss"] for e in epochs]) == "[0.75, nan, 0.5, 0.5]"
    assert [e.seconds for e in epochs] == [0.5, 1.0, 1.5, 2.0]
    used = np.repeat(np.float32([0.2, 0.2, 0.2, 0.1]), 3).reshape(4, 3)
    np.testing.assert_array_equal([e.rates for e in epochs], used)
    decisions = store.runs.decisions(row.run_id)
    assert [(d.epoch, d.rate_after, d.wait, d.reason) for d in decisions] == [
        (1, 0.2, 0, "improved"), (2, 0.2, 1, "not a number"), (3, 0.1, 0, "halved"),
    ]
    assert math.isnan(decisions[1].monitored or 0)
    assert store.runs.claim("stillqueued1", "w")
    store.close()


def sqlite_type(column: TypeEngine[object]) -> str:
    return column.compile(sqlite.dialect()).replace("DOUBLE", "REAL")


def test_the_migrations_end_at_the_schema_that_the_code_uses(store: Store) -> None:
    engine = create_engine(store.url)
    found = inspect(engine)
    assert set(found.get_table_names()) == set(metadata.tables)
    for name, table in metadata.tables.items():
        made = {
            column["name"]: (
                sqlite_type(column["type"]), column["nullable"] and not column["primary_key"]
            )
            for column in found.get_columns(name)
        }
        used = {
            column.name: (sqlite_type(column.type), column.nullable)
            for column in table.columns
        }
        assert made == used
        assert found.get_pk_constraint(name)["constrained_columns"] == [
            column.name for column in table.primary_key
        ]
        assert {tuple(index["column_names"]) for index in found.get_indexes(name)} == {
            tuple(column.name for column in index.columns) for index in table.indexes
        }
        assert len(found.get_foreign_keys(name)) == len(table.foreign_keys)
    engine.dispose()


def test_an_id_is_given_once(store: Store) -> None:
    one, two = queue(store), queue(store)
    with pytest.raises(sqlite3.IntegrityError):
        execute("UPDATE runs SET run_id = ? WHERE run_id = ?", one, two)


def test_the_schema_can_be_said_to_postgresql() -> None:
    for table in metadata.tables.values():
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
    for migration in MIGRATIONS:
        for statement in migration.statements:
            assert "{" not in statement.format(**WORDS["postgresql"])


# Several processes and threads at once


def write_many(url: str, run_id: str, batches: int) -> None:
    store = Store(url)
    for number in range(1, batches + 1):
        store.runs.record([(run_id, ended_epoch(number)), (run_id, Progress(update=number))])
    store.close()


def open_store(url: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    store = Store(url)
    queue(store)
    store.close()


def spawn(target: object, *arguments: tuple[object, ...]) -> list[multiprocessing.Process]:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=given) for given in arguments]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    return processes  # type: ignore[return-value]


def test_processes_that_write_at_once_lose_nothing(store: Store) -> None:
    ids = [running(store, f"w{n}") for n in range(4)]
    writers = spawn(write_many, *((store.url, run_id, 200) for run_id in ids))
    seen = [0]
    while any(writer.is_alive() for writer in writers):
        rows = {row.run_id: row for row in store.runs.listing()}
        for run_id, row in rows.items():
            assert len(store.runs.epochs(run_id)) >= row.epochs_done
        seen.append(sum(row.epochs_done for row in rows.values()))
        writers[0].join(0.05)  # leaves the processor to the writers
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert seen == sorted(seen)
    for run_id in ids:
        assert [row.epoch for row in store.runs.epochs(run_id)] == list(range(1, 201))
        assert store.runs.one(run_id).version >= 201  # a batch that was tried again counts again


def test_processes_that_open_a_new_database_at_once_all_can_use_it() -> None:
    url = database_url()
    barrier = multiprocessing.get_context("spawn").Barrier(3)
    for opener in spawn(open_store, *[(url, barrier)] * 3):
        opener.join()
        assert opener.exitcode == 0
    store = Store(url)
    assert len(store.runs.listing()) == 3
    store.close()


def test_many_threads_share_one_store(store: Store) -> None:
    run_id = running(store)
    numbers = iter(range(1, 201))
    lock = threading.Lock()

    def work(_: int) -> None:
        for _ in range(25):
            with lock:
                number = next(numbers)
            store.runs.record([(run_id, ended_epoch(number))])
            assert store.runs.one(run_id).epochs_done >= number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(store.runs.epochs(run_id)) == 200
    assert store.runs.one(run_id).version == 201


def test_a_closed_store_opens_again_when_asked(store: Store) -> None:
    run_id = queue(store)
    store.close()
    store.close()
    assert store.runs.one(run_id).run_id == run_id
