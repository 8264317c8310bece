"""Whole trainings at the rates around a suggestion: the bowl that a range test is held against."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import range_test as told
from lrdash.core import wording
from lrdash.core.errors import LrdashError, NotFound
from lrdash.planning import external, grouping
from lrdash.planning.experiment import plan_all
from lrdash.planning.range_test import RangeTestSpec, sweep
from lrdash.store import ExperimentRow, RangeTestRow, known_paces
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.compare import arms, manage, results
from lrdash.ui.components import fields
from lrdash.ui.components.steady_chart import steady_chart

EPOCHS, SEEDS, RATES = 10, 3, 7
HISTORY = 200  # earlier runs that an estimate looks at


def active(row: RangeTestRow) -> bool:
    """Whether the sweep of a test is under way."""
    made = _experiment(row)
    return made is not None and made.active


def show(row: RangeTestRow, spec: RangeTestSpec, table: pd.DataFrame) -> None:
    """The offer to train around the suggestion, or the bowl that this gave."""
    centre = told.suggested(table)
    made = _experiment(row)
    if made is None and not math.isfinite(centre):
        return
    st.header("How good is that?", anchor=False)
    if made is None and (reason := external.why_not(spec.base)):
        st.caption(f":material/terminal: {reason}")
    elif made is None:
        _offer(row, spec, centre)
    else:
        _bowl(row, made, table)


def _experiment(row: RangeTestRow) -> ExperimentRow | None:
    if row.experiment_id is None:
        return None
    try:
        return resources.store().experiments.one(row.experiment_id)
    except NotFound:
        return None


def _offer(row: RangeTestRow, spec: RangeTestSpec, centre: float) -> None:
    st.markdown(
        f"Train for real at {RATES} rates around {wording.rate(centre)}, a factor of 3 apart, and "
        "see where the lowest validation loss lies."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        strategy = st.selectbox(
            "Strategy", list(STRATEGIES), format_func=lambda name: STRATEGIES[name].label,
            index=list(STRATEGIES).index("constant"), key="sweep-strategy", width=240,
            **fields.PERSIST,
            help="What the rate does in these trainings; the rates tried are its peaks.",
        )
        epochs = st.number_input("Epochs", 1, 1000, EPOCHS, key="sweep-epochs", width=140,
                                 **fields.PERSIST)
        seeds = st.number_input("Seeds", 1, 32, SEEDS, key="sweep-seeds", width=140,
                                **fields.PERSIST)
        begin = st.button(
            "Train the bowl", icon=":material/play_arrow:", key="sweep-start"
        )
    try:
        params = arms.settings(strategy, dataset=spec.base.dataset, prefix="sweep.")
        experiment = sweep(
            spec, centre, strategy=strategy, params=params, epochs=epochs, seeds=seeds, rates=RATES
        )
        planned = plan_all(experiment)
        plans = [run.plan for run in planned]
        groups = grouping.cut(plans)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
        return
    history = resources.store().runs.listing(limit=HISTORY)
    seconds = analysis.expected_group_seconds(plans, history, known_paces())
    time = f", about {wording.duration(max(1.0, seconds))}" if seconds is not None else ""
    st.caption(f"{len(plans)} runs{time}; they are kept as a comparison.")
    if begin:
        store = resources.store()
        made = store.experiments.create(
            experiment.to_json(), manage.new_runs([(run.label, run.plan) for run in planned]),
            groups=groups, name=f"Around {centre:g}, from a range test",
        )
        store.range_tests.held_against(row.range_test_id, made)
        resources.laboratory().wake()
        st.rerun()


def _bowl(row: RangeTestRow, made: ExperimentRow, table: pd.DataFrame) -> None:
    if made.active:
        done = made.runs - made.counts["queued"] - made.counts["running"]
        st.progress(min(1.0, made.update / max(1, made.updates)),
                    text=f"{done} of {made.runs} runs done")
    bowl = results.load(made).bowl
    judged = told.agreement(table, bowl)
    st.markdown(told.agreement_in_words(judged))
    left, right = st.columns([7, 5], gap="medium")
    with left:
        steady_chart(
            figures.range_bowl_figure(bowl, table), key="range-bowl",
            what=f"{row.range_test_id} {made.experiment_id}",
            label="Final validation loss over the peak rate of whole trainings, with the rates "
            "that the rules suggest.",
        )
        st.caption(
            "Final validation loss of whole trainings; the vertical lines are the suggestions. "
            "A cross at the top is a rate at which runs diverged. The rates tried are a factor of "
            "3 apart, so the best one is known no better than that."
        )
    with right:
        _judged(judged)
        if st.button("Open as a comparison", icon=":material/open_in_new:", key="open-sweep"):
            st.switch_page(
                "pages/compare.py", query_params={"experiment": made.experiment_id}
            )
        if not made.active and st.button(
            "Train another bowl", icon=":material/replay:", key="sweep-again", type="tertiary",
            help="This one stays among the comparisons.",
        ):
            resources.store().range_tests.held_against(row.range_test_id, None)
            st.rerun()


def _judged(judged: pd.DataFrame) -> None:
    column = st.column_config
    shown = judged.assign(
        rate=[wording.rate(value) for value in judged["suggestion"]],
        off=[f"{value:.2g} ×" if math.isfinite(value) else "" for value in judged["factor"]],
        loss=[_times(value) for value in judged["times"]],
    )
    st.dataframe(
        shown, hide_index=True, key="judged", column_order=["label", "rate", "off", "loss"],
        column_config={
            "label": column.TextColumn("Rule"), "rate": column.TextColumn("Suggested"),
            "off": column.TextColumn("Off the best by"),
            "loss": column.TextColumn(
                "Loss there", help="Against the lowest; read between the rates tried."
            ),
        },
    )


def _times(value: float) -> str:
    if math.isnan(value):
        return "not tried"
    return "diverges" if math.isinf(value) else f"{100 * (value - 1):+.0f}%"
