"""What Start and Resume do: put runs and range tests into the queue and wake the laboratory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from lrdash.core.events import Status
from lrdash.planning import external
from lrdash.planning.experiment import Experiment, Planned, missing, plan_all
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan
from lrdash.planning.range_test import PlannedTest
from lrdash.store import ExperimentRow, NewRun
from lrdash.ui import resources

RESUMABLE: tuple[Status, ...] = ("interrupted", "stopped")


class Prepared(NamedTuple):
    """An experiment that is ready to be queued."""

    experiment: Experiment
    planned: list[Planned]
    groups: list[list[int]]  # places in `planned`: runs that train together

    @property
    def plans(self) -> list[Plan]:
        """The plans of its runs."""
        return [run.plan for run in self.planned]


def prepare(experiment: Experiment) -> Prepared:
    """Plan the runs of an experiment and cut them into groups.

    Raises:
        LrdashError: a setting is not allowed, or a run does not fit into the memory.
    """
    planned = plan_all(experiment)
    return Prepared(experiment, planned, cut([run.plan for run in planned]))


def start_run(plan: Plan, *, engine: str = "auto", name: str = "") -> str:
    """Queue a run; gives its id."""
    return resources.store().runs.add(plan, engine=engine, name=name)


def start_experiment(prepared: Prepared, name: str = "") -> str:
    """Queue all runs of an experiment; gives its id."""
    made = resources.store().experiments.create(
        prepared.experiment.to_json(), NewRun.of_each(prepared.planned), groups=prepared.groups,
        name=name,
    )
    resources.laboratory().wake()
    return made


def start_range_test(planned: PlannedTest) -> str:
    """Queue a range test; gives its id."""
    spec = planned.spec
    made = resources.store().range_tests.create(
        spec.to_json(), spec.rates, seeds=len(spec.seeds)
    )
    resources.laboratory().wake()
    return made


def extend_experiment(row: ExperimentRow, larger: Experiment) -> int:
    """Queue the runs that a larger experiment adds; gives their number.

    Raises:
        InvalidField: a run does not fit into the memory, or there are too many.
        NotHere: the model and the data are in a script.
    """
    external.refuse([larger.base])
    store = resources.store()
    existing = [run.spec for run in store.runs.listing(experiment_id=row.experiment_id)]
    lacking = missing(plan_all(larger), existing)
    if lacking:
        store.experiments.add_runs(
            row.experiment_id, larger.to_json(), NewRun.of_each(lacking),
            groups=cut([run.plan for run in lacking]),
        )
        resources.laboratory().wake()
    return len(lacking)


def stop_experiment(experiment_id: str) -> None:
    """Ask all runs of an experiment to stop."""
    runs = resources.store().runs
    runs.request_stop_all([run.run_id for run in runs.listing(experiment_id=experiment_id)])


def resume_experiment(experiment_id: str) -> None:
    """Queue its interrupted and stopped runs again."""
    runs = resources.store().runs.listing(experiment_id=experiment_id, status=RESUMABLE)
    resume([run.run_id for run in runs])


def resume(run_ids: Sequence[str]) -> None:
    """Queue interrupted and stopped runs again; each resumes from its last checkpoint."""
    resources.store().runs.requeue(list(run_ids))
    resources.laboratory().wake()
