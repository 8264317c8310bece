"""What a press of Start does: runs go into the queue, and the laboratory looks at it."""

from __future__ import annotations

from collections.abc import Sequence

from lrdash.planning.experiment import Experiment, Planned
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan
from lrdash.store import NewRun
from lrdash.ui import resources


def start_run(plan: Plan, *, engine: str = "auto", name: str = "") -> str:
    """Queue a run; gives its id."""
    return resources.store().runs.create(
        plan.spec, steps_per_epoch=plan.steps_per_epoch, updates=plan.updates,
        parameters=plan.parameters, engine=engine, name=name,
    )


def start_experiment(experiment: Experiment, planned: Sequence[Planned], name: str = "") -> str:
    """Queue all runs of an experiment; gives its id."""
    made = resources.store().experiments.create(
        experiment.to_json(), new_runs(planned), groups=cut([run.plan for run in planned]),
        name=name,
    )
    resources.laboratory().wake()
    return made


def new_runs(planned: Sequence[Planned]) -> list[NewRun]:
    """Plans with their labels as the store takes them."""
    return [
        NewRun(
            spec=run.plan.spec, label=run.label, steps_per_epoch=run.plan.steps_per_epoch,
            updates=run.plan.updates, parameters=run.plan.parameters,
        )
        for run in planned
    ]


def resume(run_ids: Sequence[str]) -> None:
    """Queue interrupted and stopped runs again; each continues from its last checkpoint."""
    resources.store().runs.requeue(list(run_ids))
    resources.laboratory().wake()
