"""The store keeps experiments, hands out groups, and reads many curves at once."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.events import EpochEnded, Event, RateDecided, RunEnded, RunStarted
from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import Experiment
from lrdash.store import NewRun, Store
from lrdash.store.settings import sqlite_url
from tests import DATA

DEFINITION = '{"base_lrs":[0.1],"target":0.25}'


def new_runs(number: int, first: int = 0) -> list[NewRun]:
    return [
        NewRun(
            spec=RunSpec(seed=seed), label=f"arm {seed % 2}", steps_per_epoch=4, updates=12,
            parameters=10,
        )
        for seed in range(first, first + number)
    ]


def experiment(
    store: Store, number: int = 4, groups: Sequence[Sequence[int]] | None = None, **options: str
) -> tuple[str, list[str]]:
    """Its id and the ids of its runs, oldest first."""
    cut = [list(range(number))] if groups is None else groups
    made = store.experiments.create(DEFINITION, new_runs(number), groups=cut, **options)
    return made, run_ids(store, made)


def run_ids(store: Store, experiment_id: str) -> list[str]:
    return [row.run_id for row in reversed(store.runs.listing(experiment_id=experiment_id))]


def ended_epoch(epoch: int, **metrics: float) -> EpochEnded:
    rates = np.linspace(0.4, 0.1, 4, dtype=np.float32)
    return EpochEnded(epoch=epoch, metrics=metrics, rates=rates, seconds=epoch * 0.5)


def started(note: str = "", engine: str = "lanes") -> RunStarted:
    return RunStarted(
        engine=engine, parameters=11, steps_per_epoch=4, updates=12, versions={}, note=note
    )


def test_an_experiment_comes_back_as_given(store: Store) -> None:
    made, ids = experiment(store, 3, [[0, 2], [1]], name="  first  try ")
    row = store.experiments.one(made)
    assert (row.experiment_id, row.name, row.definition) == (made, "first try", DEFINITION)
    assert (row.target, row.runs, row.updates, row.update) == (0.25, 3, 36, 0)
    assert row.active
    assert row.counts["queued"] == 3
    rows = [store.runs.one(run_id) for run_id in ids]
    assert [run.spec.seed for run in rows] == [0, 1, 2]
    assert [run.label for run in rows] == ["arm 0", "arm 1", "arm 0"]
    assert {run.experiment_id for run in rows} == {made}
    assert rows[0].group_id == rows[2].group_id != rows[1].group_id
    assert [(run.status, run.engine, run.name) for run in rows] == [("queued", "auto", "")] * 3


def test_experiments_are_listed_newest_first(store: Store) -> None:
    made = [experiment(store, 1)[0] for _ in range(3)]
    assert [row.experiment_id for row in store.experiments.listing()] == made[::-1]
    assert [row.experiment_id for row in store.experiments.listing(limit=1)] == made[2:]


def test_progress_of_an_experiment_is_counted(store: Store) -> None:
    made, ids = experiment(store, 3)
    store.runs.claim_group(ids[:2], "w")
    store.runs.record([(ids[0], ended_epoch(2)), (ids[0], RunEnded(status="finished"))])
    row = store.experiments.one(made)
    assert (row.counts["finished"], row.counts["running"], row.counts["queued"]) == (1, 1, 1)
    assert (row.update, row.updates) == (8, 36)


def test_runs_of_other_experiments_are_left_out(store: Store) -> None:
    made, ids = experiment(store, 2)
    experiment(store, 2)
    alone = store.runs.create(RunSpec(), steps_per_epoch=4, updates=12, parameters=1)
    assert run_ids(store, made) == ids
    row = store.runs.one(alone)
    assert (row.experiment_id, row.group_id, row.label, row.engine_note) == (None, None, "", "")


@pytest.mark.parametrize("groups", [[[0]], [[0, 1], [1]], [[0, 1, 2]], []])
def test_groups_that_do_not_name_each_run_once_are_refused(
    store: Store, groups: list[list[int]]
) -> None:
    with pytest.raises(InvalidField, match="groups must name each of the 2 runs once"):
        experiment(store, 2, groups)
    assert store.experiments.listing() == []
    assert store.runs.listing() == []


@pytest.mark.parametrize("definition", ["", "[]", "{", "null"])
def test_a_definition_that_is_no_object_is_refused(store: Store, definition: str) -> None:
    with pytest.raises(InvalidField, match="definition must be a JSON object"):
        store.experiments.create(definition, new_runs(1), groups=[[0]])


def test_an_experiment_can_be_extended(store: Store) -> None:
    made, ids = experiment(store, 2)
    new = new_runs(2, first=7)
    added = store.experiments.add_runs(made, '{"target":null}', new, groups=[[1, 0]])
    assert run_ids(store, made) == [*ids, *added]
    row = store.experiments.one(made)
    assert (row.definition, row.target, row.runs) == ('{"target":null}', None, 4)
    assert store.runs.one(added[0]).group_id not in (None, store.runs.one(ids[0]).group_id)
    with pytest.raises(NotFound, match="no experiment 'nowhere'"):
        store.experiments.add_runs("nowhere", "{}", new_runs(1), groups=[[0]])


def test_an_experiment_can_be_renamed(store: Store) -> None:
    made, _ = experiment(store, 1)
    store.experiments.rename(made, "better name")
    assert store.experiments.one(made).name == "better name"
    with pytest.raises(InvalidField, match="at most 200"):
        store.experiments.rename(made, "x" * 201)
    with pytest.raises(NotFound):
        store.experiments.rename("nowhere", "x")


def test_an_experiment_is_deleted_with_its_runs_unless_one_is_active(store: Store) -> None:
    made, ids = experiment(store, 2)
    kept, others = experiment(store, 1)
    store.runs.record([(ids[0], ended_epoch(1)), (ids[0], RunEnded(status="finished"))])
    with pytest.raises(StoreError, match="1 of the 2 runs of this experiment is still queued"):
        store.experiments.delete(made)
    assert run_ids(store, made) == ids
    assert len(store.runs.epochs(ids[0])) == 1
    store.runs.request_stop_all(ids)
    assert store.experiments.delete(made) == 2
    with pytest.raises(NotFound):
        store.experiments.one(made)
    with pytest.raises(NotFound):
        store.runs.one(ids[0])
    assert store.runs.epochs(ids[0]) == []
    assert run_ids(store, kept) == others
    with pytest.raises(NotFound):
        store.experiments.delete(made)


def test_groups_are_handed_out_oldest_first(store: Store) -> None:
    alone = store.runs.create(RunSpec(), steps_per_epoch=4, updates=12, parameters=1)
    _, ids = experiment(store, 4, [[1, 3], [0, 2]])
    last = store.runs.create(RunSpec(), steps_per_epoch=4, updates=12, parameters=1)
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


def test_several_runs_are_asked_to_stop_at_once(store: Store) -> None:
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


def test_interrupted_and_stopped_runs_can_be_queued_anew(store: Store) -> None:
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
def test_a_run_queued_anew_keeps_the_engine_it_asked_for(
    store: Store, note: str, engine: str
) -> None:
    _, ids = experiment(store, 1)
    store.runs.claim_group(ids, "w")
    store.runs.record([(ids[0], started(note, "keras")), (ids[0], RunEnded(status="interrupted"))])
    assert store.runs.one(ids[0]).engine_note == note
    store.runs.requeue(ids)
    row = store.runs.one(ids[0])
    assert (row.engine, row.engine_note) == (engine, "")


def test_a_worker_taken_for_dead_cannot_speak_for_runs_given_to_another(store: Store) -> None:
    _, ids = experiment(store, 1)
    store.runs.claim_group(ids, "old")
    store.workers.mark_interrupted("old")
    store.runs.requeue(ids)
    late: list[tuple[str, Event]] = [
        (ids[0], ended_epoch(3)), (ids[0], RunEnded(status="stopped"))
    ]
    store.runs.record(late, worker_id="old")
    assert store.runs.one(ids[0]).status == "queued"
    store.runs.claim_group(ids, "new")
    store.runs.record(late, worker_id="old")
    row = store.runs.one(ids[0])
    assert (row.status, row.epochs_done) == ("running", 0)
    assert store.runs.stop_requests(ids, "old") == set(ids)
    assert store.runs.stop_requests(ids, "new") == set()
    store.runs.record(late, worker_id="new")
    assert store.runs.one(ids[0]).status == "stopped"


def test_curves_of_an_experiment_come_as_columns(store: Store) -> None:
    made, ids = experiment(store, 3)
    batch: list[tuple[str, Event]] = [
        (ids[2], ended_epoch(1, loss=3.0, val_loss=2.0, accuracy=0.5)),
        (ids[0], ended_epoch(1, loss=1.0, val_loss=float("nan"))),
        (ids[0], ended_epoch(2, loss=0.5, val_loss=0.7)),
    ]
    store.runs.record(batch)
    columns = store.experiments.curves(experiment_id=made)
    assert columns["run"].tolist() == [0, 0, 2]
    assert columns["run_id"].tolist() == [ids[0], ids[0], ids[2]]
    assert columns["epoch"].tolist() == [1, 2, 1]
    assert columns["loss"].tolist() == [1.0, 0.5, 3.0]
    np.testing.assert_array_equal(columns["val_loss"], [np.nan, 0.7, 2.0])
    np.testing.assert_array_equal(columns["accuracy"], [np.nan, np.nan, 0.5])
    np.testing.assert_array_equal(columns["val_accuracy"], [np.nan] * 3)
    np.testing.assert_array_equal(columns["learning_rate"], [float(np.float32(0.1))] * 3)
    assert columns["seconds"].tolist() == [0.5, 1.0, 0.5]
    assert store.experiments.curves(experiment_id=made, after=1)["loss"].tolist() == [0.5]


def test_curves_of_chosen_runs_come_in_the_order_asked_for(store: Store) -> None:
    _, ids = experiment(store, 2)
    store.runs.record([
        (run_id, ended_epoch(1, weight_norm=float(n))) for n, run_id in enumerate(ids)
    ])
    columns = store.experiments.curves(run_ids=[ids[1], "nowhere", ids[0]], metrics=["weight_norm"])
    assert columns["run"].tolist() == [0, 2]
    assert columns["weight_norm"].tolist() == [1.0, 0.0]
    assert "loss" not in columns


def test_curves_of_a_database_of_version_1_can_be_read(tmp_path: Path) -> None:
    shutil.copy(DATA / "store_v1.db", tmp_path / "old.db")
    store = Store(sqlite_url(tmp_path / "old.db"))
    columns = store.experiments.curves(run_ids=["firstlight01"])
    assert columns["loss"].tolist() == [1, 1 / 2, 1 / 3, 1 / 4]
    np.testing.assert_array_equal(columns["val_loss"], [0.75, np.nan, 0.5, 0.5])
    assert store.experiments.listing() == []
    assert store.runs.requeue(["firstlight01", "stillqueued1"]) == []
    store.close()


def test_todays_code_reads_a_database_of_version_2(tmp_path: Path) -> None:
    """The file was written by the second schema; it is never made anew."""
    shutil.copy(DATA / "store_v2.db", tmp_path / "old.db")
    store = Store(sqlite_url(tmp_path / "old.db"))
    row = store.experiments.one("experiment02")
    assert (row.name, row.target, row.runs) == ("Second light", 0.2, 2)
    assert (row.counts["finished"], row.counts["queued"]) == (1, 1)
    assert Experiment.from_json(row.definition).labels() == ("Constant", "eager")
    waiting, done = store.runs.listing(experiment_id="experiment02")
    assert (waiting.run_id, waiting.label, waiting.status) == ("secondlight2", "eager", "queued")
    assert (done.label, done.engine, done.engine_note) == ("Constant", "keras", "for a test")
    assert done.group_id == waiting.group_id == "groupoftwo02"
    columns = store.experiments.curves(experiment_id="experiment02")
    assert columns["loss"].tolist() == [1.0, 0.5]
    assert columns["val_loss"].tolist() == [0.5, 0.25]
    np.testing.assert_array_equal(columns["val_accuracy"], [np.nan, np.nan])
    assert store.runs.queued_groups() == [["secondlight2"]]
    store.close()


def test_no_epochs_give_empty_columns_of_the_same_types(store: Store) -> None:
    made, ids = experiment(store, 1)
    curves = store.experiments.curves
    empty = [curves(), curves(experiment_id=made), curves(experiment_id="no")]
    store.runs.record([(ids[0], ended_epoch(1, loss=1.0))])
    full = store.experiments.curves(experiment_id=made)
    for columns, (name, values) in itertools.product(empty, full.items()):
        assert len(columns[name]) == 0
        assert columns[name].dtype.kind == values.dtype.kind


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
