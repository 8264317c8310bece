"""The Compare page: choose what to compare, or watch the experiment that the address names."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from lrdash import grouping
from lrdash.errors import InvalidField, LrdashError
from lrdash.experiment import Arm, Experiment, Planned, plan_all
from lrdash.spec import RunSpec
from lrdash.store import NewRun
from lrdash.strategies import STRATEGIES
from lrdash.ui import comparison, fields, form, resources, shell

FIRST = ["constant", "linear", "cosine", "one_cycle", "plateau"]
FIRST_RATES = "0.01, 0.03, 0.1, 0.3, 1"
PREFIX = "compare."


def body() -> None:
    """The experiment that the address names, else the form."""
    experiment_id = st.query_params.get("experiment")
    if experiment_id:
        comparison.watch(experiment_id)
    else:
        shell.activity()
        choose()


def choose() -> None:
    """What to compare on the left, what that takes on the right, and Start."""
    left, right = st.columns([5, 7], gap="medium")
    planned: list[Planned] = []
    with left:
        try:
            experiment = _draw()
            planned = plan_all(experiment)
        except LrdashError as fault:
            problem = str(fault)
    with right, st.container(key="outlook"):
        if planned:
            _offer(experiment, planned)
        else:
            st.error(problem, icon=":material/error:")
            st.caption("Nothing is lost: mend the field on the left and Start comes back.")
        _earlier()


def _draw() -> Experiment:
    values = form.what()
    with st.container(border=True):
        st.header("What to compare", anchor=False)
        chosen = st.multiselect(
            "Strategies", list(STRATEGIES), FIRST, key=f"{PREFIX}strategies",
            format_func=lambda name: STRATEGIES[name].label,
            help="Each is trained at every peak rate with every seed.",
        )
        arms = [_arm(name, values["dataset"]) for name in chosen]
        rates = st.text_input(
            "Peak rates", FIRST_RATES, key=f"{PREFIX}rates",
            help="A fair comparison gives each strategy its own best peak rate. Spread them evenly "
            "on a log scale, a factor of 3 apart.",
        )
        first, second = st.columns(2)
        with first:
            seeds = st.number_input(
                "Seeds", 1, 200, 3, key=f"{PREFIX}seeds",
                help="Runs of each strategy and rate. Within a seed all arms start from the same "
                "weights and see the same batches.",
            )
        with second:
            values["epochs"] = form.setting("epochs")
        target = st.number_input(
            "Target validation loss", min_value=0.0, value=None, step=0.05, key=f"{PREFIX}target",
            placeholder="none", help="The leaderboard tells how many epochs it took to reach it.",
        )
        with st.expander("Warm-up, batches, loss, early stopping"):
            values["warmup_epochs"] = form.setting("warmup_epochs")
            values |= form.more(values["dataset"], seed=False)
    if not arms:
        raise InvalidField("strategies", "must name at least one strategy", chosen)
    return Experiment(
        base=RunSpec(**values), arms=tuple(arms), base_lrs=_rates(rates),
        seeds=tuple(range(seeds)), target=target,
    )


def _arm(name: str, dataset: str) -> Arm:
    strategy = STRATEGIES[name]
    knobs = [form.for_task(knob, dataset) for knob in strategy.knobs()]
    params: dict[str, Any] = {}
    if knobs:
        with st.expander(strategy.label):
            st.caption(strategy.when)
            params = fields.draw(knobs, prefix=f"{PREFIX}{name}.")
    return Arm(strategy=name, params=params)


def _rates(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in re.split(r"[,;\s]+", text.strip()) if part)
    except ValueError:
        raise InvalidField("base_lrs", "must be numbers like 0.01, 0.1, 1", text) from None


def _offer(experiment: Experiment, planned: list[Planned]) -> None:
    plans = [run.plan for run in planned]
    groups = grouping.cut(plans)
    with st.container(border=True):
        st.header(f"{len(planned):,} runs", anchor=False)
        st.markdown(
            f"{len(experiment.arms)} strategies × {len(experiment.base_lrs)} peak rates × "
            f"{len(experiment.seeds)} seeds, {experiment.base.epochs} epochs each. Every strategy "
            "is judged at its own best peak rate."
        )
        first = plans[0]
        st.caption(
            f"{first.parameters:,} parameters · {first.train_examples:,} / "
            f"{first.validation_examples:,} examples · {first.updates:,} updates a run · "
            f"trained in {len(groups)} {'group' if len(groups) == 1 else 'groups'}"
        )
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="start-compare"):
            _begin(experiment, planned, groups)


def _begin(experiment: Experiment, planned: list[Planned], groups: list[list[int]]) -> None:
    experiment_id = resources.store().create_experiment(
        experiment.to_json(), [as_new(run) for run in planned], groups=groups
    )
    st.query_params["experiment"] = experiment_id
    st.rerun()


def as_new(run: Planned) -> NewRun:
    """A planned run as the store takes it."""
    plan = run.plan
    return NewRun(
        spec=plan.spec, label=run.label, steps_per_epoch=plan.steps_per_epoch,
        updates=plan.updates, parameters=plan.parameters,
    )


def _earlier() -> None:
    rows = resources.store().experiments(limit=10)
    if not rows:
        return
    st.header("Earlier comparisons", anchor=False)
    for row in rows:
        experiment = Experiment.from_json(row.definition)
        words = row.name or f"{experiment.base.dataset}: {', '.join(experiment.labels())}"
        done = row.counts["finished"]
        if st.button(f"{words} ({done} of {row.runs} runs)", key=row.experiment_id,
                     type="tertiary", icon=":material/stacked_line_chart:"):
            st.query_params["experiment"] = row.experiment_id
            st.rerun()


