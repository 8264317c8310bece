"""Clocks that jump, two servers, and a long queue."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, event

from lrdash.core.spec import RunSpec
from lrdash.store import NewRun, Store
from tests.factories.database import Clock, beating_run, epoch, raw


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


def test_each_server_judges_by_what_it_has_seen_itself(
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


# Two servers


def test_two_stores_never_claim_a_run_twice_and_the_late_one_hears_to_stop(store: Store) -> None:
    other = Store()
    run_ids = [queued(store) for _ in range(20)]
    assert store.runs.claim_group(run_ids[:12], "w1") == run_ids[:12]
    assert other.runs.claim_group(run_ids, "w2") == run_ids[12:]
    store.workers.mark_interrupted("w1", "its server died")
    assert other.runs.requeue(run_ids[:12]) == run_ids[:12]
    assert other.runs.claim_group(run_ids[:12], "w2") == run_ids[:12]
    store.runs.record([(run_ids[0], epoch(1))], "w1")  # still alive after all, and no longer heard
    assert other.runs.epochs(run_ids[0]) == []
    assert store.runs.stop_requests(run_ids[:12], "w1") == set(run_ids[:12])
    assert other.runs.stop_requests(run_ids, "w2") == set()
    other.close()


# A long queue


def queued(store: Store) -> str:
    return store.runs.create(RunSpec(), steps_per_epoch=2, updates=4, parameters=1)


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
    said: list[str] = []

    def hear(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    engine = store._database._engine
    event.listen(engine, "before_cursor_execute", hear)
    yield said
    event.remove(engine, "before_cursor_execute", hear)


def test_a_thousand_queued_runs_are_claimed_in_order_with_as_few_questions_as_ten(
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
    queries = [said for said in statements if said.startswith("SELECT")]
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
    assert "It starts by itself after 999 more" in words(last)
