"""The schema, databases of earlier versions, and several processes at once."""

from __future__ import annotations

import math
import multiprocessing
import shutil
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from lrdash.core.events import (
    Progress,
)
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.store import Store, database_url
from lrdash.store.migrations import MIGRATIONS, WORDS
from lrdash.store.schema import metadata
from lrdash.store.settings import sqlite_url
from tests import DATA
from tests.factories.database import ended_epoch, execute, queue, running

VERSION_1 = DATA / "store_v1.db"


# The schema


def test_todays_code_reads_a_database_of_version_1(tmp_path: Path) -> None:
    """The file was written by the first schema; it is never made anew."""
    shutil.copy(VERSION_1, tmp_path / "old.db")
    store = Store(sqlite_url(tmp_path / "old.db"))
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
    one, two = queue(store), queue(store)
    with pytest.raises(sqlite3.IntegrityError):
        execute("UPDATE runs SET run_id = ? WHERE run_id = ?", one, two)


def test_the_schema_can_be_said_to_postgresql() -> None:
    for table in metadata.tables.values():
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))
    for migration in MIGRATIONS:
        for statement in migration.statements:
            assert "{" not in statement.format(**WORDS["postgresql"])


# Several processes and threads at once


def write_many(url: str, run_id: str, batches: int) -> None:
    store = Store(url)
    for number in range(1, batches + 1):
        store.runs.record([(run_id, ended_epoch(number)), (run_id, Progress(update=number))])
    store.close()


def open_store(url: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    store = Store(url)
    queue(store)
    store.close()


def spawn(target: object, *arguments: tuple[object, ...]) -> list[multiprocessing.Process]:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=given) for given in arguments]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    return processes  # type: ignore[return-value]


def test_processes_that_write_at_once_lose_nothing(store: Store) -> None:
    ids = [running(store, f"w{n}") for n in range(4)]
    writers = spawn(write_many, *((store.url, run_id, 200) for run_id in ids))
    seen = [0]
    while any(writer.is_alive() for writer in writers):
        rows = {row.run_id: row for row in store.runs.listing()}
        for run_id, row in rows.items():
            assert len(store.runs.epochs(run_id)) >= row.epochs_done
        seen.append(sum(row.epochs_done for row in rows.values()))
        writers[0].join(0.05)  # leaves the processor to the writers
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert seen == sorted(seen)
    for run_id in ids:
        assert [row.epoch for row in store.runs.epochs(run_id)] == list(range(1, 201))
        assert store.runs.one(run_id).version >= 201  # a batch that was tried again counts again


def test_processes_that_open_a_new_database_at_once_all_can_use_it() -> None:
    url = database_url()
    barrier = multiprocessing.get_context("spawn").Barrier(3)
    for opener in spawn(open_store, *[(url, barrier)] * 3):
        opener.join()
        assert opener.exitcode == 0
    store = Store(url)
    assert len(store.runs.listing()) == 3
    store.close()


def test_many_threads_share_one_store(store: Store) -> None:
    run_id = running(store)
    numbers = iter(range(1, 201))
    lock = threading.Lock()

    def work(_: int) -> None:
        for _ in range(25):
            with lock:
                number = next(numbers)
            store.runs.record([(run_id, ended_epoch(number))])
            assert store.runs.one(run_id).epochs_done >= number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(store.runs.epochs(run_id)) == 200
    assert store.runs.one(run_id).version == 201


def test_a_closed_store_opens_again_when_asked(store: Store) -> None:
    run_id = queue(store)
    store.close()
    store.close()
    assert store.runs.one(run_id).run_id == run_id
