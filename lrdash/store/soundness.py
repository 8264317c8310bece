"""Whether the database is whole: its pages, its references, the rows and the runs in it."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from lrdash.core.errors import StoreError
from lrdash.core.wording import listed, plural
from lrdash.store.codec import command_row, decision_row, epoch_row
from lrdash.store.schema import commands, decisions, epochs, runs

SHOWN = 5  # of the runs or rows with one kind of fault


def unsound(connection: Connection) -> list[str]:
    """What is wrong, in words for the user; nothing if all is well. Reads the whole database."""
    found = [*_gaps(connection), *first(list(_unreadable(connection)))]
    if connection.dialect.name != "sqlite":  # PostgreSQL checks its own pages and references
        return found
    return [*_pages(connection), *_references(connection), *found]


def first(faults: list[str]) -> list[str]:
    """Some of one kind, and how many more there are."""
    more = [f"{len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
    return [*faults[:SHOWN], *more]


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
    found = first(list(connection.scalars(query)))
    return [f"epochs are missing of {listed(found)}"] if found else []


def _unreadable(connection: Connection) -> Iterator[str]:
    """Epochs, decisions and commands that cannot be read, with the reason."""
    decoders = ((epochs, epoch_row), (decisions, decision_row), (commands, command_row))
    for table, decode in decoders:
        for row in connection.execute(select(table)).mappings():
            try:
                decode(row)
            except StoreError as fault:
                yield str(fault)
