"""A row that cannot be read is left out and named, hides no other one, and can be deleted."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lrdash.core.errors import StoreError
from lrdash.core.events import RateDecided, RunEnded
from lrdash.core.spec import Piece
from lrdash.store import Store
from tests.factories.database import (
    ended_epoch,
    execute,
    experiment,
    queued,
    raw,
    run_ids,
    running,
    started,
)

NO_TEXT = b"caf\xe9"  # Latin-1 where UTF-8 is stored
RUN = [
    ("tags", "[", "tags must be a JSON list, got '['"), ("tags", "7", "tags must be a JSON list"),
    ("tags", "[1]", "tags.0 must be a valid string, got 1"),
    ("versions", "{", "versions must be a JSON object"),
    ("versions", "[]", "versions must be a JSON object"),
    ("created_at", "yesterday", "created_at must be a valid datetime, got 'yesterday'"),
    ("created_at", "12", "created_at must be a valid datetime, got '12'"),
    ("ended_at", "2026-13-01T00:00:00+00:00", "ended_at must be a valid datetime"),
    ("status", "lost", "status must be 'queued', 'running'"),
    ("epochs_done", "some", "epochs_done must be a valid integer"),
    ("spec", "{", "must be a JSON object"), ("spec", '{"warp": 9}', "warp is not a setting"),
    ("name", NO_TEXT, "name must be UTF-8 text"), ("spec", NO_TEXT, "must be a JSON object"),
]


@pytest.mark.parametrize(("column", "value", "reason"), RUN)
def test_a_run_that_cannot_be_read_is_named_and_hides_no_other(
    store: Store, column: str, value: object, reason: str
) -> None:
    good, odd = queued(store), queued(store)
    _text(f"UPDATE runs SET {column} = ? WHERE run_id = ?", value, odd)
    assert [row.run_id for row in store.runs.listing()] == [good]
    assert list(store.runs.unreadable()) == [odd]
    assert f"Run {odd} cannot be read: " in store.runs.unreadable()[odd]
    assert reason in store.runs.unreadable()[odd]
    with pytest.raises(StoreError, match=f"Run {odd} cannot be read"):
        store.runs.one(odd)
    assert any(odd in fault for fault in store.unsound())
    store.runs.counts()
    store.runs.versions()
    store.runs.end(odd, "failed")
    execute("UPDATE runs SET status = 'failed' WHERE run_id = ?", odd)
    assert store.runs.delete([odd]) == 1
    assert store.unsound() == []


@pytest.mark.parametrize(("column", "value"), [
    ("metrics", "{"), ("metrics", "[1]"), ("metrics", '{"loss": "low"}'), ("metrics", "null"),
    ("rates", b"abc"), ("seconds", "long"), ("metrics", NO_TEXT),
])
def test_an_epoch_that_cannot_be_read_hides_no_other_run(
    store: Store, column: str, value: object
) -> None:
    made, (good, odd) = experiment(store, 2, worker_id="w")
    for run_id in (good, odd):
        store.runs.record([
            (run_id, started()), (run_id, ended_epoch(1, own=3.0)), (run_id, ended_epoch(2)),
        ])
    _text(f"UPDATE epochs SET {column} = ? WHERE run_id = ? AND epoch = 1", value, odd)
    assert {name: len(rows) for name, rows in store.runs.epochs_of([good, odd]).items()} == {
        good: 2, odd: 0,
    }
    with pytest.raises(StoreError, match=f"Epoch 1 of run {odd} cannot be read: "):
        store.runs.epochs(odd)
    columns = store.experiments.curves(experiment_id=made, metrics=("loss", "own"))
    assert columns["own"][columns["run_id"] == good][0] == 3.0
    assert any(f"Epoch 1 of run {odd}" in fault for fault in store.unsound())
    assert {row.run_id for row in store.runs.listing()} == {good, odd}


def test_a_number_that_is_none_is_a_gap_in_the_curves(store: Store) -> None:
    made, (one, _) = experiment(store, 2, worker_id="w")
    store.runs.record([(one, started()), (one, ended_epoch(1)), (one, ended_epoch(2))])
    execute("UPDATE epochs SET loss = 'low' WHERE epoch = 1")
    loss = store.experiments.curves(experiment_id=made)["loss"]
    assert np.array_equal(loss, [np.nan, 1.0], equal_nan=True)


@pytest.mark.parametrize("value", ["{", "[]", '{"epoch": 1}', '{"epoch": "x", "reason": "y"}'])
def test_a_decision_that_cannot_be_read_is_named(store: Store, value: str) -> None:
    run_id = running(store)
    decision = RateDecided(epoch=1, rate_before=0.1, rate_after=0.1, reason="kept")
    store.runs.record([(run_id, started()), (run_id, ended_epoch(1)), (run_id, decision)])
    execute("UPDATE decisions SET decision = ?", value)
    with pytest.raises(StoreError, match=f"decision after epoch 1 of run {run_id} cannot be read"):
        store.runs.decisions(run_id)
    assert any("The decision after epoch 1" in fault for fault in store.unsound())


def test_a_command_that_cannot_be_read_stops_no_other_run(store: Store) -> None:
    good, odd = running(store), running(store)
    for run_id in (good, odd):
        store.branches.steer(run_id, Piece(epoch=1, strategy="constant", base_lr=0.1))
    execute("UPDATE commands SET command = '{' WHERE run_id = ?", odd)
    assert list(store.branches.commands([good, odd])) == [good]
    assert any(f"A change of the rate of run {odd}" in fault for fault in store.unsound())


@pytest.mark.parametrize(("column", "value"), [
    ("definition", "{"), ("definition", "[]"), ("created_at", "?"), ("name", NO_TEXT),
])
def test_a_comparison_that_cannot_be_read_is_named_and_can_be_deleted(
    store: Store, column: str, value: object
) -> None:
    (good, _), (odd, _) = experiment(store, 2), experiment(store, 2)
    _text(f"UPDATE experiments SET {column} = ? WHERE experiment_id = ?", value, odd)
    assert [row.experiment_id for row in store.experiments.listing()] == [good]
    assert list(store.experiments.unreadable()) == [odd]
    assert any(f"Experiment {odd} cannot be read" in fault for fault in store.unsound())
    store.runs.request_stop_all(run_ids(store, odd))
    assert store.experiments.delete(odd) == 2
    assert store.unsound() == []


def test_a_run_of_unknown_status_does_not_hide_its_comparison(store: Store) -> None:
    made, (one, _) = experiment(store, 2)
    execute("UPDATE runs SET status = 'lost' WHERE run_id = ?", one)
    assert store.experiments.one(made).counts["queued"] == 1


@pytest.mark.parametrize(("column", "value"), [
    ("definition", "{"), ("losses", b"abc"), ("losses", b"abcd"), ("rates", b"\0" * 7),
    ("started_at", "soon"), ("seeds", 0),
])
def test_a_range_test_that_cannot_be_read_is_named(
    store: Store, column: str, value: object
) -> None:
    good, odd = (
        store.range_tests.create(json.dumps({"base": {}}), [0.1, 0.2], seeds=2) for _ in range(2)
    )
    execute(f"UPDATE range_tests SET {column} = ? WHERE range_test_id = ?", value, odd)
    assert [row.range_test_id for row in store.range_tests.listing()] == [good]
    assert f"Range test {odd} cannot be read" in store.range_tests.unreadable()[odd]
    store.range_tests.end(odd, "stopped")
    assert store.range_tests.delete([odd]) == 1


def test_a_search_that_cannot_be_read_is_named_and_can_be_deleted(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, RunEnded(status="finished"))])
    good, odd = (store.hindsights.create("{}", run_id=run_id) for _ in range(2))
    execute("UPDATE hindsights SET definition = 'none' WHERE hindsight_id = ?", odd)
    execute("UPDATE hindsight_runs SET part = '[' WHERE hindsight_id = ?", odd)
    assert [row.hindsight_id for row in store.hindsights.listing()] == [good]
    assert f"Hindsight {odd} cannot be read" in store.hindsights.unreadable()[odd]
    with pytest.raises(StoreError, match=f"Run {run_id} of a search in hindsight cannot be read"):
        store.hindsights.runs(odd)
    store.hindsights.request_stop(odd)
    store.hindsights.delete(odd)
    assert store.unsound() == []


def test_a_worker_whose_heartbeat_is_no_time_harms_nobody(store: Store) -> None:
    store.workers.register("w")
    mine = running(store, "w")
    execute("UPDATE workers SET heartbeat_at = 'soon'")
    assert store.workers.mark_interrupted() == []
    store.workers.beat("w")
    assert store.runs.one(mine).status == "running"


def _text(statement: str, value: object, item_id: str) -> None:
    """Store a value; bytes as a text that is not UTF-8, as another program would."""
    cast = "CAST(? AS TEXT)" if isinstance(value, bytes) and b"caf" in value else "?"
    connection = raw()
    connection.execute(statement.replace("?", cast, 1), (value, item_id))
    connection.close()
