"""What must be the same to the bit: runs as they would have been if nobody had killed anything."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrdash import training
from lrdash.checkpoints import CheckpointFolder
from lrdash.core.spec import RunSpec
from lrdash.jobs.outbox import Outbox
from lrdash.planning.plan import make
from lrdash.store import NewRun, Store
from lrdash.store.settings import sqlite_url
from lrdash.strategies import STRATEGIES
from lrdash.training.checkpoints import CheckpointWriter

BASE: dict[str, Any] = {"dataset": "digits", "examples": 200, "base_lr": 0.05}
PLATEAU = {"strategy": "plateau", "params": {"patience": 5, "min_delta": 0.01}}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A single run, or the runs of a comparison, trained by one engine."""

    name: str
    engine: str
    runs: tuple[dict[str, Any], ...]  # fields of each spec

    def specs(self) -> list[RunSpec]:
        return [RunSpec(**{**BASE, **fields}) for fields in self.runs]

    def groups(self) -> list[list[int]]:
        """Places of the runs that are trained together: those of one optimizer."""
        found: dict[str, list[int]] = {}
        for place, spec in enumerate(self.specs()):
            found.setdefault(spec.optimizer, []).append(place)
        return list(found.values())


def _group(epochs: int, **fields: Any) -> tuple[dict[str, Any], ...]:
    arms: tuple[dict[str, Any], ...] = (
        PLATEAU, {"strategy": "cosine"}, {"strategy": "one_cycle"}, {"strategy": "custom"},
    )
    return tuple(
        {"epochs": epochs, "seed": seed, **arm, **fields} for arm in arms for seed in (0, 1)
    )


RATES = {"sgd": 0.05, "rmsprop": 0.001, "adam": 0.002, "adamw": 0.002}
NEEDED: dict[str, dict[str, Any]] = {"multistep": {"milestones": [3, 10]}}


def _every(epochs: int, optimizers: Sequence[str], **fields: Any) -> tuple[dict[str, Any], ...]:
    """Every strategy with these optimizers."""
    return tuple(
        {"epochs": epochs, "strategy": name, "params": NEEDED.get(name, {}),
         "optimizer": optimizer, "base_lr": RATES[optimizer], **fields}
        for optimizer in optimizers for name in STRATEGIES
    )


CASES = (
    Case(name="plateau under Keras", engine="keras", runs=({"epochs": 400, **PLATEAU},)),
    Case(name="cosine, AdamW and dropout under Keras", engine="keras", runs=(
        {"epochs": 250, "strategy": "cosine", "optimizer": "adamw", "base_lr": 0.001,
         "model_params": {"dropout": 0.3}},
    )),
    Case(name="plateau as a lane", engine="lanes", runs=(
        {"epochs": 2500, **PLATEAU, "momentum": 0.9, "batch_size": 4, "base_lr": 0.005},
    )),
    Case(name="one cycle and Adam as a lane", engine="lanes", runs=(
        {"epochs": 2000, "strategy": "one_cycle", "optimizer": "adam", "base_lr": 0.002,
         "batch_size": 4, "warmup_epochs": 3},
    )),
    Case(name="a comparison as lanes", engine="lanes", runs=_group(
        400, optimizer="rmsprop", base_lr=0.0005, model_params={"dropout": 0.2}, batch_size=8,
    )),
    Case(name="a comparison under Keras", engine="keras", runs=_group(50, nesterov=True)),
    Case(name="every strategy and optimizer as lanes", engine="lanes", runs=_every(
        150, list(RATES), batch_size=8, model_params={"dropout": 0.2},
    )),
    Case(name="every strategy under Keras, half with Adam", engine="keras", runs=(
        *_every(12, ["sgd"], momentum=0.9)[::2], *_every(12, ["adam"])[1::2],
    )),
)


def queue(store: Store, case: Case) -> list[str]:
    """Queue the runs of a case as a comparison; gives their ids in order."""
    plans = [make(spec) for spec in case.specs()]
    new = [
        NewRun(
            spec=plan.spec, label=plan.spec.strategy, steps_per_epoch=plan.steps_per_epoch,
            updates=plan.updates, parameters=plan.parameters,
        )
        for plan in plans
    ]
    made = store.experiments.create(
        "{}", new, groups=case.groups(), engine=case.engine, name=case.name
    )
    return [row.run_id for row in reversed(store.runs.listing(experiment_id=made))]


def undisturbed(case: Case, folder: Path) -> list[dict[str, Any]]:
    """Train the runs in this process, in one go; gives what `kept` gives of them."""
    folder.mkdir()
    store, folder = Store(sqlite_url(folder / "undisturbed.db")), CheckpointFolder(folder)
    run_ids = queue(store, case)
    outbox, writer = Outbox(store.runs.record), CheckpointWriter(folder)
    specs = case.specs()
    for group in case.groups():
        training.train_group(
            [make(specs[place]) for place in group], run_ids=[run_ids[place] for place in group],
            sink=outbox, should_stop=set, engine=case.engine, writer=writer,
        )
    outbox.close()
    writer.close()
    found = [kept(store, folder, run_id) for run_id in run_ids]
    store.close()
    return found


def kept(store: Store, folder: CheckpointFolder, run_id: str) -> dict[str, Any]:
    """All of a run that must not depend on what happened to its process."""
    row = store.runs.one(run_id)
    epochs = store.runs.epochs(run_id)
    return {
        "ending": (row.status, row.reason, row.epochs_done, row.update, row.engine),
        "epochs": [epoch.epoch for epoch in epochs],
        "metrics": [repr(sorted(epoch.metrics.items())) for epoch in epochs],
        "rates": [(epoch.learning_rate, epoch.rates.tobytes()) for epoch in epochs],
        "decisions": [repr(decision) for decision in store.runs.decisions(run_id)],
        "weights": last_digest(folder, run_id),
    }


def last_digest(folder: CheckpointFolder, run_id: str) -> tuple[int, str]:
    """Epoch of a run's last checkpoint, and a digest over weights, slots and random states."""
    epoch = folder.of(run_id)[-1].epoch
    found = folder.load(run_id, epoch)
    assert found is not None
    digest = hashlib.sha256()
    for name in sorted(found.arrays):
        digest.update(name.encode() + found.arrays[name].tobytes())
    return epoch, digest.hexdigest()


def differing(found: Sequence[dict[str, Any]], expected: Sequence[dict[str, Any]]) -> list[str]:
    """Names of what differs, by the place of the run."""
    return [
        f"run {place}: {name}"
        for place, (one, other) in enumerate(zip(found, expected, strict=True))
        for name in other
        if one[name] != other[name]
    ]
