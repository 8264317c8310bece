"""Training: a plan goes in, events come out.

Two engines do it. *keras* trains one run by `model.fit` with Keras' own callbacks and is the
reference; *lanes* trains all runs of a group as one compiled program and is used wherever it
applies. Importing this package is cheap; Keras is imported when a run starts.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

from lrdash.core.errors import EngineUnavailable, UnknownName
from lrdash.core.events import Event, Mailbox, RunEnded, Sink, no_mail
from lrdash.training.bridge import bridge
from lrdash.training.checkpoints import CheckpointWriter
from lrdash.training.failures import ending, in_words

if TYPE_CHECKING:
    from lrdash.planning.plan import Plan

ENGINES = ("auto", "lanes", "keras")

log = logging.getLogger(__name__)


def train_group(
    plans: Sequence[Plan],
    *,
    run_ids: Sequence[str],
    sink: Sink,
    should_stop: Callable[[], set[str]],
    engine: str = "auto",
    writer: CheckpointWriter | None = None,
    mailbox: Mailbox = no_mail,
) -> dict[str, RunEnded]:
    """Train several runs and give how each ended, as the sink received it.

    If anything goes wrong, those that have not ended end with the reason. Runs of one
    `grouping.group_key` become lanes of one program; groups, and runs that cannot be lanes, follow
    one after another.

    Args:
        plans: what to train, complete and checked.
        run_ids: one a plan; go with its events.
        sink: receives the events of all runs, those of each in order and `RunEnded` last. If it
            raises, the runs fail; if it raises for `RunEnded`, too, that reaches the caller.
        should_stop: gives the ids of the runs that have to stop; asked about ten times a second.
        engine: "lanes", "keras", or "auto": lanes wherever possible; runs trained by keras say why.
        writer: has checkpoints to resume from and takes new ones; by default nothing is kept.
        mailbox: where users' commands arrive; each takes effect at the end of an epoch.
    """
    from lrdash.planning.grouping import alike

    writer = writer or CheckpointWriter()
    ended: dict[str, RunEnded] = {}

    def send(run_id: str, event: Event) -> None:
        sink(run_id, event)
        if isinstance(event, RunEnded):
            ended[run_id] = event

    for part in alike(plans, lanes=engine != "keras"):
        began = perf_counter()
        group, names = [plans[place] for place in part], [run_ids[place] for place in part]
        try:
            _train(group, names, send, should_stop, engine, writer, mailbox)
        except Exception as fault:
            log.exception("failed: %s", " ".join(names))
            reason, seconds = in_words(fault), perf_counter() - began
            for run_id in names:
                if run_id not in ended:
                    send(run_id, RunEnded(status=ending(fault), reason=reason, seconds=seconds))
    return ended


def check_engine(name: str, plan: Plan | None = None) -> None:
    """Refuse an engine that does not exist, or that cannot train a plan.

    Raises:
        UnknownName: no engine has this name; offers the nearest.
        EngineUnavailable: the engine cannot train it; says why and what can.
    """
    from lrdash.planning.grouping import lanes_apply

    if name not in ENGINES:
        raise UnknownName("engine", name, ENGINES)
    reason = lanes_apply(plan) if plan is not None and name == "lanes" else ""
    if reason:
        raise EngineUnavailable(f"The lanes engine cannot train this run: {reason}.")


def _train(
    plans: Sequence[Plan], run_ids: Sequence[str], sink: Sink, should_stop: Callable[[], set[str]],
    engine: str, writer: CheckpointWriter, mailbox: Mailbox,
) -> None:
    from lrdash.planning.grouping import lanes_apply

    plan, run_id = plans[0], run_ids[0]
    plan.dataset.require()  # even where a process still has the examples of data that was deleted
    check_engine(engine, plan)
    note = lanes_apply(plan) if engine == "auto" else ""
    by_keras = engine == "keras" or bool(note)

    def again(short: Plan, name: str, by: str, own: CheckpointWriter) -> None:
        def stops() -> set[str]:
            return {name} if should_stop() >= set(run_ids) else set()

        _train([short], [name], lambda _run_id, _event: None, stops, by, own, no_mail)

    bridge(plans, run_ids, "keras" if by_keras else "lanes", writer, again)
    if by_keras:
        from lrdash.training.keras.engine import fit

        ended = fit(
            plan, run_id=run_id, sink=sink, should_stop=lambda: run_id in should_stop(),
            writer=writer, note=note, mailbox=mailbox,
        )
        sink(run_id, ended)
        return
    from lrdash.training.lanes.engine import train_lanes

    train_lanes(
        plans, run_ids=run_ids, sink=sink, should_stop=should_stop, writer=writer, mailbox=mailbox
    )
