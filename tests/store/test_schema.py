"""Old databases open, and the migrations end at the schema that the code uses."""

from __future__ import annotations

import math
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.planning.experiment import Experiment
from lrdash.store import Store
from lrdash.store.migrations import MIGRATIONS, WORDS
from lrdash.store.schema import metadata
from tests.factories.database import execute, old_store, queued


def test_a_database_of_version_1_can_be_read(tmp_path: Path) -> None:
    """The file was written by the first schema; it is never made again."""
    store = old_store("store_v1.db", tmp_path)
    waiting, row = store.runs.listing()
    assert (waiting.run_id, waiting.status) == ("stillqueued1", "queued")
    assert row.spec == RunSpec(
        dataset="digits", model="mlp", model_params={"hidden": [128, 64]}, strategy="plateau",
        params={"patience": 2, "factor": 0.5}, base_lr=0.2, epochs=4, batch_size=32, seed=7,
        early_stopping=EarlyStopping(patience=3),
    )
    begin = datetime(2026, 11, 22, 12, 0, 0, 250000, tzinfo=UTC)
    assert row.created_at == begin
    assert row.started_at == begin + timedelta(seconds=1)
    assert row.ended_at == begin + timedelta(seconds=4)
    assert (row.run_id, row.name) == ("firstlight01", "First light")
    assert row.tags == ("digits", "plateau")
    assert (row.status, row.engine, row.seconds, row.worker_id) == (
        "finished", "lanes", 2.5, "worker-1"
    )
    assert (row.steps_per_epoch, row.updates, row.update, row.epochs_done) == (3, 12, 12, 4)
    assert row.versions == {"keras": "3.15.1", "tensorflow": "2.21.0"}
    epochs = store.runs.epochs(row.run_id)
    assert [e.metrics["loss"] for e in epochs] == [1, 1 / 2, 1 / 3, 1 / 4]
    assert [e.metrics["accuracy"] for e in epochs] == [0.25, 0.5, 0.75, 1.0]
    assert str([e.metrics["val_loss"] for e in epochs]) == "[0.75, nan, 0.5, 0.5]"
    assert [e.seconds for e in epochs] == [0.5, 1.0, 1.5, 2.0]
    used = np.repeat(np.float32([0.2, 0.2, 0.2, 0.1]), 3).reshape(4, 3)
    np.testing.assert_array_equal([e.rates for e in epochs], used)
    decisions = store.runs.decisions(row.run_id)
    assert [(d.epoch, d.rate_after, d.wait, d.reason) for d in decisions] == [
        (1, 0.2, 0, "improved"), (2, 0.2, 1, "not a number"), (3, 0.1, 0, "halved"),
    ]
    assert math.isnan(decisions[1].monitored or 0)
    assert store.runs.claim("stillqueued1", "w")
    store.close()


def test_curves_of_a_database_of_version_1_can_be_read(tmp_path: Path) -> None:
    store = old_store("store_v1.db", tmp_path)
    columns = store.experiments.curves(run_ids=["firstlight01"])
    assert columns["loss"].tolist() == [1, 1 / 2, 1 / 3, 1 / 4]
    np.testing.assert_array_equal(columns["val_loss"], [0.75, np.nan, 0.5, 0.5])
    assert store.experiments.listing() == []
    assert store.runs.requeue(["firstlight01", "stillqueued1"]) == []
    store.close()


def test_a_database_of_version_2_can_be_read(tmp_path: Path) -> None:
    """The file was written by the second schema; it is never made again."""
    store = old_store("store_v2.db", tmp_path)
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


@pytest.mark.parametrize("name", ["store_v1.db", "store_v2.db"])
def test_a_database_of_an_earlier_version_takes_range_tests(tmp_path: Path, name: str) -> None:
    store = old_store(name, tmp_path)
    runs = len(store.runs.listing())
    assert store.range_tests.listing() == []
    made = store.range_tests.create("{}", [0.1, 0.2], seeds=2)
    assert store.range_tests.one(made).status == "queued"
    assert len(store.runs.listing()) == runs > 0
    store.close()


def sqlite_type(column: TypeEngine[object]) -> str:
    return column.compile(sqlite.dialect()).replace("DOUBLE", "REAL")


def test_the_migrations_end_at_the_schema_that_the_code_uses(store: Store) -> None:
    engine = create_engine(store.url)
    found = inspect(engine)
    assert set(found.get_table_names()) == set(metadata.tables)
    for name, table in metadata.tables.items():
        made = {
            column["name"]: (
                sqlite_type(column["type"]), column["nullable"] and not column["primary_key"]
            )
            for column in found.get_columns(name)
        }
        used = {
            column.name: (sqlite_type(column.type), column.nullable)
            for column in table.columns
        }
        assert made == used
        assert found.get_pk_constraint(name)["constrained_columns"] == [
            column.name for column in table.primary_key
        ]
        assert {tuple(index["column_names"]) for index in found.get_indexes(name)} == {
            tuple(column.name for column in index.columns) for index in table.indexes
        }
        assert len(found.get_foreign_keys(name)) == len(table.foreign_keys)
    engine.dispose()


def test_an_id_is_given_once(store: Store) -> None:
    one, two = queued(store), queued(store)
    with pytest.raises(sqlite3.IntegrityError):
        execute("UPDATE runs SET run_id = ? WHERE run_id = ?", one, two)


def test_the_schema_is_valid_for_postgresql() -> None:
    for table in metadata.tables.values():
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
    for migration in MIGRATIONS:
        for statement in migration.statements:
            assert "{" not in statement.format(**WORDS["postgresql"])
