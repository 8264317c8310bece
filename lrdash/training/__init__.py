"""Training: a plan goes in, events come out.

Importing this package is cheap; Keras is imported when a run starts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

from lrdash.errors import EngineUnavailable, UnknownName
from lrdash.events import RunEnded, Sink
from lrdash.training.failures import in_words

if TYPE_CHECKING:
    from lrdash.plan import Plan

ENGINES = ("auto", "keras")

log = logging.getLogger(__name__)


class Engine(Protocol):
    """What trains plans."""

    def __call__(
        self, plan: Plan, *, run_id: str, sink: Sink, should_stop: Callable[[], bool]
    ) -> RunEnded:
        """Train one plan, emit all events but the last, and return the last."""


def train(
    plan: Plan,
    *,
    run_id: str,
    sink: Sink,
    should_stop: Callable[[], bool],
    engine: str = "auto",
) -> RunEnded:
    """Train one run; whatever goes wrong becomes its ending.

    Args:
        plan: what to train, complete and checked.
        run_id: stands beside each event.
        sink: receives all events in order, `RunEnded` last. If it raises, the run fails; if it
            still raises for `RunEnded`, that reaches the caller.
        should_stop: asked about ten times a second; True ends the run as stopped.
        engine: "auto" or one of the engines by name.

    Returns:
        How the run ended, as it was said to the sink.
    """
    began = perf_counter()
    try:
        ended = _engine(engine)(plan, run_id=run_id, sink=sink, should_stop=should_stop)
    except Exception as fault:
        log.exception("run %s failed", run_id)
        seconds = perf_counter() - began
        ended = RunEnded(status="failed", reason=in_words(fault), seconds=seconds)
    sink(run_id, ended)
    return ended


def check_engine(name: str) -> None:
    """Refuse an engine that there is not.

    Raises:
        EngineUnavailable: one that is not built yet.
        UnknownName: any other; offers the nearest.
    """
    if name == "lanes":
        raise EngineUnavailable("The lanes engine is not built yet. Choose engine auto or keras.")
    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)


def _engine(name: str) -> Engine:
    check_engine(name)
    from lrdash.training.keras_engine import fit

    return fit
