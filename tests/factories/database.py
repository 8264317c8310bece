"""Raw connections to a database, and a process that writes to it."""

from __future__ import annotations

import os
import socket
import sqlite3
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import make_url

from lrdash.checkpoints import About, Checkpoint
from lrdash.core.events import (
    EpochEnded,
    Event,
    RunStarted,
    now,
)
from lrdash.core.spec import RunSpec
from lrdash.store import Store, database_url, home


def raw() -> sqlite3.Connection:
    return sqlite3.connect(home() / "lrdash.db", isolation_level=None)


WRITER = """
import sys
import numpy as np
from lrdash.core.events import EpochEnded
from lrdash.store import Store
store, ids, number = Store(), sys.argv[1:], 0
rates = np.full(2000, 0.1, np.float32)
while True:
    number += 1
    said = EpochEnded(epoch=number, metrics={"loss": 1.0}, rates=rates, seconds=0.1)
    store.runs.record([(run_id, said) for run_id in ids])
    print(number, flush=True)
"""


def add_run(store: Store) -> str:
    return store.runs.create(
        RunSpec(), steps_per_epoch=2, updates=4, parameters=1, worker_id="worker-1"
    )


def epoch(number: int, updates: int = 2) -> Event:
    rates = np.full(updates, 0.1, np.float32)
    return EpochEnded(epoch=number, metrics={"loss": 1.0}, rates=rates, seconds=0.1)


def sized_checkpoint(epoch: int, size: int) -> Checkpoint:
    """A checkpoint of about `size` bytes."""
    about = About(
        digest="d", engine="keras", epoch=epoch, seconds=1.0, cause="end", val_loss=1.0 / epoch
    )
    return Checkpoint(about=about, arrays={"w": np.zeros(size // 8)}, state={})


START = RunStarted(
    engine="lanes", parameters=11, steps_per_epoch=4, updates=12, versions={"keras": "3.15.1"}
)


def queue(store: Store, seed: int = 0, **options: object) -> str:
    spec = RunSpec(seed=seed)
    return store.runs.create(
        spec, steps_per_epoch=4, updates=12, parameters=10, **options,  # type: ignore[arg-type]
    )


def running(store: Store, worker_id: str = "worker-1") -> str:
    return queue(store, worker_id=worker_id)


def ended_epoch(epoch: int, loss: float = 1.0) -> EpochEnded:
    rates = np.linspace(0.4, 0.1, 4, dtype=np.float32)
    return EpochEnded(epoch=epoch, metrics={"loss": loss}, rates=rates, seconds=epoch * 0.5)


def execute(statement: str, *values: object) -> None:
    """Do to the database what no method does."""
    connection = sqlite3.connect(make_url(database_url()).database or "")
    with connection:
        connection.execute(statement, values)
    connection.close()


# Clocks
class Clock:
    """The watcher's monotonic clock, which a test moves on; the wall clock is set apart."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.moment, self.wall = 1000.0, timedelta(0)
        patch.setattr("lrdash.store.heartbeats.monotonic", lambda: self.moment)
        patch.setattr("lrdash.store.workers.now", lambda: now() + self.wall)

    def passes(self, seconds: float) -> None:
        self.moment += seconds
        self.wall += timedelta(seconds=seconds)

    def is_set(self, hours: float) -> None:
        self.wall += timedelta(hours=hours)


def beating_run(store: Store, worker_id: str, host: str = "") -> str:
    store.workers.register(worker_id, host or socket.gethostname(), os.getpid())
    return store.runs.create(
        RunSpec(), steps_per_epoch=2, updates=4, parameters=1, worker_id=worker_id
    )
