"""Runs and searches in the store, and waiting for what becomes of them."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import make_url

from lrdash.core.events import Status
from lrdash.core.spec import RunSpec
from lrdash.jobs import hindsight
from lrdash.planning.hindsight import Rival, Search
from lrdash.planning.plan import make
from lrdash.store import RunRow, StageRun, Store
from tests.factories.runs import finish

PATIENCE = 280.0  # seconds; a test is ended after 300
SMALL: dict[str, Any] = {"dataset": "wine", "model": "linear", "base_lr": 0.05, "epochs": 3}
# Fields of a run that is still training whenever its test gets to it; needs the fixture `endless`.
ENDLESS: dict[str, Any] = {"strategy": "endless", "epochs": 10_000}


def eventually(
    condition: Callable[[], Any], what: str = "", seconds: float = PATIENCE
) -> Any:
    """What the condition gives, as soon as that is true; `what` is in the message otherwise.

    It gives up only shortly before the test itself is ended: a slow machine is no failure.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it never happened: {what or condition}"
        threading.Event().wait(0.02)
    return found


def queue(store: Store, **fields: Any) -> str:
    plan = make(RunSpec(**{**SMALL, **fields}))
    return store.runs.add(plan)


def ended(store: Store, run_id: str) -> RunRow:
    return eventually(lambda: not store.runs.one(run_id).active and store.runs.one(run_id))


def running(store: Store, run_id: str) -> RunRow:
    """The run, once it has finished an epoch."""
    return eventually(lambda: store.runs.one(run_id).epochs_done > 0 and store.runs.one(run_id))


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def freeze(pid: int, store: Store) -> None:
    """Halt a worker, but not while it holds the database's lock, which nobody else could take."""
    connection = sqlite3.connect(make_url(store.url).database or "", timeout=60)
    connection.execute("BEGIN IMMEDIATE")
    os.kill(pid, signal.SIGSTOP)
    connection.rollback()
    connection.close()


BASE = make(RunSpec(dataset="wine", model="linear", epochs=4)).spec


def search(**given: Any) -> Search:
    return Search(**{
        "base": BASE, "points": (1, 2), "factors": (0.1, 3.0), "beam": 2, "seeds": (1, 2),
        "rivals": (Rival(strategy="cosine"),), **given,
    })


def over(store: Store, run_id: str, val_loss: float, status: Status = "finished") -> None:
    """What a worker would have written."""
    finish(
        store, run_id, lambda *_: {"loss": val_loss, "val_loss": val_loss}, status=status,
        reason="" if status == "finished" else "it was so",
    )


def stage_over(
    store: Store, made: str, loss: Callable[[StageRun], float] = lambda _: 1.0
) -> list[StageRun]:
    """Ends the runs of the stage and starts the next; gives its runs."""
    for run in store.hindsights.runs(made):
        if run.status == "queued":
            over(store, run.run_id, loss(run))
    hindsight.advance(store, made)
    stage = store.hindsights.one(made).stage
    return [run for run in store.hindsights.runs(made) if run.stage == stage]


def by_rate(run: StageRun) -> float:
    return 1.0 + sum(factor for _, factor in run.part["moves"])
