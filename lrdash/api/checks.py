"""Specs and plans, checked without TensorFlow before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.planning.experiment import Experiment, Planned, plan_all
from lrdash.planning.external import refuse
from lrdash.planning.plan import Plan, make
from lrdash.training import check_engine


def base_spec(
    spec: RunSpec | None, fields: Mapping[str, Any], where: str = "",
    instead: Mapping[str, str] = MappingProxyType({}),
) -> RunSpec:
    """A spec with some fields replaced, or of these alone.

    Args:
        spec: as the caller gave it.
        fields: of `RunSpec`.
        where: why fields are refused.
        instead: fields that are refused, and what to give instead.

    Raises:
        InvalidField: for what is not a spec, or a field that is not allowed.
    """
    if not isinstance(spec, RunSpec | None):
        raise InvalidField("spec", "must be a RunSpec", spec)
    for given in fields.keys() & instead.keys():
        raise InvalidField(given, f"is not {where}: give {instead[given]}", fields[given])
    return RunSpec(**fields) if spec is None else spec.replace(**fields)


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
