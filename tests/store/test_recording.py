"""What runs report comes back to the bit, in order and once."""

from __future__ import annotations

import itertools
import math
from datetime import timedelta

import numpy as np
import pytest

from lrdash.core.events import (
    EpochEnded,
    Event,
    Progress,
    RateDecided,
    RunEnded,
)
from lrdash.store import Store
from tests.factories.database import ended_epoch, execute, experiment, queued, running, started


def test_a_run_is_followed_from_start_to_end(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, started()), (run_id, Progress(update=2))])
    row = store.runs.one(run_id)
    assert (row.engine, row.parameters, row.started_at) == ("lanes", 11, started().at)
    assert (row.update, row.versions) == (2, {"keras": "3.15.1"})
    reported = (ended_epoch(1), ended_epoch(2), Progress(update=9))
    store.runs.record([(run_id, event) for event in reported])
    row = store.runs.one(run_id)
    assert (row.epochs_done, row.update, row.seconds) == (2, 9, 1.0)
    end = RunEnded(status="diverged", reason="the loss became NaN", seconds=1.25)
    store.runs.record([(run_id, end)])
    row = store.runs.one(run_id)
    assert (row.status, row.reason, row.seconds) == ("diverged", "the loss became NaN", 1.25)
    assert row.ended_at == end.at
    assert row.ended_at.utcoffset() == timedelta(0)


def test_every_change_raises_the_version(store: Store) -> None:
    run_id = queued(store)
    seen = [store.runs.versions([run_id])[run_id]]
    decision = RateDecided(epoch=1, rate_before=0.1, rate_after=0.1, reason="kept")
    for change in (
        lambda: store.runs.rename(run_id, "x"),
        lambda: store.runs.tag(run_id, ["x"]),
        lambda: store.runs.claim(run_id, "w"),
        lambda: store.runs.record([(run_id, started())]),
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
    other = queued(store)
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
        (run_id, started()), (run_id, ended_epoch(1)), (run_id, ended_epoch(2)),
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


def test_decisions_come_back_as_they_were_reported(store: Store) -> None:
    run_id = running(store)
    reported = [
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
    store.runs.record([(run_id, event) for event in reported])
    assert [str(event) for event in store.runs.decisions(run_id)] == [
        str(event).replace("np.int64(3)", "3") for event in reported
    ]
    assert store.runs.decisions(run_id)[0] == reported[0]
    assert [event.epoch for event in store.runs.decisions(run_id, after=0)] == [1, 2]


def test_events_of_a_deleted_run_do_no_harm(store: Store) -> None:
    gone, kept = running(store), running(store)
    store.runs.end(gone, "stopped", "")
    store.runs.delete([gone])
    decided = RateDecided(epoch=1, rate_before=0.1, rate_after=0.1, reason="kept")
    store.runs.record([
        (gone, started()), (gone, ended_epoch(1)), (kept, ended_epoch(1)), (gone, decided),
        (gone, RunEnded(status="finished")),
    ])
    assert store.runs.epochs(gone) == []
    assert len(store.runs.epochs(kept)) == 1
    assert len(store.runs.listing()) == 1


def test_two_ends_in_one_batch_leave_the_first(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, RunEnded(status="stopped")), (run_id, RunEnded(status="failed"))])
    assert store.runs.one(run_id).status == "stopped"


def test_any_reason_can_be_stored(store: Store) -> None:
    run_id = running(store)
    store.runs.record([(run_id, RunEnded(status="failed", reason="a\0b \ud800" + "x" * 9000))])
    reason = store.runs.one(run_id).reason
    assert reason.startswith("ab ?xxx")
    assert len(reason) == 4000


def test_nothing_to_record_is_nothing_done(store: Store) -> None:
    store.runs.record([])
    assert store.runs.listing() == []


def test_a_batch_of_many_runs_is_written_as_a_whole(store: Store) -> None:
    made, ids = experiment(store, 300)
    store.runs.claim_group(ids, "w")
    batch: list[tuple[str, Event]] = [(run_id, started()) for run_id in ids]
    batch += [(run_id, ended_epoch(epoch, loss=1.0)) for epoch in (1, 2) for run_id in ids]
    batch += [(run_id, RunEnded(status="finished")) for run_id in ids[:200]]
    store.runs.record(batch, "w")
    store.runs.record(batch, "w")
    row = store.experiments.one(made)
    assert (row.counts["finished"], row.counts["running"]) == (200, 100)
    assert row.update == 300 * 8
    assert store.experiments.curves(experiment_id=made)["epoch"].tolist() == [1, 2] * 300


def test_validation_losses_are_read_alone_for_tables(store: Store) -> None:
    first, second, none = (running(store) for _ in range(3))
    for run_id, losses in ((first, (0.5, math.nan, 0.25)), (second, (1.0,))):
        store.runs.record([(run_id, started()), *(
            (run_id, ended_epoch(epoch, val_loss=loss))
            for epoch, loss in enumerate(losses, start=1)
        )])
    execute("UPDATE epochs SET metrics = '{' WHERE run_id = ?", second)
    assert store.runs.val_losses([second, none, first]) == {
        second: [1.0], none: [], first: [0.5, 0.25],
    }
