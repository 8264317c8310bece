"""Runs as a worker would have recorded them, for tests of exports and reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lrdash.api.compare import define, new_runs
from lrdash.core.events import EpochEnded, Event, RunEnded, RunStarted
from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import plan_all
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan, make
from lrdash.store import Store

VERSIONS = {"keras": "3.15.1", "tensorflow": "2.21.0", "machine": "Linux 6, x86_64, 2 processors"}
EPOCHS = 4


def said(plan: Plan, *, lost: bool = False) -> list[Event]:
    """What a run says: a loss that falls with the epochs and grows with rate and seed."""
    course = plan.program()
    events: list[Event] = [
        RunStarted(
            engine="lanes", parameters=plan.parameters, steps_per_epoch=plan.steps_per_epoch,
            updates=plan.updates, versions=VERSIONS,
        )
    ]
    for epoch in range(1 if lost else plan.spec.epochs):
        loss = 1 / (epoch + 1) + plan.spec.base_lr + plan.spec.seed / 100
        metrics = {"loss": loss / 2, "val_loss": float("nan") if lost else loss}
        if plan.dataset.num_classes:
            metrics |= {"accuracy": 0.5, "val_accuracy": 0.75}
        rates = course.rates(epoch).astype(np.float32)
        events.append(
            EpochEnded(epoch=epoch + 1, metrics=metrics, rates=rates, seconds=epoch + 1.0)
        )
        course.end_epoch(epoch, metrics)
    status = "diverged" if lost else "finished"
    return [*events, RunEnded(status=status, reason="the loss became NaN" * lost, seconds=9.0)]


def one_run(store: Store, **fields: Any) -> str:
    """A finished run of four epochs; gives its id."""
    plan = make(RunSpec(**{"dataset": "wine", "epochs": EPOCHS, **fields}))
    store.register_worker("w", "host", 1)
    run_id = store.create_run(
        plan.spec, steps_per_epoch=plan.steps_per_epoch, updates=plan.updates,
        parameters=plan.parameters, worker_id="w",
    )
    store.record([(run_id, event) for event in said(plan)])
    return run_id


def one_experiment(
    store: Store, arms: Sequence[Any] = ("constant", "cosine"), *, name: str = "",
    diverging: float = 1e9, **more: Any,
) -> str:
    """A finished comparison, with runs at or above a rate lost; gives its id."""
    fields = {"dataset": "wine", "epochs": EPOCHS, "base_lrs": (0.01, 0.1), "seeds": 3, **more}
    experiment = define(arms, **fields)
    planned = plan_all(experiment)
    made = store.create_experiment(
        experiment.to_json(), new_runs(planned), groups=cut([run.plan for run in planned]),
        name=name,
    )
    store.register_worker("w", "host", 1)
    for group in store.queued_groups():
        for run_id in store.claim_group(group, "w"):
            plan = make(store.run(run_id).spec)
            told = said(plan, lost=plan.spec.base_lr >= diverging)
            store.record([(run_id, event) for event in told])
    return made
