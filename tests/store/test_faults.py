"""Errors of a database are reported in a user's words with what to do, and harm nothing."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from lrdash.core.errors import StoreError
from lrdash.store import Store, database_url, home
from lrdash.store.migrations import MIGRATIONS, Migration, migrate
from lrdash.store.settings import sqlite_url
from tests.factories.database import WRITER, ended_epoch, raw, running

SetUp = Callable[[str], None]


@pytest.fixture
def on_connect() -> Iterator[SetUp]:
    """Has every new connection to a database begin with a statement."""
    listeners = []

    def add(statement: str) -> None:
        def run(connection: sqlite3.Connection, _: object) -> None:
            connection.execute(statement)

        event.listen(Pool, "connect", run)
        listeners.append(run)

    yield add
    for listener in listeners:
        event.remove(Pool, "connect", listener)


def test_a_file_in_place_of_the_home_folder_is_explained(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("LRDASH_HOME", str(path))
        with pytest.raises(StoreError, match="cannot be used as LRDASH_HOME: ") as fault:
            Store()
        assert isinstance(fault.value.__cause__, OSError)


def test_a_database_that_cannot_be_opened_is_explained(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing" / "lrdash.db"):
        with pytest.raises(StoreError, match=r"cannot be opened\. Check that") as fault:
            Store(sqlite_url(path))
        assert str(path) in str(fault.value)
        assert fault.value.__cause__ is not None


def test_a_read_only_database_can_be_read_and_says_so_when_written(store: Store) -> None:
    run_id = running(store)
    reader = Store(f"sqlite:///file:{home()}/lrdash.db?mode=ro&uri=true")
    assert reader.runs.one(run_id).run_id == run_id
    with pytest.raises(StoreError, match=r"lrdash\.db is read-only\. Make the file") as fault:
        reader.runs.rename(run_id, "x")
    assert "readonly" in str(fault.value.__cause__)
    with pytest.raises(StoreError, match="read-only"):
        reader.runs.record([(run_id, ended_epoch(1))])
    assert reader.runs.one(run_id).name == ""
    reader.close()


def test_a_new_database_that_cannot_be_written_is_explained(on_connect: SetUp) -> None:
    on_connect("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match="is read-only"):
        Store()


def test_a_full_disk_leaves_no_half_batch_and_the_store_recovers(on_connect: SetUp) -> None:
    store = Store()
    run_id = running(store)
    store.runs.record([(run_id, ended_epoch(1))])
    store.close()
    on_connect("PRAGMA max_page_count = 40")  # not below what is there
    store = Store()
    batch = [(run_id, ended_epoch(number, updates=5000)) for number in range(2, 40)]
    with pytest.raises(StoreError, match=r"the disk of .* is full\. Free some") as fault:
        store.runs.record(batch)
    assert "full" in str(fault.value.__cause__)
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1]
    assert store.runs.one(run_id).epochs_done == 1
    store.runs.record([(run_id, ended_epoch(2))])
    assert store.runs.one(run_id).epochs_done == 2
    store.close()


def test_a_database_of_a_newer_version_is_left_alone() -> None:
    Store().close()
    connection = raw()
    connection.execute("INSERT INTO lrdash_schema VALUES (99, 'later', '2030')")
    connection.close()
    with pytest.raises(StoreError, match=r"written by a newer lrdash \(its schema is version 99"):
        Store()


def test_a_file_that_is_no_database_is_explained_and_kept() -> None:
    (home() / "lrdash.db").write_bytes(b"my shopping list " * 500)
    with pytest.raises(StoreError, match=r"is not a database\. Move the file away"):
        Store()
    assert (home() / "lrdash.db").read_bytes().startswith(b"my shopping list")


def test_a_damaged_database_is_explained() -> None:
    store = Store()
    for _ in range(50):
        running(store)
    store.close()
    path = home() / "lrdash.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StoreError, match="is damaged"):
        Store().runs.listing()


def test_the_database_of_another_program_is_left_alone() -> None:
    connection = raw()
    connection.execute("CREATE TABLE runs (theirs TEXT)")
    connection.close()
    with pytest.raises(StoreError, match=r"tables of another program \(runs\)"):
        Store()
    connection = raw()
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]
    connection.close()


def test_a_lock_that_is_never_released_is_explained() -> None:
    store = Store(busy_timeout=0.1)
    run_id = running(store)
    other = raw()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"is locked by another process\. Close") as fault:
        store.runs.rename(run_id, "x")
    assert "locked" in str(fault.value.__cause__)
    assert store.runs.one(run_id).name == ""
    other.execute("ROLLBACK")
    other.close()
    store.runs.rename(run_id, "x")
    assert store.runs.one(run_id).name == "x"
    store.close()


def test_a_new_database_locked_by_another_is_explained() -> None:
    other = raw()
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="is locked by another process"):
        Store(busy_timeout=0.1)
    other.close()


def test_a_store_whose_connections_are_all_taken_says_it_is_busy(monkeypatch) -> None:
    monkeypatch.setattr("lrdash.store.database.KEPT", 1)
    monkeypatch.setattr("lrdash.store.database.ON_TOP", {"sqlite": 0})
    monkeypatch.setattr("lrdash.store.database.LEAST_WAIT", 0.05)
    store = Store(busy_timeout=0.05)
    with (
        store._database._engine.connect(),
        pytest.raises(StoreError, match="is busy: no connection became free"),
    ):
        store.runs.listing()
    store.close()


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@host/db", "nonsense", "", "oracle+cx://secret@x", "sqlite+odd:///x.db"]
)
def test_an_unknown_database_url_is_explained_without_its_password(url: str) -> None:
    with pytest.raises(StoreError, match=r"is not understood\. Set LRDASH_DATABASE_URL") as fault:
        Store(url)
    assert "secret" not in str(fault.value)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="a database in memory is not shared"):
        Store(url)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_missing_driver_is_named_without_the_password(monkeypatch, scheme: str) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="needs the Python package psycopg") as fault:
        Store(f"{scheme}://ada:secret@localhost/lrdash")
    assert "secret" not in str(fault.value)
    assert isinstance(fault.value.__cause__, ImportError)


def test_a_migration_that_fails_leaves_the_database_as_it_was() -> None:
    store = Store()
    running(store)
    broken = Migration(
        description="broken", statements=("CREATE TABLE extra (id INTEGER)", "CREATE NONSENSE")
    )
    with pytest.raises(StoreError, match="reported an error"):
        migrate(store._database, (*MIGRATIONS, broken))
    store.close()
    connection = raw()
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert "extra" not in names
    assert connection.execute("SELECT max(number) FROM lrdash_schema").fetchone() == (
        len(MIGRATIONS),
    )
    connection.close()
    store = Store()
    assert len(store.runs.listing()) == 1
    store.close()


def test_a_later_migration_is_applied_once_with_its_record(store: Store) -> None:
    run_id = running(store)
    later = Migration(
        description="notes", statements=("ALTER TABLE runs ADD COLUMN notes TEXT",)
    )
    for _ in range(2):
        migrate(store._database, (*MIGRATIONS, later))
    connection = raw()
    records = connection.execute("SELECT number, description FROM lrdash_schema").fetchall()
    assert records[-1] == (len(MIGRATIONS) + 1, "notes")
    connection.close()
    assert store.runs.one(run_id).run_id == run_id


def test_a_writer_killed_in_the_middle_leaves_whole_batches_only() -> None:
    store = Store()
    ids = [running(store) for _ in range(3)]
    printed = 0
    for kill_after in (3, 17, 40):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, *ids], stdout=subprocess.PIPE, text=True,
            env={**os.environ, "LRDASH_DATABASE_URL": database_url()},
        )
        assert writer.stdout is not None
        for _ in range(kill_after):
            printed = max(printed, int(writer.stdout.readline()))
        writer.kill()
        writer.wait()
        printed = max([printed, *map(int, writer.stdout.read().split())])
        writer.stdout.close()
        connection = raw()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        found = store.runs.epochs_of(ids)
        lengths = {len(found[run_id]) for run_id in ids}
        assert lengths <= {printed, printed + 1}
        assert len(lengths) == 1
        assert {store.runs.one(run_id).epochs_done for run_id in ids} == lengths
        store.runs.record([(run_id, ended_epoch(1)) for run_id in ids])
    store.close()
