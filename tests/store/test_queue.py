"""Queued runs are handed out in order, by as few queries for a thousand as for ten."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

from lrdash.core.events import (
    RateDecided,
    RunEnded,
)
from lrdash.core.spec import RunSpec
from lrdash.store import NewRun, Store
from tests.factories.database import (
    ended_epoch,
    execute,
    experiment,
    queued,
    raw,
    running,
    started,
)


def fill(store: Store, runs: int) -> list[str]:
    new = [
        NewRun(spec=RunSpec(seed=n), label="", steps_per_epoch=2, updates=4, parameters=1)
        for n in range(runs)
    ]
    made_now = store.experiments.create("{}", new, groups=[[place] for place in range(runs)])
    return [row.run_id for row in reversed(store.runs.listing(experiment_id=made_now))]


@pytest.fixture
def statements(store: Store) -> Iterator[list[str]]:
    """All SQL that this store sends from now on."""
    sent: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", hear)
    yield sent
    event.remove(engine, "before_cursor_execute", hear)


def test_the_queue_is_oldest_first_even_within_one_moment(store: Store) -> None:
    ids = [queued(store) for _ in range(6)]
    execute("UPDATE runs SET created_at = '2026-11-22T12:00:00.000000+00:00'")
    store.runs.claim(ids[0], "w")
    assert store.runs.queued() == ids[1:]
    assert store.runs.queued(limit=2) == ids[1:3]


def test_a_run_made_by_its_own_worker_is_never_queued(store: Store) -> None:
    run_id = running(store, "w")
    assert store.runs.queued() == []
    assert not store.runs.claim(run_id, "other")
    assert store.runs.one(run_id).worker_id == "w"


def test_groups_are_handed_out_oldest_first(store: Store) -> None:
    alone = queued(store)
    _, ids = experiment(store, 4, [[1, 3], [0, 2]])
    last = queued(store)
    even, odd = [ids[0], ids[2]], [ids[1], ids[3]]
    assert store.runs.queued_groups() == [[alone], even, odd, [last]]
    assert store.runs.queued_groups(limit=2) == [[alone], even]
    store.runs.claim(ids[0], "w")
    assert store.runs.queued_groups() == [[alone], odd, [ids[2]], [last]]


def test_only_queued_runs_of_a_group_are_claimed(store: Store) -> None:
    _, ids = experiment(store, 4)
    store.runs.request_stop(ids[1])
    assert store.runs.claim(ids[2], "other")
    assert store.runs.claim_group([ids[3], *ids], "w") == [ids[3], ids[0]]
    assert store.runs.claim_group(ids, "late") == []
    assert [store.runs.one(run_id).worker_id for run_id in ids] == ["w", None, "other", "w"]


def test_interrupted_and_stopped_runs_can_be_queued_again(store: Store) -> None:
    _, ids = experiment(store, 5)
    store.runs.claim_group(ids[:4], "w")
    decided = RateDecided(epoch=1, rate_before=0.1, rate_after=0.05, reason="cut")
    for run_id in ids[:4]:
        store.runs.record([(run_id, started()), (run_id, ended_epoch(1)), (run_id, decided)])
    store.runs.request_stop(ids[0])
    ends = zip(ids, ("stopped", "interrupted", "finished", "diverged"), strict=False)
    store.runs.record([
        (run_id, RunEnded(status=status)) for run_id, status in ends  # type: ignore[arg-type]
    ])
    version = store.runs.one(ids[0]).version
    assert store.runs.requeue(ids) == ids[:2]
    for run_id in ids[:2]:
        row = store.runs.one(run_id)
        assert (row.status, row.reason, row.engine, row.worker_id) == ("queued", "", "auto", None)
        assert (row.epochs_done, row.stop_requested, row.ended_at) == (1, False, None)
        assert row.started_at is not None
        assert [epoch.epoch for epoch in store.runs.epochs(run_id)] == [1]
        assert store.runs.decisions(run_id) == [decided]
    assert store.runs.one(ids[0]).version > version
    assert len(store.runs.epochs(ids[2])) == 1
    assert store.runs.queued_groups() == [[ids[0], ids[1], ids[4]]]
    assert store.runs.claim_group(ids[:2], "w2") == ids[:2]
    assert store.runs.stop_requests(ids[:2], "w2") == set()


@pytest.mark.parametrize(("note", "engine"), [("", "keras"), ("cannot be a lane", "auto")])
def test_a_run_queued_again_keeps_the_engine_it_asked_for(
    store: Store, note: str, engine: str
) -> None:
    _, ids = experiment(store, 1)
    store.runs.claim_group(ids, "w")
    store.runs.record([(ids[0], started(note, "keras")), (ids[0], RunEnded(status="interrupted"))])
    assert store.runs.one(ids[0]).engine_note == note
    store.runs.requeue(ids)
    row = store.runs.one(ids[0])
    assert (row.engine, row.engine_note) == (engine, "")


def test_a_thousand_queued_runs_are_claimed_in_order_with_as_few_queries_as_ten(
    store: Store,
) -> None:
    asked, statements, own = [], list[str](), threading.get_ident()

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.get_ident() == own:  # threads of earlier tests may still be ending
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    for runs in (10, 1000):
        run_ids = fill(store, runs)
        statements.clear()
        for expected in run_ids[:5]:
            (group,) = store.runs.queued_groups(limit=1)
            assert store.runs.claim_group(group, "w1") == [expected]
        asked.append(len(statements))
        store.runs.request_stop_all(store.runs.queued())
    event.remove(Engine, "before_cursor_execute", hear)
    assert asked[0] == asked[1]


def test_the_queue_is_read_by_an_index_however_many_runs_have_ended(
    store: Store, statements: list[str]
) -> None:
    fill(store, 3)
    statements.clear()
    store.runs.queued_groups(limit=2)
    store.runs.queued(limit=1)
    queries = [sent for sent in statements if sent.startswith("SELECT")]
    assert len(queries) == 3
    connection = raw()
    for query in queries:
        given = [None] * query.count("?")
        plan = connection.execute(f"EXPLAIN QUERY PLAN {query}", given).fetchall()
        assert any("USING INDEX ix_runs_status" in row[3] for row in plan), (query, plan)
        assert not any(row[3] == "SCAN runs" for row in plan), plan
    connection.close()


@pytest.mark.parametrize("name", ["train", "runs"])
def test_the_pages_open_with_a_thousand_runs_in_the_queue(
    name: str, store: Store, monkeypatch: pytest.MonkeyPatch, statements: list[str]
) -> None:
    from lrdash.ui import resources
    from tests.factories.pages import page, words

    monkeypatch.setattr(resources, "store", lambda: store)
    monkeypatch.setattr(resources, "laboratory", lambda: None)
    run_ids = fill(store, 1000)
    statements.clear()
    test = page(name)
    assert not test.exception
    assert "1000 queued" in words(test).replace(",", "")
    assert len(statements) < 40, "it asks run by run"
    last = page("train", run=run_ids[-1])
    assert "It starts after 999 other runs" in words(last)
