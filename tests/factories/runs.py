"""Runs as a worker would have recorded them, for tests of exports and reports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from lrdash.api.compare import define
from lrdash.checkpoints import About, Cause, Checkpoint
from lrdash.core.events import EpochEnded, Event, RateDecided, RunEnded, RunStarted, Sink
from lrdash.core.spec import Facts, RunSpec
from lrdash.planning.experiment import plan_all
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan, make
from lrdash.store import NewRun, RunRow, Store
from lrdash.store.rows import EpochRow
from lrdash.tracking.importing import Upload, bring, read_uploads

VERSIONS = {"keras": "3.15.1", "tensorflow": "2.21.0", "machine": "Linux 6, x86_64, 2 processors"}
EPOCHS = 4


Measured = Callable[[int, float], Mapping[str, float]]  # by epoch from 0 and its last rate


def reported(
    plan: Plan, measured: Measured, *, first: int = 0, epochs: int | None = None,
    status: str = "finished", reason: str = "", engine: str = "lanes", note: str = "",
) -> list[Event]:
    """What a worker reports of a run: its start, its epochs from `first` on with the decisions of
    a rule, and its end unless it is running.
    """
    program, total = plan.program(), plan.spec.epochs if epochs is None else epochs
    events: list[Event | None] = [
        RunStarted(
            engine=engine, parameters=plan.parameters, steps_per_epoch=plan.steps_per_epoch,
            updates=plan.updates, versions=VERSIONS, note=note,
        ),
        program.before_start(),
    ]
    for epoch in range(total):
        rates = program.rates(epoch).astype(np.float32)
        metrics = dict(measured(epoch, float(rates[-1])))
        said = EpochEnded(epoch=epoch + 1, metrics=metrics, rates=rates, seconds=epoch + 1.0)
        decision = program.end_epoch(epoch, metrics)
        if epoch >= first:
            events += said, decision
    if status != "running":
        events.append(RunEnded(status=status, reason=reason, seconds=9.0))  # type: ignore[arg-type]
    return [event for event in events if event is not None]


def falling(plan: Plan, *, lost: bool = False) -> Measured:
    """A loss that falls with the epochs and grows with rate and seed."""

    def measured(epoch: int, _rate: float) -> Mapping[str, float]:
        loss = 1 / (epoch + 1) + plan.spec.base_lr + plan.spec.seed / 100
        metrics = {"loss": loss / 2, "val_loss": float("nan") if lost else loss}
        accuracies = {"accuracy": 0.5, "val_accuracy": 0.75} if plan.dataset.num_classes else {}
        return metrics | accuracies

    return measured


def finish(store: Store, run_id: str, measured: Measured, **ending: Any) -> None:
    """Train a queued run on, as a worker would; `ending` as in `reported`."""
    row = store.runs.one(run_id)
    store.workers.register("w")
    assert store.runs.claim(run_id, "w")
    events = reported(make(row.spec), measured, first=row.epochs_done, **ending)
    store.runs.record([(run_id, event) for event in events])


def one_run(store: Store, **fields: Any) -> str:
    """A finished run of four epochs; gives its id."""
    plan = make(RunSpec(**{"dataset": "wine", "epochs": EPOCHS, **fields}))
    run_id = store.runs.add(plan)
    finish(store, run_id, falling(plan))
    return run_id


def one_experiment(
    store: Store, arms: Sequence[Any] = ("constant", "cosine"), *, name: str = "",
    diverging: float = 1e9, **more: Any,
) -> str:
    """A finished comparison, with runs at or above a rate lost; gives its id."""
    fields = {"dataset": "wine", "epochs": EPOCHS, "base_lrs": (0.01, 0.1), "seeds": 3, **more}
    experiment = define(arms, **fields)
    planned = plan_all(experiment)
    made = store.experiments.create(
        experiment.to_json(), NewRun.of_each(planned), groups=cut([run.plan for run in planned]),
        name=name,
    )
    for row in reversed(store.runs.listing(experiment_id=made)):
        plan = make(row.spec)
        if plan.spec.base_lr >= diverging:
            finish(store, row.run_id, falling(plan, lost=True), epochs=1, status="diverged",
                   reason="the loss became NaN")
        else:
            finish(store, row.run_id, falling(plan))
    return made


def epoch_row(epoch: int, run_id: str = "r1", steps: int = 4, **metrics: float) -> EpochRow:
    rates = (0.1 / epoch * np.ones(steps)).astype(np.float32)
    return EpochRow(
        run_id=run_id, epoch=epoch,
        metrics=metrics or {"loss": 1.0 / epoch, "val_loss": 2.0 / epoch},
        learning_rate=float(rates[-1]), rates=rates, seconds=0.5 * epoch,
    )


def run_row(**changes: Any) -> RunRow:
    values: dict[str, Any] = {
        "run_id": "r1", "name": "first", "tags": ("a", "b"), "spec": RunSpec(epochs=4),
        "status": "running", "reason": "", "engine": "keras",
        "created_at": datetime(2026, 1, 2, tzinfo=UTC), "started_at": None, "ended_at": None,
        "seconds": 1.5, "steps_per_epoch": 4, "updates": 16, "update": 8, "parameters": 10,
        "epochs_done": 2, "worker_id": None, "versions": {}, "version": 3, "stop_requested": False,
    }
    return RunRow(**{**values, **changes})


def epoch_event(plan: Plan, epoch: int) -> EpochEnded:
    rates = plan.program().rates(epoch - 1).astype(np.float32)
    metrics = dict.fromkeys(plan.metrics, 1.0 / epoch)
    return EpochEnded(epoch=epoch, metrics=metrics, rates=rates, seconds=0.1 * epoch)


def imitation(
    plans: Sequence[Plan], *, run_ids: Sequence[str], sink: Sink, **_others: Any
) -> None:
    """Says what an engine would say, without one."""
    for plan, run_id in zip(plans, run_ids, strict=True):
        sink(run_id, RunStarted(
            engine="keras", parameters=plan.parameters, steps_per_epoch=plan.steps_per_epoch,
            updates=plan.updates, versions={},
        ))
        for epoch in range(1, plan.spec.epochs + 1):
            sink(run_id, epoch_event(plan, epoch))
        sink(run_id, RateDecided(epoch=1, rate_before=0.1, rate_after=0.05, reason="cut", wait=0))
        sink(run_id, RunEnded(status="finished", seconds=0.5))


def checkpoint(epoch: int = 3, cause: Cause = "time", loss: float = 0.5) -> Checkpoint:
    about = About(
        digest="abc", engine="lanes", epoch=epoch, seconds=1.5, cause=cause, val_loss=loss
    )
    arrays = {
        "weight:0": np.arange(6, dtype=np.float32).reshape(2, 3) + epoch,
        "step": np.array(7, np.int32), "other:0": np.array([1, 2**31], np.uint32),
    }
    return Checkpoint(about=about, arrays=arrays, state={"course": {"rate": 0.1, "best": None}})


def trained(
    store: Store, *, status: str = "finished", reason: str = "", epochs: int = 3, **fields: object
) -> str:
    """A run of up to ten epochs as a worker would have left it."""
    run_id = store.runs.add(make(RunSpec(epochs=10, **fields)))
    finish(
        store, run_id, lambda epoch, _rate: {
            "loss": 1 / (epoch + 1), "val_loss": 1.2 / (epoch + 1), "accuracy": 0.5,
            "val_accuracy": 0.6,
        },
        epochs=epochs, status=status, reason=reason, engine="keras",
    )
    return run_id


PLATEAU = {"callback": "ReduceLROnPlateau", "monitor": "val_auc", "mode": "max", "factor": 0.5,
           "patience": 1, "min_delta": 0.01, "known": "updates"}


VALUES = (0.5, 0.6, 0.6, 0.6)


def watched(store: Store, *, over: bool = True, **params: object) -> str:
    """A run of a script, whose plateau rule halves after epochs 3 and 4."""
    spec = RunSpec(
        dataset="my *photos*", model="resnet", strategy="recorded", params=params or PLATEAU,
        base_lr=0.1, epochs=4, origin="watched", facts=Facts(
            steps_per_epoch=2, metrics=("loss", "val_loss", "val_auc"), optimizer="Lion",
            notes=("It has several optimizers.",)),
    )
    run_id = store.runs.create(
        spec, steps_per_epoch=2, updates=8, parameters=10, engine="keras", name="mine",
        worker_id="w",
    )
    rates = (0.1, 0.1, 0.1, 0.05)
    said: list[object] = []
    for place, value in enumerate(VALUES):
        metrics = {"loss": 1.0 - value, "val_loss": 1.1 - value, "val_auc": value}
        used = [rates[place]] * 2
        said.append(EpochEnded(
            epoch=place + 1, metrics=metrics, rates=used, seconds=1.0))  # type: ignore[arg-type]
        after = (*rates, 0.025)[place + 1]
        said.append(RateDecided(
            epoch=place + 1, rate_before=rates[place], rate_after=after, reason="as seen",
            monitor="val_auc", monitored=value, best=value, wait=0, cooldown=0))
    if over:
        said.append(RunEnded(status="interrupted", reason="Ctrl-C", seconds=1.0))
    store.runs.record([(run_id, event) for event in said])  # type: ignore[misc]
    return run_id


def imported(store: Store) -> str:
    data = json.dumps({"loss": [0.5, 0.4], "f1": [0.1, 0.2]}).encode()
    return bring(read_uploads([Upload(name="old.json", data=data)]), store)[0].run_id
