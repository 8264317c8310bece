"""A sweep: whole trainings at the rates around a suggestion, to compare the range test with."""

from __future__ import annotations

import math
from contextlib import suppress

import pandas as pd
import streamlit as st

from lrdash import figures
from lrdash.analysis import range_test
from lrdash.core import wording
from lrdash.core.errors import NotFound
from lrdash.planning import external
from lrdash.planning.range_test import RangeTestSpec, sweep
from lrdash.store import ExperimentRow, RangeTestRow
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.compare import results
from lrdash.ui.compare.experiment import done
from lrdash.ui.components import estimate, fields, form, queue
from lrdash.ui.components.errors import error_boundary
from lrdash.ui.components.result import progress
from lrdash.ui.components.steady_chart import steady_chart
from lrdash.ui.components.tables import show_table

EPOCHS, SEEDS, RATES = 10, 3, 7


def active(row: RangeTestRow) -> bool:
    """Whether the sweep of a test is active."""
    made = _experiment(row)
    return made is not None and made.active


def show(row: RangeTestRow, spec: RangeTestSpec, table: pd.DataFrame) -> None:
    """The offer to train around the suggestion, or what that showed."""
    centre = range_test.suggested(table)
    made = _experiment(row)
    if made is None and not math.isfinite(centre):
        return
    st.header("How good is this rate?", anchor=False)
    if made is None and (reason := external.why_not(spec.base)):
        st.caption(f":material/terminal: {reason}")
    elif made is None:
        _offer(row, spec, centre)
    else:
        _bowl(row, made, table)


def _experiment(row: RangeTestRow) -> ExperimentRow | None:
    if row.experiment_id is not None:
        with suppress(NotFound):
            return resources.store().experiments.one(row.experiment_id)
    return None


def _offer(row: RangeTestRow, spec: RangeTestSpec, centre: float) -> None:
    st.markdown(
        f"Train in full at {RATES} rates around {wording.rate(centre)}, a factor of 3 apart, to "
        "see which gives the lowest validation loss."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        strategy = st.selectbox(
            "Strategy", list(STRATEGIES), format_func=lambda name: STRATEGIES[name].label,
            index=list(STRATEGIES).index("constant"), key="sweep-strategy", width=240,
            **fields.PERSIST,
            help="Shapes the rate in these trainings; the rates tried are its peak rates.",
        )
        epochs = st.number_input("Epochs", 1, 1000, EPOCHS, key="sweep-epochs", width=140,
                                 **fields.PERSIST)
        seeds = st.number_input("Seeds", 1, 32, SEEDS, key="sweep-seeds", width=140,
                                **fields.PERSIST)
        begin = st.button(
            "Train the sweep", icon=":material/play_arrow:", key="sweep-start"
        )
    with error_boundary():
        knobs = form.knobs_for(STRATEGIES[strategy], spec.base.dataset)
        params = form.strategy_settings(strategy, knobs, prefix="sweep.")
        prepared = queue.prepare(sweep(
            spec, centre, strategy=strategy, params=params, epochs=epochs, seeds=seeds, rates=RATES
        ))
        takes = (wording.plural(len(prepared.planned), "run"), estimate.time_of(prepared.plans))
        st.caption(f"{', '.join(filter(None, takes))}; kept as a comparison.")
        if begin:
            made = queue.start_experiment(prepared, f"Around {centre:g}, from a range test")
            resources.store().range_tests.held_against(row.range_test_id, made)
            st.rerun()


def _bowl(row: RangeTestRow, made: ExperimentRow, table: pd.DataFrame) -> None:
    if made.active:
        progress(made.update / max(1, made.updates), f"{done(made)} of {made.runs} runs done")
    bowl = results.load(made).bowl
    judged = range_test.agreement(table, bowl)
    st.markdown(range_test.agreement_in_words(judged))
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
            "A cross at the top marks a rate at which runs diverged. The rates tried are a factor "
            "of 3 apart, so the best rate is known only to that factor."
        )
    with right:
        _judged(judged)
        if st.button("Open in Compare", icon=":material/open_in_new:", key="open-sweep"):
            st.switch_page(
                "pages/compare.py", query_params={"experiment": made.experiment_id}
            )
        if not made.active and st.button(
            "Train another sweep", icon=":material/replay:", key="sweep-again", type="tertiary",
            help="This sweep stays as a comparison.",
        ):
            resources.store().range_tests.held_against(row.range_test_id, None)
            st.rerun()


def _judged(judged: pd.DataFrame) -> None:
    shown = judged.assign(
        rate=[wording.rate(value) for value in judged["suggestion"]],
        off=[f"{value:.2g} ×" if math.isfinite(value) else "" for value in judged["factor"]],
        loss=[_times(value) for value in judged["times"]],
    )
    show_table(shown, key="judged", columns={
        "label": "Rule", "rate": "Suggested", "off": "Distance from the best",
        "loss": st.column_config.TextColumn(
            "Loss at that rate",
            help="Compared with the lowest; interpolated between the rates tried.",
        ),
    })


def _times(value: float) -> str:
    if math.isnan(value):
        return "not tried"
    return "diverges" if math.isinf(value) else f"{100 * (value - 1):+.0f}%"
