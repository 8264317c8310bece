"""More epochs for a finished run: how many, and what its schedule does with them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lrdash import figures, growing
from lrdash.errors import LrdashError
from lrdash.plan import Plan
from lrdash.strategies import STRATEGIES
from lrdash.strategies.base import Rates
from lrdash.ui import resources
from lrdash.ui.history import History

EPOCHS = 10  # offered at first
WAYS = {
    "hold": "Hold the last rate: the schedule is over, its last rate goes on",
    "stretch": "Stretch the schedule: it is laid over the longer run and entered where that stands",
}
SHORT = {"hold": "hold the last rate", "stretch": "stretch the schedule"}


def button(past: History) -> None:
    """The button, in a row, of a finished run."""
    if st.button("Train more epochs", icon=":material/add:", key="more",
                 help="It goes on from its last checkpoint."):
        _dialog(past)


@st.dialog("Train more epochs", width="large")
def _dialog(past: History) -> None:
    run = past.run
    epochs = st.number_input("More epochs", 1, 10_000, EPOCHS, key="more-epochs", width=200)
    plans: dict[str, Plan] = {}
    refused = ""
    for how in WAYS:
        try:
            plans[how] = growing.plan_more(run, epochs, how)
        except LrdashError as fault:
            refused = str(fault)
    if not plans:
        st.error(refused, icon=":material/error:")
        return
    if STRATEGIES[run.spec.strategy].kind == "rule":
        st.caption("The rule has no horizon: it just goes on deciding.")
        how = "hold"
    else:
        how = st.radio("What should the rate do?", list(plans), format_func=WAYS.__getitem__,
                       key="more-how")
        if refused:
            st.caption(refused)
        _outlook(past, plans)
    if run.epochs_done < run.spec.epochs:
        st.caption("Early stopping ended this run; its patience starts again.")
    if st.button(f"Train {epochs} more", type="primary", icon=":material/play_arrow:",
                 key="more-go"):
        try:
            plan = plans[how]
            resources.store().lengthen(run.run_id, plan.spec, updates=plan.updates)
            resources.laboratory().wake()
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
            return
        st.rerun()


def _outlook(past: History, plans: dict[str, Plan]) -> None:
    """Both courses of the rate, side by side."""
    done = past.run.epochs_done
    ways = [(SHORT[how], ahead(past, plan, done), done) for how, plan in plans.items()]
    figure = figures.courses_figure(
        used(past), ways, past.plan.steps_per_epoch, strategy=past.run.spec.strategy
    )
    st.plotly_chart(figure, key="more-outlook", config={"displayModeBar": False})
    st.caption("The rate so far, and what it would do from here.")


def used(past: History) -> Rates:
    """The rate of every update so far, float64 [updates]."""
    parts = [row.rates for row in past.epochs]
    return np.concatenate(parts).astype(np.float64) if parts else np.empty(0)


def ahead(past: History, plan: Plan, done: int) -> Rates:
    """The rates of a run that shares some epochs, float64 [updates].

    What a rule will decide later is unknown: its rate is drawn as it would hold.

    Args:
        past: of the run that it shares them with.
        plan: of the other.
        done: epochs that they share.
    """
    course, parts = plan.course(), []
    for epoch in range(plan.spec.epochs):
        parts.append(course.rates(epoch))
        if epoch < done:
            course.end_epoch(epoch, past.epochs[epoch].metrics)
    return np.concatenate(parts)
