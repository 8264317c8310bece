"""Branches, steered and longer runs under fire: each is what its spec gives when left in peace."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from lrdash.api.branches import make_branches, plan_more
from lrdash.core.spec import Piece
from lrdash.jobs.laboratory import Laboratory
from lrdash.store import Store
from tests.factories.jobs import eventually
from tests.soak.exact import PLATEAU, Case, queue, undisturbed
from tests.soak.struck import check, finished, over, wait_for_training

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3000)]

SEED = 77_003
KILLS = 4  # in each of the three acts
SOON = 0.6  # seconds between a command and the death
HALF = Piece(epoch=1, factor=0.5)
PARENTS: dict[str, dict[str, Any]] = {
    "keras": {"epochs": 250, **PLATEAU},
    "lanes": {"epochs": 2500, **PLATEAU, "momentum": 0.9, "batch_size": 4, "base_lr": 0.005},
}


@pytest.fixture(autouse=True)
def many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_CHECKPOINT_SECONDS", "0.2")


class Fire:
    """Kills the worker of a laboratory again and again, and lets the runs continue."""

    def __init__(self, store: Store, laboratory: Laboratory, seed: str) -> None:
        self._store, self._laboratory = store, laboratory
        self._moments, self._gone, self.kills = random.Random(seed), set[str](), 0

    def strike(self, run_ids: list[str], *, steered: str | None = None) -> None:
        """Kill `KILLS` times, each soon after a command if a run is to be steered."""
        for turn in range(KILLS):
            anywhere = turn == 1
            if not wait_for_training(
                self._store, run_ids, self._moments, self._gone, anywhere=anywhere
            ):
                return
            if steered:
                self._store.branches.steer(steered, HALF)
                threading.Event().wait(self._moments.uniform(0.0, SOON))
            (worker,) = self._laboratory.status()
            os.kill(worker.pid, signal.SIGKILL)
            self.kills += 1
            eventually(lambda: over(self._store, run_ids), "the death is noticed")
            self._store.runs.requeue(run_ids)


@pytest.mark.parametrize("engine", ["keras", "lanes"])
def test_branches_steered_and_longer_runs_bear_killed_workers_to_the_bit(
    engine: str, laboratory: Laboratory, store: Store, home: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fire = Fire(store, laboratory, f"{SEED} {engine}")
    (parent,) = queue(store, Case(name="parent", engine=engine, runs=(PARENTS[engine],)))
    fire.strike([parent], steered=parent)
    eventually(lambda: finished(store, [parent]), "the parent ends")
    row = store.runs.one(parent)
    assert len(row.spec.pieces) == fire.kills  # no command is lost, none heeded twice
    assert store.branches.commands([parent]) == {}

    early, late = row.epochs_done // 4, row.epochs_done // 2
    wanted: list[tuple[int, Any]] = [(early, 0.5), (early, {"strategy": "linear"}), (late, 0.1)]
    branches = list(make_branches(row, wanted, store, engine=engine))
    fire.strike(branches)
    eventually(lambda: finished(store, branches), "the branches end")

    plan = plan_more(store.runs.one(branches[0]), row.epochs_done // 4, "hold")
    store.branches.lengthen(branches[0], plan.spec, updates=plan.updates)
    fire.strike(branches[:1])
    eventually(lambda: finished(store, branches), "the longer branch ends")

    run_ids = [parent, *branches]
    alone = Case(
        name=f"a family under {engine}", engine=engine,
        runs=tuple(store.runs.one(run_id).spec.as_dict() for run_id in run_ids),
    )
    epochs = check(store, alone, run_ids, home, undisturbed(alone, tmp_path / "alone"))
    with capsys.disabled():
        print(f"\n{alone.name}: {fire.kills} workers killed; {epochs:,} epochs are the same")
    assert fire.kills >= 2 * KILLS
