"""Copies of the database: taken while runs write, checked, and restored.

SQLite only. A copy is taken with SQLite's own online backup, in one step: it holds one state of the
database, whatever is written meanwhile, and blocks nobody (https://www.sqlite.org/backup.html).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, inspect

from lrdash.core.errors import StoreError
from lrdash.core.files import sync
from lrdash.store.database import file_of
from lrdash.store.faults import FAULTS, explain
from lrdash.store.migrations import MIGRATIONS, schema_version
from lrdash.store.settings import database_url, sqlite_url
from lrdash.store.soundness import unsound

COMPANIONS = ("-wal", "-shm")  # files that SQLite keeps beside a database in use


def database_path() -> Path:
    """The file of the database.

    Raises:
        StoreError: if it is no SQLite database; names the tools that copy it.
    """
    path = file_of(database_url())
    if path is None:
        raise StoreError(
            "The database is on a PostgreSQL server; lrdash copies SQLite files only. Use "
            "`pg_dump --format=custom --file=FILE DATABASE` to back it up and `pg_restore "
            "--clean --dbname=DATABASE FILE` to put it back; checkpoints are in the folder "
            "`checkpoints` of LRDASH_HOME."
        )
    return path


def copy_to(source: Path, target: Path) -> None:
    """Copy a database to a file that must not exist yet; the copy is whole and synced.

    Raises:
        StoreError: if the database cannot be read or the copy cannot be written; then there is no
            copy.
    """
    name = f"The copy {target}"
    try:
        with closing(_open(source, "ro")) as original, closing(sqlite3.connect(target)) as copy:
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, with nothing beside it
        sync(target)
    except (sqlite3.Error, OSError) as fault:
        target.unlink(missing_ok=True)
        if isinstance(fault, OSError):
            raise StoreError(f"{name} cannot be written: {fault.strerror}.") from fault
        raise explain(fault, name, str(target.parent)) from fault


def check_copy(path: Path, name: str) -> None:
    """Refuse what is no sound database of this lrdash or an earlier one.

    Args:
        path: a file that nobody else uses.
        name: what it is to users, e.g. `The backup all.zip`.

    Raises:
        StoreError: says what is wrong with it.
    """
    engine = create_engine(sqlite_url(path))
    try:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            if not {"lrdash_schema", "runs", "epochs"} <= tables:
                raise StoreError(f"{name} is a database of another program, not of lrdash.")
            version = schema_version(connection)
            if version > len(MIGRATIONS):
                raise StoreError(
                    f"{name} was made by a newer lrdash (its schema is version {version}, this "
                    f"lrdash knows up to {len(MIGRATIONS)}). Update lrdash, then try again."
                )
            faults = unsound(connection)
    except FAULTS as fault:
        raise explain(fault, name, str(path.parent)) from fault
    finally:
        engine.dispose()
    if faults:
        raise StoreError(f"{name} is damaged: {'; '.join(faults)}. Take an earlier backup.")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside the database; what is written there becomes the database at the end.

    The old database is kept under another name, so that nothing is lost.

    Yields:
        The file to write.

    Raises:
        StoreError: if a process of lrdash uses the database, or the folder cannot be written.
    """
    beside = path.with_name(f".{path.name}.restoring-{os.getpid()}")
    try:
        yield beside
        _refuse_used(path)
        if path.exists():
            _keep(path)
        beside.replace(path)
        sync(path)
    except OSError as fault:
        raise StoreError(
            f"The database {path} cannot be replaced: {fault.strerror}. Nothing was changed."
        ) from fault
    finally:
        beside.unlink(missing_ok=True)


def _refuse_used(path: Path) -> None:
    """Leaving WAL needs exclusive access to the database; this also empties the WAL."""
    if not path.exists():
        return
    try:
        with closing(_open(path, "rw")) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.OperationalError as fault:
        if not str(fault.sqlite_errorname).startswith("SQLITE_BUSY"):
            raise explain(fault, f"The database {path}", str(path.parent)) from fault
        raise StoreError(
            f"The database {path} is in use. End the server and whatever else trains with it, "
            "then restore."
        ) from fault
    except sqlite3.DatabaseError:
        return  # damaged: the reason to restore; it is kept as it is


def _keep(path: Path) -> None:
    """Give the database a second name, so that one exists at every moment."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
    kept = path.with_name(f"{path.name}.replaced-{stamp}")
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        shutil.copyfile(path, kept)
    for ending in COMPANIONS:  # of a damaged database
        with suppress(FileNotFoundError):
            path.with_name(path.name + ending).replace(kept.with_name(kept.name + ending))


def _open(path: Path, mode: str) -> sqlite3.Connection:
    with suppress(OSError):
        path = path.resolve()
    return sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, timeout=1.0)
