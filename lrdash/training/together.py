"""Several runs in one go: as lanes of one program where that works, else one after another."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from lrdash import training
from lrdash.errors import EngineUnavailable
from lrdash.events import RunEnded, Sink
from lrdash.plan import Plan

GroupEngine = Callable[..., dict[str, RunEnded]]

log = logging.getLogger(__name__)


def train_together(
    plans: Sequence[Plan],
    *,
    run_ids: Sequence[str],
    sink: Sink,
    should_stop: Callable[[], set[str]],
    engine: str = "auto",
) -> dict[str, RunEnded]:
    """Train a group of runs; whatever goes wrong becomes the ending of a run.

    Args:
        plans: what to train, of one group (see `lrdash.grouping`).
        run_ids: stand beside the events of each.
        sink: receives the events of all runs, each run's in order with `RunEnded` last.
        should_stop: ids of the runs that have to stop; asked several times a second.
        engine: "auto" or one of the engines by name.

    Returns:
        How each run ended, by id.
    """
    together: GroupEngine | None = getattr(training, "train_group", None)
    if together and len(plans) > 1 and engine != "keras":
        try:
            return together(
                plans, run_ids=run_ids, sink=sink, should_stop=should_stop, engine=engine
            )
        except EngineUnavailable as fault:
            log.info("one after another: %s", fault)

    def train(plan: Plan, run_id: str) -> RunEnded:
        return training.train(
            plan, run_id=run_id, sink=sink, should_stop=lambda: run_id in should_stop(),
            engine=engine,
        )

    return {run_id: train(plan, run_id) for plan, run_id in zip(plans, run_ids, strict=True)}
