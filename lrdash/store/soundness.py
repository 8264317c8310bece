"""Whether the database is whole: its pages, its references, and the runs in it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from lrdash.core.wording import listed, plural
from lrdash.store.schema import epochs, runs

SHOWN = 5  # of the runs with one kind of fault


def unsound(connection: Connection) -> list[str]:
    """What is wrong, in words for the user; nothing if all is well. Reads the whole database."""
    if connection.dialect.name != "sqlite":  # PostgreSQL checks its own pages and references
        return _gaps(connection)
    return [*_pages(connection), *_references(connection), *_gaps(connection)]


def _pages(connection: Connection) -> list[str]:
    """What SQLite finds in its own file (https://www.sqlite.org/pragma.html#pragma_integrity_check)."""
    found = connection.exec_driver_sql("PRAGMA integrity_check(5)").scalars()
    return [str(line) for line in found if line != "ok"]


def _references(connection: Connection) -> list[str]:
    lost: dict[str, int] = {}
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        lost[row[0]] = lost.get(row[0], 0) + 1
    return [
        f"{plural(count, 'row')} of {table} {'belongs' if count == 1 else 'belong'} to nothing"
        for table, count in lost.items()
    ]


def _gaps(connection: Connection) -> list[str]:
    """Runs whose epochs are not 1, 2, ... up to the number that the run has."""
    stored, last = func.count(epochs.c.epoch), func.coalesce(func.max(epochs.c.epoch), 0)
    query = (
        select(runs.c.run_id)
        .outerjoin(epochs, epochs.c.run_id == runs.c.run_id)
        .group_by(runs.c.run_id, runs.c.epochs_done)
        .having((stored != last) | (last != runs.c.epochs_done))
        .order_by(runs.c.run_id)
    )
    found = list(connection.scalars(query))
    more = [f"{len(found) - SHOWN} more"] if len(found) > SHOWN else []
    return [f"epochs are missing of {listed([*found[:SHOWN], *more])}"] if found else []
