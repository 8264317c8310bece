"""Runs and range tests go one way: queued, claimed, asked to stop, ended, deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.events import (
    RunEnded,
    Status,
)
from lrdash.store import Store
from lrdash.store.repository import FINAL
from tests.factories.database import ended_epoch, experiment, queued, running


@pytest.fixture(params=["run", "range test"])
def kind(request: pytest.FixtureRequest, store: Store) -> tuple[Any, Callable[[], str]]:
    """A repository of what is queued, and what adds to it."""
    if request.param == "run":
        return store.runs, lambda: queued(store)
    return store.range_tests, lambda: store.range_tests.create("{}", [0.1, 0.2], seeds=1)


def test_a_queued_one_is_claimed_once_in_the_order_of_the_queue(kind: Any) -> None:
    items, add = kind
    ids = [add() for _ in range(3)]
    assert items.queued() == ids
    assert items.queued(limit=1) == ids[:1]
    assert items.claim(ids[0], "w")
    assert not items.claim(ids[0], "other")
    assert not items.claim("unknown", "w")
    assert items.queued() == ids[1:]
    assert items.claim_group([ids[2], *ids], "w2") == [ids[2], ids[1]]
    assert [items.one(item_id).worker_id for item_id in ids] == ["w", "w2", "w2"]


def test_a_queued_one_is_stopped_at_once(kind: Any) -> None:
    items, add = kind
    made = add()
    items.request_stop(made)
    row = items.one(made)
    assert (row.status, row.reason) == ("stopped", "stopped before it began")
    assert row.ended_at is not None
    assert not row.stop_requested
    assert not items.claim(made, "w")


def test_a_running_one_gets_the_request_until_it_ends(kind: Any) -> None:
    items, add = kind
    made = add()
    items.claim(made, "w")
    assert not items.one(made).stop_requested
    items.request_stop(made)
    row = items.one(made)
    assert (row.status, row.stop_requested) == ("running", True)
    items.request_stop(made)
    assert items.one(made).version == row.version
    items.end(made, "stopped")
    items.request_stop(made)
    assert (items.one(made).status, items.one(made).stop_requested) == ("stopped", False)


@pytest.mark.parametrize("status", FINAL)
def test_it_ends_once(kind: Any, status: Status) -> None:
    items, add = kind
    made = add()
    with pytest.raises(InvalidField, match="status must be one of finished, stopped, failed"):
        items.end(made, "queued")
    assert items.end(made, status, "first")
    assert not items.end(made, "failed", "second")
    assert not items.end("unknown", "failed")
    row = items.one(made)
    assert (row.status, row.reason, row.active) == (status, "first", False)


def test_a_dead_worker_leaves_it_interrupted(kind: Any, store: Store) -> None:
    items, add = kind
    lost, other, waiting = add(), add(), add()
    items.claim(lost, "never-registered")
    assert store.workers.mark_interrupted() == ([lost] if items is store.runs else [])
    row = items.one(lost)
    assert (row.status, row.reason) == ("interrupted", "the training process ended unexpectedly")
    assert row.ended_at is not None
    items.claim(other, "w")
    store.workers.mark_interrupted("w", "the server was shut down")
    assert items.one(other).reason == "the server was shut down"
    assert items.one(waiting).status == "queued"


def test_only_those_that_are_over_are_deleted(kind: Any) -> None:
    items, add = kind
    done, waiting = add(), add()
    items.end(done, "finished")
    with pytest.raises(StoreError, match=rf"Nothing was deleted: .* {waiting} is still queued or"):
        items.delete([done, waiting])
    assert len(items.listing()) == 2
    assert items.delete([done, done, "unknown"]) == 1
    with pytest.raises(NotFound, match=r"There is no .*\. It may have been deleted"):
        items.one(done)


def test_what_does_not_exist_cannot_be_stopped(kind: Any) -> None:
    items, _ = kind
    with pytest.raises(NotFound, match=f"There is no {items.kind} 'nowhere'"):
        items.request_stop("nowhere")


def test_a_method_within_another_is_part_of_its_transaction(store: Store) -> None:
    run_id = queued(store)

    def rename_and_fail() -> None:
        with store._database.writing():
            store.runs.rename(run_id, "new")
            assert store.runs.one(run_id).name == "new"
            raise InvalidField("x", "fails", 0)

    with pytest.raises(InvalidField):
        rename_and_fail()
    assert store.runs.one(run_id).name == ""



@pytest.mark.parametrize("status", FINAL)
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


def test_a_worker_sees_which_of_its_runs_have_to_stop(store: Store) -> None:
    one, other = running(store), running(store)
    store.runs.request_stop(one)
    assert store.runs.stop_requests([one, other]) == {one}
    assert store.runs.stop_requests([]) == set()
    store.runs.record([(one, RunEnded(status="stopped"))])
    assert store.runs.stop_requests([one, other]) == set()


def test_several_runs_are_requested_to_stop_at_once(store: Store) -> None:
    _, ids = experiment(store, 3)
    store.runs.claim(ids[0], "w")
    store.runs.end(ids[1], "failed", "no")
    assert store.runs.request_stop_all([*ids, "nowhere"]) == 2
    rows = [store.runs.one(run_id) for run_id in ids]
    assert [row.status for row in rows] == ["running", "failed", "stopped"]
    assert rows[0].stop_requested
    assert rows[2].reason == "stopped before it began"
    assert store.runs.stop_requests(ids[:1], "w") == {ids[0]}
    assert store.runs.request_stop_all(ids) == 0
