"""Plans that an engine can train, checked without TensorFlow."""

from __future__ import annotations

from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import Experiment, Planned, plan_all
from lrdash.planning.external import refuse
from lrdash.planning.plan import Plan, make
from lrdash.training import check_engine


def check(spec: RunSpec, engine: str = "auto") -> Plan:
    """The plan of a spec.

    Raises:
        InvalidField, UnknownName: for a field that is wrong.
        DatasetUnavailable: if its data was deleted.
        EngineUnavailable: if the engine of this name cannot train it.
        NotHere: if only a script has its model and data.
    """
    check_engine(engine)
    refuse([spec])
    plan = make(spec)
    plan.dataset.require()
    check_engine(engine, plan)
    return plan


def check_experiment(experiment: Experiment, engine: str = "auto") -> list[Planned]:
    """The plans of an experiment; errors as `check`."""
    check_engine(engine)
    refuse([experiment.base])
    planned = plan_all(experiment)
    planned[0].plan.dataset.require()
    check_engine(engine, planned[0].plan)  # what decides is the same for all
    return planned
