"""Runs in a database, events of them, raw connections, and a process that writes to it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from lrdash.checkpoints import About, Checkpoint
from lrdash.core.events import EpochEnded, RunStarted, now
from lrdash.core.spec import RunSpec
from lrdash.store import NewRun, Store, home
from lrdash.store.settings import sqlite_url
from tests import DATA

START = now()
DEFINITION = '{"base_lrs":[0.1],"target":0.25}'


def raw() -> sqlite3.Connection:
    return sqlite3.connect(home() / "lrdash.db", isolation_level=None)


def execute(statement: str, *values: object) -> None:
    """Do to the database what no method does."""
    with closing(raw()) as connection:
        connection.execute(statement, values)


WRITER = """
import sys
import numpy as np
from lrdash.core.events import EpochEnded
from lrdash.store import Store
store, ids, number = Store(), sys.argv[1:], 0
rates = np.full(2000, 0.1, np.float32)
while True:
    number += 1
    event = EpochEnded(epoch=number, metrics={"loss": 1.0}, rates=rates, seconds=0.1)
    store.runs.record([(run_id, event) for run_id in ids])
    print(number, flush=True)
"""


def queued(store: Store, seed: int = 0, **options: Any) -> str:
    """A queued run of 3 epochs with 4 updates each."""
    return store.runs.create(
        RunSpec(seed=seed), steps_per_epoch=4, updates=12, parameters=10, **options
    )


def running(store: Store, worker_id: str = "worker-1") -> str:
    return queued(store, worker_id=worker_id)


def new_runs(number: int, first: int = 0) -> list[NewRun]:
    return [
        NewRun(
            spec=RunSpec(seed=seed), label=f"arm {seed % 2}", steps_per_epoch=4, updates=12,
            parameters=10,
        )
        for seed in range(first, first + number)
    ]


def experiment(
    store: Store, number: int = 4, groups: Sequence[Sequence[int]] | None = None, **options: Any
) -> tuple[str, list[str]]:
    """An experiment of such runs, by default in one group: its id and those of its runs."""
    cut = [list(range(number))] if groups is None else groups
    made = store.experiments.create(DEFINITION, new_runs(number), groups=cut, **options)
    return made, run_ids(store, made)


def run_ids(store: Store, experiment_id: str) -> list[str]:
    """Ids of the runs of an experiment, oldest first."""
    return [row.run_id for row in reversed(store.runs.listing(experiment_id=experiment_id))]


def started(note: str = "", engine: str = "lanes") -> RunStarted:
    return RunStarted(
        engine=engine, parameters=11, steps_per_epoch=4, updates=12,
        versions={"keras": "3.15.1"}, note=note, at=START,
    )


def ended_epoch(epoch: int, loss: float = 1.0, *, updates: int = 4, **more: float) -> EpochEnded:
    rates = np.linspace(0.4, 0.1, updates, dtype=np.float32)
    return EpochEnded(
        epoch=epoch, metrics={"loss": loss, **more}, rates=rates, seconds=epoch * 0.5
    )


def old_store(name: str, folder: Path) -> Store:
    """A copy of a database that an earlier version wrote; the files are never made again."""
    shutil.copy(DATA / name, folder / "old.db")
    return Store(sqlite_url(folder / "old.db"))


def sized_checkpoint(epoch: int, size: int) -> Checkpoint:
    """A checkpoint of about `size` bytes."""
    about = About(
        digest="d", engine="keras", epoch=epoch, seconds=1.0, cause="end", val_loss=1.0 / epoch
    )
    return Checkpoint(about=about, arrays={"w": np.zeros(size // 8)}, state={})
