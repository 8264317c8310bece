"""Raw connections to a database, and a process that writes to it."""

from __future__ import annotations

import sqlite3

import numpy as np

from lrdash.checkpoints import About, Checkpoint
from lrdash.core.events import EpochEnded, Event
from lrdash.core.spec import RunSpec
from lrdash.store import Store, home


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
