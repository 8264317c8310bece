"""How long training will take, estimated from earlier training on the same machine."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from lrdash.core.spec import RunSpec
from lrdash.planning.grouping import lane_work, lanes_apply
from lrdash.planning.plan import Plan
from lrdash.store.rows import RunRow

# What sets the pace.
SAME = ("dataset", "examples", "model", "model_params", "optimizer", "batch_size")


class Trained(NamedTuple):
    """Runs that were trained together."""

    engine: str
    lanes: int
    pace: float  # seconds of one epoch of one lane


def expected_seconds(spec: RunSpec, runs: Sequence[RunRow]) -> float | None:
    """Seconds of training of one run, from the pace of earlier ones; None where none is comparable.

    Args:
        spec: a complete spec.
        runs: earlier runs, newest first; those that did at least one epoch of the same work count,
            if the engine of the newest trained them.

    Returns:
        The median seconds an epoch of those trained with as few others as possible, times the
        epochs of this one.
    """
    trained = _trained(runs).get(_work(spec), [])
    pace = _pace([one for one in trained if one.engine == trained[0].engine], 1)
    return None if pace is None else pace * spec.epochs


def expected_group_seconds(
    plans: Sequence[Plan],
    history: Sequence[RunRow] = (),
    paces: Mapping[str, float] | None = None,
) -> float | None:
    """Seconds that all runs of an experiment take, one group after another.

    Args:
        plans: of all runs.
        history: earlier runs, newest first; whole groups, as far as possible.
        paces: of this machine, from `store.known_paces`; used where no earlier run did the same
            work.

    Returns:
        An estimate, or None if nothing is known about some of the runs.
    """
    trained, known = _trained(history), paces or {}
    kinds: dict[str, list[Plan]] = {}
    for plan in plans:
        kinds.setdefault(_work(plan.spec), []).append(plan)
    total = 0.0
    for work, alike in kinds.items():
        engine = "keras" if lanes_apply(alike[0]) else "lanes"
        same = [one for one in trained.get(work, []) if one.engine == engine]
        pace, start = _pace(same, len(alike)), 0.0
        if pace is None and engine == "lanes":
            pace, start = _calibrated(alike[0], known), known.get("start", 0.0)
        if pace is None:
            return None
        total += start + pace * sum(plan.spec.epochs for plan in alike)
    return total


def _calibrated(plan: Plan, paces: Mapping[str, float]) -> float | None:
    kind = "convolutional" if plan.model.convolutional else "dense"
    return paces[kind] * lane_work(plan) if kind in paces else None


def _pace(trained: Sequence[Trained], lanes: int) -> float | None:
    """The median pace of those whose number of lanes is nearest."""
    if not trained:
        return None
    distance = [abs(math.log(one.lanes / lanes)) for one in trained]
    nearest = min(distance)
    return median(
        one.pace for one, away in zip(trained, distance, strict=True) if away <= nearest
    )


def _trained(runs: Sequence[RunRow]) -> dict[str, list[Trained]]:
    """What was trained together, by the work of an epoch, in the order of the runs.

    Lanes take turns, so the time of a group is that of its slowest run; the keras engine trains
    one run after another.
    """
    groups: dict[tuple[str, str], list[RunRow]] = {}
    for run in runs:
        if run.epochs_done and run.seconds:
            together = run.group_id if run.engine == "lanes" and run.group_id else run.run_id
            groups.setdefault((_work(run.spec), together), []).append(run)
    found: dict[str, list[Trained]] = {}
    for (work, _), group in groups.items():
        seconds = max(run.seconds for run in group)
        epochs = sum(run.epochs_done for run in group)
        one = Trained(group[0].engine, len(group), seconds / epochs)
        found.setdefault(work, []).append(one)
    return found


def _work(spec: RunSpec) -> str:
    token = [spec.facts.token] if spec.facts else []
    return json.dumps([*(getattr(spec, name) for name in SAME), *token], sort_keys=True)
