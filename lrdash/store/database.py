"""The connection to the database: how transactions begin, and how faults are reported.

SQLite runs in WAL mode, so that pages read while a worker writes. Writing transactions begin with
BEGIN IMMEDIATE: they wait for their turn at the start, where waiting is safe; one that began by
reading could not be granted the lock later (https://www.sqlite.org/lang_transaction.html).
WAL needs all processes on one machine; a cluster needs PostgreSQL.

PostgreSQL does the same here: writing transactions wait in line for one lock, so that they cannot
block each other in a circle, and reading ones see one snapshot.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url
from sqlalchemy.pool import QueuePool

from lrdash.core.errors import StoreError
from lrdash.store.faults import FAULTS, explain, is_locked

BUSY_TIMEOUT = 10.0  # seconds to wait for another process's transaction
LEAST_WAIT = 1.0  # seconds to wait for a free connection at least
SUPPORTED = ("sqlite", "postgresql")
WRITERS = 7_205_760  # the lock that writers wait for in PostgreSQL; any constant would do
# Connections kept, and opened on top for a while: one for each thread that is inside a method.
# Those of SQLite are files only; a class of fifty may all read at the same moment.
KEPT, ON_TOP = 5, {"sqlite": 95, "postgresql": 20}


class _Open(threading.local):
    """The innermost transaction of the thread."""

    connection: Connection | None = None
    writes = False


class Database:
    """One pool of connections, for any number of threads of one process.

    Args:
        url: SQLAlchemy URL of a SQLite file or a PostgreSQL database.
        busy_timeout: seconds to wait for a lock or a free connection.

    Raises:
        StoreError: if the URL is not understood or the database cannot be opened.
    """

    def __init__(self, url: str, busy_timeout: float = BUSY_TIMEOUT) -> None:
        self._url = _parse(url)
        self.name = _name(self._url)
        self.path = _path(self._url)  # of a SQLite file, else None
        self.folder = str(self.path.parent) if self.path else ""
        self._busy_timeout = busy_timeout
        self._open = _Open()
        self._engine = self._make_engine()
        if self._engine.dialect.name == "sqlite":
            self._switch_to_wal()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout.

        Within another transaction of the same thread, it is part of that one.

        Raises:
            StoreError: for every fault of the database.
        """
        if self._open.connection is not None:
            yield self._open.connection
            return
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is committed as a whole at the end, or not at all if anything raises.

        Within another one of the same thread, it is part of that one.

        Raises:
            StoreError: for every fault of the database.
        """
        if self._open.connection is not None and self._open.writes:
            yield self._open.connection
            return
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[Connection]:
        outer = self._open.connection, self._open.writes
        try:
            with self._engine.connect() as connection:
                connection.execution_options(lrdash_writes=writes)
                with connection.begin():
                    self._open.connection, self._open.writes = connection, writes
                    yield connection
        except FAULTS as fault:
            raise explain(fault, self.name, self.folder) from fault
        finally:
            self._open.connection, self._open.writes = outer

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._engine.dispose()

    def _make_engine(self) -> Engine:
        sqlite = self._url.get_backend_name() == "sqlite"
        options: dict[str, Any] = {"check_same_thread": False} if sqlite else {}
        if not sqlite and "connect_timeout" not in self._url.query:
            options["connect_timeout"] = round(max(self._busy_timeout, LEAST_WAIT))
        try:
            engine = create_engine(
                self._url, poolclass=QueuePool, pool_pre_ping=not sqlite,
                pool_timeout=max(self._busy_timeout, LEAST_WAIT), connect_args=options,
                pool_size=KEPT, max_overflow=ON_TOP[self._url.get_backend_name()],
            )
        except ImportError as fault:
            raise StoreError(
                f"{self.name} needs the Python package {fault.name or fault}, which is not "
                "installed. Install it, or remove LRDASH_DATABASE_URL to use a SQLite file."
            ) from fault
        except (exc.ArgumentError, exc.InvalidRequestError) as fault:
            raise _bad_url(self._url.drivername) from fault
        if sqlite:
            event.listen(engine, "connect", lambda driver, _: self._set_up(driver))
        event.listen(engine, "begin", self._begin)
        return engine

    def _set_up(self, connection: sqlite3.Connection) -> None:
        connection.isolation_level = None  # sqlite3 must not begin transactions
        # Text that is not UTF-8 would end the whole query: it comes as it is, and its row is
        # refused (`codec.row_of`).
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        connection.execute(f"PRAGMA busy_timeout = {round(self._busy_timeout * 1000)}")
        connection.execute("PRAGMA foreign_keys = ON")
        # In WAL mode a power cut can undo the last commits but never damages the database.
        connection.execute("PRAGMA synchronous = NORMAL")

    def _begin(self, connection: Connection) -> None:
        writes = connection.get_execution_options().get("lrdash_writes", False)
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
            return
        if not writes:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql(
            f"SET LOCAL lock_timeout = {round(max(self._busy_timeout, LEAST_WAIT) * 1000)}"
        )
        if writes:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITERS})")

    def _switch_to_wal(self) -> None:
        """Turn WAL on, once in a database's life.

        The switch needs exclusive access, and SQLite does not always wait for that.
        """
        deadline = time.monotonic() + self._busy_timeout
        pause = threading.Event()
        while True:
            try:
                with self._engine.connect() as connection:
                    driver: Any = connection.connection
                    driver.execute("PRAGMA journal_mode = WAL").fetchone()
                return
            except FAULTS as fault:
                if not is_locked(fault) or time.monotonic() > deadline:
                    self.close()
                    raise explain(fault, self.name, self.folder) from fault
                pause.wait(0.02)


def _parse(url: str) -> URL:
    try:
        # The short form that hosting services hand out.
        parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    except (exc.ArgumentError, ValueError) as fault:
        raise _bad_url(url.split(":", 1)[0]) from fault
    if parsed.get_backend_name() not in SUPPORTED:
        raise _bad_url(parsed.drivername)
    if parsed.get_backend_name() == "sqlite" and (
        parsed.database in (None, "", ":memory:") or parsed.query.get("mode") == "memory"
    ):
        raise StoreError(
            "lrdash needs a database file, since its processes meet there; a database in memory "
            "is not shared. Set LRDASH_DATABASE_URL to sqlite:///path/to/lrdash.db or remove it."
        )
    return parsed


def _bad_url(scheme: str) -> StoreError:
    return StoreError(
        f"The database URL that begins with {scheme[:30]!r} is not understood. Set "
        "LRDASH_DATABASE_URL to sqlite:///path/to/lrdash.db or "
        "postgresql://user:password@host/database, or remove it."
    )


def file_of(url: str) -> Path | None:
    """The file of a database, None if it is not SQLite. Opens and makes nothing.

    Raises:
        StoreError: if the URL is not understood.
    """
    return _path(_parse(url))


def _path(url: URL) -> Path | None:
    """The file of a SQLite database; also where it is given as `file:path?mode=ro&uri=true`."""
    if url.get_backend_name() != "sqlite":
        return None
    return Path(str(url.database).removeprefix("file:")).absolute()


def _name(url: URL) -> str:
    shown = url.database if url.get_backend_name() == "sqlite" else url.render_as_string(True)
    return f"The database {shown}"
