"""What the page shows: the decisions of an example, a run, or a typed series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Any

import streamlit as st

from lrdash import analysis
from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.spec import RunSpec
from lrdash.core.wording import plural
from lrdash.planning.plan import Plan, make
from lrdash.store import EpochRow, RunRow
from lrdash.strategies.custom import Custom
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.program import RateProgram
from lrdash.strategies.recorded import Recorded as Watched
from lrdash.teaching import (
    EXAMPLES,
    MOST,
    Recorded,
    Walk,
    disagreement,
    read_series,
    remarks,
    walk_plateau,
    walk_scheduler,
    walk_watched,
)
from lrdash.ui import resources
from lrdash.ui.components import fields
from lrdash.ui.components.form import KNOBS

WALKED = ("plateau", "custom")  # strategies whose callback decides epoch by epoch
OWN, EXAMPLE = "own", "example:"
TYPED = "0.66, 0.51, 0.21, 0.123, 0.115, 0.126, 0.098, 0.121, 0.119, 0.117, 0.116, 0.118, 0.115"
CALLBACKS = {"plateau": "ReduceLROnPlateau", "custom": "LearningRateScheduler"}


@dataclass(frozen=True, kw_only=True)
class Source:
    """The decisions epoch by epoch, and the training behind them."""

    key: str  # run id, `example:NAME` or `own`
    summary: str  # one line about it
    walk: Walk
    values: tuple[float, ...]  # of the watched or shown metric, one for each epoch
    metric: str  # its name
    remarks: str = ""  # about surprising settings
    rule: Plateau | None = None  # None for a scheduler
    recorded: Recorded | None = None  # the metric that the rule watched
    spec: RunSpec | None = None  # complete; trains it again; None for a typed series
    engine: str = "keras"


def example(name: str) -> Source:
    """A recorded run that ships with lrdash."""
    found = EXAMPLES[name]
    return _of_plan(
        f"{EXAMPLE}{name}", found.description, make(found.spec), dict(found.metrics), "keras"
    )


def of_run(run_id: str) -> Source:
    """A stored run, as far as it has come.

    Raises:
        NotFound: there is no such run.
        InvalidField: no callback decides its rate, or it has not finished an epoch.
    """
    run = resources.store().runs.one(run_id)
    if not walkable(run.spec):
        problem = "must follow a callback (Reduce on plateau, Your own expression); the rates of " \
            "other strategies are fixed before training starts"
        raise InvalidField(f"run {run_id}", problem, run.spec.strategy)
    rows = resources.store().runs.epochs(run_id)
    if not rows:
        raise InvalidField(f"run {run_id}", "must have finished an epoch", 0)
    if run.spec.strategy == Watched.id:
        return _watched(run, rows[:MOST])
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    pieces = run.spec.pieces  # up to the first, the callback alone decides
    rows = rows[: pieces[0].epoch if pieces else MOST][:MOST]
    metrics = {
        name: tuple(row.metrics.get(name, float("nan")) for row in rows) for name in names
    }
    summary = analysis.settings_in_words(run.spec)
    alone = run.spec.replace(pieces=(), horizon=run.spec.horizon or run.spec.epochs)
    return _of_plan(run_id, summary, make(alone if pieces else run.spec), metrics, run.engine)


def walkable(spec: RunSpec) -> bool:
    """Whether a callback decided the rate, epoch by epoch, by known rules."""
    if spec.strategy == Watched.id:
        return bool(Watched(**spec.params).callback)
    return spec.strategy in WALKED


def typed() -> Source:
    """What a visitor types: a metric for ReduceLROnPlateau, or an expression.

    Raises:
        InvalidField: names the position of an entry that is no number, or the wrong setting.
    """
    kind = st.segmented_control(
        "Callback", list(CALLBACKS), format_func=lambda name: CALLBACKS[name], default="plateau",
        required=True, key="callback", **fields.PERSIST,
    )
    return _typed_plateau() if kind == "plateau" else _typed_scheduler()


def in_words(run: RunRow) -> str:
    """A run in the select box."""
    settings = analysis.settings_in_words(run.spec)
    return f"{run.name or 'Run'} {run.run_id}: {settings}"


def _typed_plateau() -> Source:
    text = st.text_area(
        "Metric after each epoch", TYPED, key="series", height=90, **fields.PERSIST,
        help="Numbers separated by commas, spaces or line breaks, such as a Python list or a "
        "column of a table. nan and inf are allowed.",
    )
    with st.expander("Settings of the callback"):
        base_lr = fields.widget(KNOBS["base_lr"], key="own.base_lr", start=0.1)
        values = fields.draw(Plateau.knobs(), prefix="own.", columns=3)
    rule = Plateau(**values)
    recorded = Recorded(values=read_series(text or ""), base_lr=base_lr)
    RateProgram(rule, base_lr=base_lr, epochs=len(recorded.values), steps_per_epoch=1)  # checks
    return Source(
        key=OWN, summary=rule.sentence(), walk=walk_plateau(rule, recorded), values=recorded.values,
        metric=rule.monitor, remarks=" ".join(remarks(rule)), rule=rule, recorded=recorded,
    )


def _typed_scheduler() -> Source:
    left, middle, right = st.columns([4, 1, 1])
    with left:
        strategy = Custom(**fields.draw(Custom.knobs(), prefix="own.", columns=1))
    with middle:
        base_lr = fields.widget(KNOBS["base_lr"], key="own.base_lr", start=0.1)
    with right:
        epochs = st.number_input("Epochs", 1, MOST, 30, key="own.epochs", **fields.PERSIST)
    program = RateProgram(strategy, base_lr=base_lr, epochs=int(epochs), steps_per_epoch=1)
    return Source(
        key=OWN, summary=strategy.sentence(), walk=walk_scheduler(program), values=(),
        metric="metric",
    )


def _watched(run: RunRow, rows: Sequence[EpochRow]) -> Source:
    """A run of a script whose callback lrdash watched."""
    strategy, summary = Watched(**run.spec.params), analysis.settings_in_words(run.spec)
    decisions = resources.store().runs.decisions(run.run_id)
    if strategy.callback != "ReduceLROnPlateau":
        values = _values(rows, "val_loss")
        made = [decision for decision in decisions if decision.epoch < rows[-1].epoch]
        return Source(
            key=run.run_id, summary=summary, walk=walk_watched(made, values), values=values,
            metric="val_loss", spec=run.spec, engine=run.engine,
        )
    rule = strategy.rule()
    values = _values(rows, rule.monitor)
    read = {row.epoch for row in rows if _was_read(row, rule.monitor, decisions)}
    if not read:
        problem = f"must have an epoch with {rule.monitor}, the metric its callback watched"
        raise InvalidField(f"run {run.run_id}", problem, "none")
    first = decisions[0].rate_before if decisions else run.spec.base_lr
    missing = frozenset(range(1, len(values) + 1)) - read
    recorded = Recorded(values=values, base_lr=first, missing=missing)
    notes = (*remarks(rule), _without(rule.monitor, len(rows) - len(read)),
            disagreement(rule, recorded, decisions))
    return Source(
        key=run.run_id, summary=summary, walk=walk_plateau(rule, recorded), values=values,
        metric=rule.monitor, remarks=" ".join(filter(None, notes)), rule=rule, recorded=recorded,
        spec=run.spec, engine=run.engine,
    )


def _values(rows: Sequence[EpochRow], metric: str) -> tuple[float, ...]:
    """A metric of every epoch from the first to the last of these rows; NaN where missing."""
    known = {row.epoch: row.metrics.get(metric, nan) for row in rows}
    return tuple(known.get(epoch, nan) for epoch in range(1, rows[-1].epoch + 1))


def _was_read(row: EpochRow, metric: str, decisions: Sequence[RateDecided]) -> bool:
    """Whether the callback read the metric of an epoch; NaN counts if it led to a decision."""
    value = row.metrics.get(metric)
    if value is None:
        return False
    return isfinite(value) or any(made.epoch == row.epoch and made.monitor for made in decisions)


def _without(metric: str, count: int) -> str:
    """A note that the callback skipped epochs without its metric; empty for none."""
    if not count:
        return ""
    epochs = plural(count, "epoch has", "epochs have")
    return f"{epochs} no {metric}, for example because validation did not run: the callback " \
        "decided nothing there."


def _of_plan(
    key: str, summary: str, plan: Plan, metrics: dict[str, tuple[float, ...]], engine: str
) -> Source:
    strategy, program = plan.strategy, plan.program()
    if not program.plain:
        raise InvalidField("pieces", "must be empty for this page", len(plan.spec.pieces))
    shared: dict[str, Any] = {"key": key, "summary": summary, "spec": plan.spec, "engine": engine}
    if not isinstance(strategy, Plateau):
        values = metrics["val_loss"]
        walk = walk_scheduler(program, values)
        begun = tuple(moment for moment in walk.moments if moment.epoch < len(values))
        walk = replace(walk, moments=begun)
        return Source(**shared, walk=walk, values=values, metric="val_loss")
    lead = tuple(float(program.rates(epoch)[-1]) for epoch in range(program.first_epoch))
    values = metrics[strategy.monitor]
    recorded = Recorded(values=values, base_lr=plan.spec.base_lr, lead=lead)
    return Source(
        **shared, walk=walk_plateau(strategy, recorded), values=values, metric=strategy.monitor,
        remarks=" ".join(remarks(strategy)), rule=strategy, recorded=recorded,
    )
