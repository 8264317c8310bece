"""Range tests in the store: their states, their losses, and what a dead worker leaves behind."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.store import Store
from lrdash.store.settings import sqlite_url
from tests import DATA

RATES = np.geomspace(1e-3, 1, 4).astype(np.float32)


def queue(store: Store) -> str:
    return store.range_tests.create('{"base":1}', RATES, seeds=2)


def test_a_test_goes_from_queued_to_finished_and_keeps_its_losses(store: Store) -> None:
    tests, made = store.range_tests, queue(store)
    row = tests.one(made)
    assert (row.status, row.active, row.update, row.updates, row.seconds) == (
        "queued", True, 0, 4, 0.0
    )
    assert np.isnan(row.losses).all()
    assert row.losses.shape == (2, 4)
    np.testing.assert_array_equal(row.rates, RATES)
    assert tests.queued() == [made]
    assert tests.claim(made, "w")
    assert not tests.claim(made, "other")
    losses = np.array([[1, 2, np.inf, np.nan], [3, 4, 5, np.nan]], np.float32)
    tests.note(made, 3, losses, "w")
    tests.note(made, 4, losses * 2, "other")  # whose test it is not
    assert tests.end(made, "finished")
    assert not tests.end(made, "failed", "too late")
    tests.note(made, 4, losses * 2, "w")  # nor is it this one's any more
    row = tests.one(made)
    assert (row.status, row.reason, row.update, row.active) == ("finished", "", 3, False)
    np.testing.assert_array_equal(row.losses, losses)
    assert row.seconds >= 0
    assert row.version > 1


def test_a_stop_ends_a_queued_test_and_is_noted_for_a_running_one(store: Store) -> None:
    tests, waiting, running = store.range_tests, queue(store), queue(store)
    tests.claim(running, "w")
    for made in (waiting, running):
        tests.request_stop(made)
    assert tests.one(waiting).status == "stopped"
    assert tests.one(waiting).reason == "stopped before it began"
    assert tests.one(running).stop_requested
    assert tests.has_to_stop(running, "w")
    assert tests.stop_asked(running)
    assert not tests.stop_asked(waiting)
    with pytest.raises(NotFound, match="no range test 'nowhere'"):
        tests.request_stop("nowhere")
    tests.end(running, "stopped", "x")
    tests.request_stop(running)
    assert not tests.one(running).stop_requested


def test_a_test_that_is_no_longer_the_workers_has_to_stop(store: Store) -> None:
    tests, made = store.range_tests, queue(store)
    tests.claim(made, "w")
    assert not tests.has_to_stop(made, "w")
    assert tests.has_to_stop(made, "other")
    assert tests.has_to_stop("gone", "w")


def test_the_test_of_a_dead_worker_is_interrupted(store: Store) -> None:
    tests, lost, waiting = store.range_tests, queue(store), queue(store)
    tests.claim(lost, "never-registered")
    assert store.workers.mark_interrupted() == []  # no run was
    row = tests.one(lost)
    assert (row.status, row.reason) == (
        "interrupted", "the training process ended unexpectedly"
    )
    assert tests.one(waiting).status == "queued"
    tests.claim(waiting, "w")
    store.workers.mark_interrupted("w", "the server was shut down")
    assert tests.one(waiting).reason == "the server was shut down"


def test_tests_are_listed_newest_first_and_deleted_when_they_are_over(store: Store) -> None:
    tests, one, two = store.range_tests, queue(store), queue(store)
    assert [row.range_test_id for row in tests.listing()] == [two, one]
    assert len(tests.listing(limit=1)) == 1
    tests.request_stop(one)
    with pytest.raises(StoreError, match=f"{two} is still queued or running"):
        tests.delete([one, two])
    assert tests.delete([one, "unknown"]) == 1
    with pytest.raises(NotFound):
        tests.one(one)


def test_a_test_without_a_sweep_and_wrong_values_are_refused(store: Store) -> None:
    tests, made = store.range_tests, queue(store)
    tests.held_against(made, None)
    with pytest.raises(NotFound):
        tests.held_against("nowhere", None)
    with pytest.raises(InvalidField, match="definition must be a JSON object"):
        tests.create("[1]", RATES, seeds=1)
    with pytest.raises(InvalidField, match="status must be one of"):
        tests.end(made, "running")


@pytest.mark.parametrize("name", ["store_v1.db", "store_v2.db"])
def test_a_database_of_an_earlier_version_takes_range_tests(tmp_path: Path, name: str) -> None:
    shutil.copy(DATA / name, tmp_path / "old.db")
    store = Store(sqlite_url(tmp_path / "old.db"))
    runs = len(store.runs.listing())
    assert store.range_tests.listing() == []
    made = queue(store)
    assert store.range_tests.one(made).status == "queued"
    assert len(store.runs.listing()) == runs > 0
    store.close()


def test_a_sweep_that_is_deleted_is_forgotten_by_its_test(store: Store, home: Path) -> None:
    made = queue(store)
    sweep = store.experiments.create("{}", [], groups=[])
    store.range_tests.held_against(made, sweep)
    assert store.range_tests.one(made).experiment_id == sweep
    store.experiments.delete(sweep)
    assert store.range_tests.one(made).experiment_id is None
    store.close()
    with sqlite3.connect(home / "lrdash.db") as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
