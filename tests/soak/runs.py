"""Runs for the soak tests: small ones to queue, and waiting for what becomes of them."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

from lrdash.store.settings import DATABASE_FILE
from tests.factories import jobs

queue = partial(jobs.queue, epochs=1)
ENDLESS = 10_000  # epochs; no test waits for their end


def integrity(home: Path) -> str:
    """What SQLite itself says of the database."""
    return str(ask(home, "PRAGMA integrity_check")[0][0])


def ask(home: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(home / DATABASE_FILE)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()

