"""Runs are stored, listed, renamed and deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.events import (
    RateDecided,
    RunEnded,
    now,
)
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.store import Store, repository
from tests.factories.database import ended_epoch, execute, queued, running, started


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


def test_an_unknown_run_is_reported_as_missing(store: Store) -> None:
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
    ids = [queued(store, seed) for seed in range(5)]
    assert [row.run_id for row in store.runs.listing()] == ids[::-1]
    assert [row.run_id for row in store.runs.listing(limit=2)] == [ids[4], ids[3]]


def test_runs_are_chosen_by_status_id_and_spec(store: Store) -> None:
    ids = [queued(store, seed) for seed in range(5)]
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


def test_any_number_of_ids_may_be_given(store: Store, monkeypatch) -> None:
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
    queued(store)
    queued(store)
    running(store)
    assert store.runs.counts() == {
        "queued": 2, "running": 1, "finished": 0, "stopped": 0, "failed": 0, "diverged": 0,
        "interrupted": 0,
    }


def test_names_and_tags_can_be_changed(store: Store) -> None:
    run_id = queued(store, name="old", tags=["x"])
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
        ("a\u202eb", [], "name must not contain control characters"),
        ("a\u2066b", [], "name must not contain control characters"),
        ("\ue000", [], "name must not contain control characters"),
        ("", ["y" * 51], "tags must have at most 50 characters"),
        ("", "digits", "tags must be a list of texts, got 'digits'"),
    ],
)
def test_a_name_or_tag_that_cannot_be_shown_is_refused(
    store: Store, name: str, tags: list[str], message: str
) -> None:
    with pytest.raises(InvalidField, match=message):
        queued(store, name=name, tags=tags)
    assert store.runs.listing() == []


@pytest.mark.parametrize("name", [
    "👩\u200d🔬 lab", "🏴\U000e0067\U000e0062\U000e007f", "❤\ufe0f", "\u0645\u06cc\u200c\u062e",
])
def test_joined_emoji_and_scripts_with_joiners_are_names(store: Store, name: str) -> None:
    assert store.runs.one(queued(store, name=name, tags=[name])).name == name


def test_a_run_of_settings_unknown_here_does_not_hide_the_others(store: Store) -> None:
    good, odd = queued(store), queued(store)
    execute("UPDATE runs SET spec = ? WHERE run_id = ?", '{"warp": 9}', odd)
    assert [row.run_id for row in store.runs.listing()] == [good]
    assert list(store.runs.unreadable()) == [odd]
    assert "warp is not a setting" in store.runs.unreadable()[odd]
    with pytest.raises(StoreError, match=rf"Run {odd} cannot be read: warp .*or delete the run"):
        store.runs.one(odd)
    assert store.runs.counts()["queued"] == 2
    assert store.runs.end(odd, "failed", "its settings cannot be read")
    assert store.runs.delete([odd]) == 1
    assert store.runs.unreadable() == {}


def test_deleting_a_run_deletes_its_epochs_and_decisions(store: Store) -> None:
    gone, kept = running(store), running(store)
    decision = RateDecided(epoch=1, rate_before=0.1, rate_after=0.1, reason="kept")
    ended = RunEnded(status="finished")
    for run_id in (gone, kept):
        store.runs.record([(run_id, started()), (run_id, ended_epoch(1)), (run_id, decision),
                      (run_id, ended)])
    assert store.runs.delete([gone, gone, "unknown"]) == 1
    assert (store.runs.epochs(gone), store.runs.decisions(gone)) == ([], [])
    assert len(store.runs.epochs(kept)) == len(store.runs.decisions(kept)) == 1
    assert [row.run_id for row in store.runs.listing()] == [kept]


def test_deleting_an_active_run_is_refused_as_a_whole(store: Store) -> None:
    done, waiting, busy = queued(store), queued(store), running(store)
    store.runs.end(done, "finished", "")
    with pytest.raises(StoreError, match=rf"Nothing was deleted: runs {waiting} and {busy} are"):
        store.runs.delete([busy, done, waiting])
    assert len(store.runs.listing()) == 3
