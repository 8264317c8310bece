"""Runs for the soak tests: small ones to queue, and waiting for what becomes of them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import RunRow, Store
from lrdash.store.settings import DATABASE_FILE

SMALL: dict[str, Any] = {"dataset": "wine", "model": "linear", "base_lr": 0.05, "epochs": 1}
ENDLESS = 10_000  # epochs; no test waits for their end


def eventually(condition: Callable[[], Any], what: str, seconds: float = 300.0) -> Any:
    """What the condition gives, as soon as that is true; `what` is said if it never is."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        threading.Event().wait(0.02)
    return found


def queue(store: Store, **fields: Any) -> str:
    """Queue a run; gives its id."""
    plan = make(RunSpec(**{**SMALL, **fields}))
    return store.runs.add(plan)


def ended(store: Store, run_id: str) -> RunRow:
    """The run, once it has ended one way or another."""
    return eventually(
        lambda: (row := store.runs.one(run_id)) and not row.active and row, f"run {run_id} ends"
    )


def integrity(home: Path) -> str:
    """What SQLite itself says of the database."""
    return str(ask(home, "PRAGMA integrity_check")[0][0])


def ask(home: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(home / DATABASE_FILE)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()

