"""Runs whose processes are struck down at random moments, and what must be left of them."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lrdash.checkpoints import CheckpointFolder
from lrdash.store import Store, home
from tests.factories.jobs import eventually
from tests.soak.exact import Case, differing, kept
from tests.soak.runs import integrity

LONGEST = 1.2  # seconds between a sign of training and the death


def training(store: Store, run_ids: list[str], beyond: int, gone: set[str]) -> bool:
    """Whether a worker that still lives trains a run, and has got further than `beyond`."""
    rows = store.runs.listing(run_ids=run_ids)
    owners = {row.worker_id for row in rows if row.status == "running"}
    return bool(owners - gone) and sum(row.epochs_done for row in rows) > beyond


def over(store: Store, run_ids: list[str]) -> bool:
    return not any(row.active for row in store.runs.listing(run_ids=run_ids))


def wait_for_training(
    store: Store, run_ids: list[str], moments: random.Random, gone: set[str], *, anywhere: bool
) -> str | None:
    """Return at a random moment of the training with the worker's id; None if it ended before.

    Args:
        gone: ids of workers that were killed; this one is added.
        anywhere: do not wait for a new epoch: the model may still be built or compiled.
    """
    done = sum(row.epochs_done for row in store.runs.listing(run_ids=run_ids))
    beyond = -1 if anywhere else done
    eventually(
        lambda: training(store, run_ids, beyond, gone) or finished(store, run_ids),
        "training continues",
    )
    threading.Event().wait(moments.uniform(0.0, LONGEST))
    rows = store.runs.listing(run_ids=run_ids, status="running")
    if not rows or rows[0].worker_id is None:
        return None
    gone.add(rows[0].worker_id)
    return rows[0].worker_id


def finished(store: Store, run_ids: list[str]) -> bool:
    return len(store.runs.listing(run_ids=run_ids, status="finished")) == len(run_ids)


def written(store: Store, run_ids: list[str]) -> bool:
    """Whether the checkpoint of every run's end is on disk: its end may be recorded before."""
    folder = CheckpointFolder(home())
    ends = {row.run_id: row.epochs_done for row in store.runs.listing(run_ids=run_ids)}
    return all([kept.epoch for kept in folder.of(one)][-1:] == [end] for one, end in ends.items())


def check(
    store: Store, case: Case, run_ids: list[str], folder: Path,
    expected: Sequence[dict[str, Any]],
) -> int:
    """Wait for the ends and compare; gives the number of epochs in which nothing differs."""
    eventually(lambda: over(store, run_ids), f"{case.name}: all runs end", 900)
    eventually(lambda: written(store, run_ids), f"{case.name}: the last checkpoints are written")
    found = [kept(store, CheckpointFolder(home()), run_id) for run_id in run_ids]
    assert differing(found, expected) == [], case.name
    assert integrity(folder) == "ok"
    return sum(len(run["epochs"]) for run in found)
