"""What the page walks through: an example, a run, or what somebody typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import streamlit as st

from lrdash import analysis
from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.core.spec import RunSpec
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
    """A walk, and what is known of the training behind it."""

    key: str  # run id, `example:NAME` or `own`
    told: str  # what it is, in words
    walk: Walk
    values: tuple[float, ...]  # of the metric that is watched or shown, one an epoch
    metric: str  # its name
    remarks: str = ""  # what surprises in its settings
    rule: Plateau | None = None  # None for a scheduler
    recorded: Recorded | None = None  # what the rule watched
    spec: RunSpec | None = None  # complete; trains it again; None for a typed series
    engine: str = "keras"


def example(name: str) -> Source:
    """A recorded run that comes with lrdash."""
    found = EXAMPLES[name]
    return _of_plan(f"{EXAMPLE}{name}", found.told, make(found.spec), dict(found.metrics), "keras")


def of_run(run_id: str) -> Source:
    """A run of the store, as far as it has come.

    Raises:
        RunNotFound: there is no such run.
        InvalidField: its strategy is no callback that decides, or it has not done an epoch.
    """
    run = resources.store().run(run_id)
    if not walkable(run.spec):
        problem = "must follow a callback (Reduce on plateau, Your own expression): the rates of " \
            "other strategies are fixed beforehand, no callback decides about them"
        raise InvalidField(f"run {run_id}", problem, run.spec.strategy)
    rows = resources.store().epochs(run_id)
    if not rows:
        raise InvalidField(f"run {run_id}", "must have done an epoch to be walked through", 0)
    if run.spec.strategy == Watched.id:
        return _watched(run, rows[:MOST])
    names = dict.fromkeys(name for row in rows for name in row.metrics)
    pieces = run.spec.pieces  # up to the first, the callback alone decides
    rows = rows[: pieces[0].epoch if pieces else MOST][:MOST]
    metrics = {
        name: tuple(row.metrics.get(name, float("nan")) for row in rows) for name in names
    }
    told = analysis.settings_in_words(run.spec)
    alone = run.spec.replace(pieces=(), horizon=run.spec.horizon or run.spec.epochs)
    return _of_plan(run_id, told, make(alone if pieces else run.spec), metrics, run.engine)


def walkable(spec: RunSpec) -> bool:
    """Whether a callback decided about the rate, epoch by epoch, and it is known how."""
    if spec.strategy == Watched.id:
        return bool(Watched(**spec.params).callback)
    return spec.strategy in WALKED


def typed() -> Source:
    """What somebody types: a metric for ReduceLROnPlateau, or an expression.

    Raises:
        InvalidField: names the position of what is no number, or the setting that is wrong.
    """
    kind = st.segmented_control(
        "Callback", list(CALLBACKS), format_func=lambda name: CALLBACKS[name], default="plateau",
        required=True, key="callback", **fields.PERSIST,
    )
    return _typed_plateau() if kind == "plateau" else _typed_scheduler()


def in_words(run: RunRow) -> str:
    """A run in the list of what can be walked through."""
    settings = analysis.settings_in_words(run.spec)
    return f"{run.name or 'Run'} {run.run_id}: {settings}"


def _typed_plateau() -> Source:
    text = st.text_area(
        "Metric after each epoch", TYPED, key="series", height=90, **fields.PERSIST,
        help="Numbers with commas, spaces or line ends between them; a Python list or a column of "
        "a table can be pasted as it is. nan and inf are allowed.",
    )
    with st.expander("Settings of the callback"):
        base_lr = fields.widget(KNOBS["base_lr"], key="own.base_lr", start=0.1)
        values = fields.draw(Plateau.knobs(), prefix="own.", columns=3)
    rule = Plateau(**values)
    recorded = Recorded(values=read_series(text or ""), base_lr=base_lr)
    RateProgram(rule, base_lr=base_lr, epochs=len(recorded.values), steps_per_epoch=1)  # checks
    return Source(
        key=OWN, told=rule.sentence(), walk=walk_plateau(rule, recorded), values=recorded.values,
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
    course = RateProgram(strategy, base_lr=base_lr, epochs=int(epochs), steps_per_epoch=1)
    return Source(
        key=OWN, told=strategy.sentence(), walk=walk_scheduler(course), values=(), metric="metric",
    )


def _watched(run: RunRow, rows: Sequence[EpochRow]) -> Source:
    """A run of a script, whose callback was watched."""
    strategy, told = Watched(**run.spec.params), analysis.settings_in_words(run.spec)
    decisions = resources.store().decisions(run.run_id)
    if strategy.callback != "ReduceLROnPlateau":
        values = _values(rows, "val_loss")
        made = [decision for decision in decisions if decision.epoch < rows[-1].epoch]
        return Source(key=run.run_id, told=told, walk=walk_watched(made, values), values=values,
                      metric="val_loss", spec=run.spec, engine=run.engine)
    rule = strategy.rule()
    values = _values(rows, rule.monitor)
    read = {row.epoch for row in rows if _was_read(row, rule.monitor, decisions)}
    if not read:
        problem = f"must have an epoch with {rule.monitor}, which its callback watched"
        raise InvalidField(f"run {run.run_id}", problem, "none")
    first = decisions[0].rate_before if decisions else run.spec.base_lr
    missing = frozenset(range(1, len(values) + 1)) - read
    recorded = Recorded(values=values, base_lr=first, missing=missing)
    said = (*remarks(rule), _without(rule.monitor, len(rows) - len(read)),
            disagreement(rule, recorded, decisions))
    return Source(
        key=run.run_id, told=told, walk=walk_plateau(rule, recorded), values=values,
        metric=rule.monitor, remarks=" ".join(filter(None, said)), rule=rule, recorded=recorded,
        spec=run.spec, engine=run.engine,
    )


def _values(rows: Sequence[EpochRow], metric: str) -> tuple[float, ...]:
    """A metric of every epoch from the first to the last of these rows; NaN where there is none."""
    known = {row.epoch: row.metrics.get(metric, nan) for row in rows}
    return tuple(known.get(epoch, nan) for epoch in range(1, rows[-1].epoch + 1))


def _was_read(row: EpochRow, metric: str, decisions: Sequence[RateDecided]) -> bool:
    """Whether the callback read the metric of an epoch; one that is no number it decided about."""
    value = row.metrics.get(metric)
    if value is None:
        return False
    return isfinite(value) or any(made.epoch == row.epoch and made.monitor for made in decisions)


def _without(metric: str, count: int) -> str:
    """That the callback passed over epochs without its metric; empty for none."""
    if not count:
        return ""
    many = f"{count} of its epochs have" if count > 1 else "1 of its epochs has"
    return f"{many} no {metric}, as where validation is not made after every epoch: the callback " \
        "decided nothing there."


def _of_plan(
    key: str, told: str, plan: Plan, metrics: dict[str, tuple[float, ...]], engine: str
) -> Source:
    strategy, course = plan.strategy, plan.program()
    if not course.plain:
        raise InvalidField("pieces", "must be empty to be walked through", len(plan.spec.pieces))
    shared: dict[str, Any] = {"key": key, "told": told, "spec": plan.spec, "engine": engine}
    if not isinstance(strategy, Plateau):
        values = metrics["val_loss"]
        walk = walk_scheduler(course, values)
        return Source(**shared, walk=_up_to(walk, len(values)), values=values, metric="val_loss")
    lead = tuple(float(course.rates(epoch)[-1]) for epoch in range(course.first_epoch))
    values = metrics[strategy.monitor]
    recorded = Recorded(values=values, base_lr=plan.spec.base_lr, lead=lead)
    return Source(
        **shared, walk=walk_plateau(strategy, recorded), values=values, metric=strategy.monitor,
        remarks=" ".join(remarks(strategy)), rule=strategy, recorded=recorded,
    )


def _up_to(walk: Walk, epochs: int) -> Walk:
    """Without the calls of epochs that the run has not begun."""
    return Walk(
        kind=walk.kind, steps=walk.steps,
        moments=tuple(moment for moment in walk.moments if moment.epoch < epochs),
    )
