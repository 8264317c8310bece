"""Experiments are stored with their runs; many curves are read at once."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lrdash.core.errors import InvalidField, NotFound, StoreError
from lrdash.core.events import (
    Event,
    RunEnded,
)
from lrdash.store import Store
from tests.factories.database import DEFINITION, ended_epoch, experiment, new_runs, queued, run_ids


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
    alone = queued(store)
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


def test_no_epochs_give_empty_columns_of_the_same_types(store: Store) -> None:
    made, ids = experiment(store, 1)
    curves = store.experiments.curves
    empty = [curves(), curves(experiment_id=made), curves(experiment_id="no")]
    store.runs.record([(ids[0], ended_epoch(1, loss=1.0))])
    full = store.experiments.curves(experiment_id=made)
    for columns, (name, values) in itertools.product(empty, full.items()):
        assert len(columns[name]) == 0
        assert columns[name].dtype.kind == values.dtype.kind
