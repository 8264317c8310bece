"""Runs on their way from the queue to the end, and what is recorded of them."""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.events import (
    EpochEnded,
    Event,
    Progress,
    RateDecided,
    RunEnded,
    Status,
)
from lrdash.store import Store
from lrdash.store.repository import FINAL
from tests.factories.database import START, ended_epoch, execute, queue, running

ORDERLY: tuple[Status, ...] = ("finished", "stopped", "failed", "diverged", "interrupted")


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
