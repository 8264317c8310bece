"""More epochs for a finished run: how many, and what its schedule does with them."""

from __future__ import annotations

import numpy as np
import streamlit as st

from lrdash import figures
from lrdash.core.errors import LrdashError
from lrdash.jobs import branches
from lrdash.planning.plan import Plan
from lrdash.strategies import STRATEGIES
from lrdash.strategies.base import Rates
from lrdash.ui import resources
from lrdash.ui.components.history import History

EPOCHS = 10  # offered at first
WAYS = {
    "hold": "Hold the last rate: the schedule is over, its last rate goes on",
    "stretch": "Stretch the schedule: it is laid over the longer run and entered where that stands",
}
SHORT = {"hold": "hold the last rate", "stretch": "stretch the schedule"}


def button(past: History) -> None:
    """The button, in a row, of a finished run."""
    st.button("Train more epochs", icon=":material/add:", key="more", on_click=_open,
              args=(past.run.run_id,), help="It goes on from its last checkpoint.")


def panel(past: History) -> None:
    """The choice, if it is open, with both courses that the rate could take."""
    run = past.run
    if run.status != "finished" or not st.session_state.get(_key(run.run_id)):
        return
    with st.container(border=True, key="longer"):
        head = st.container(horizontal=True, vertical_alignment="center",
                            horizontal_alignment="distribute")
        head.markdown("**More epochs, from the last checkpoint**")
        head.button("Close", icon=":material/close:", key="more-close", type="tertiary",
                    on_click=_close, args=(run.run_id,))
        epochs = st.number_input("More epochs", 1, 10_000, EPOCHS, key="more-epochs", width=180)
        try:
            plan = _choice(past, epochs)
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
            return
        _start(past, plan, epochs)


def _choice(past: History, epochs: int) -> Plan:
    """The longer run, after the question what its schedule shall do, if it has one."""
    run = past.run
    if STRATEGIES[run.spec.strategy].kind == "rule":
        st.caption("The rule has no horizon: it just goes on deciding.")
        return branches.plan_more(run, epochs, "hold")
    plans, refused = {"hold": branches.plan_more(run, epochs, "hold")}, ""
    try:
        plans["stretch"] = branches.plan_more(run, epochs, "stretch")
    except LrdashError as fault:
        refused = str(fault)
    how = st.radio("What should the rate do?", list(plans), format_func=WAYS.__getitem__,
                   key="more-how")
    if refused:
        st.caption(refused)
    _outlook(past, plans)
    return plans[how]


def _start(past: History, plan: Plan, epochs: int) -> None:
    run = past.run
    if run.epochs_done < run.spec.epochs:
        st.caption("Early stopping ended this run; its patience starts again.")
    if not st.button(f"Train {epochs} more", type="primary", icon=":material/play_arrow:",
                     key="more-go"):
        return
    try:
        resources.store().branches.lengthen(run.run_id, plan.spec, updates=plan.updates)
        resources.laboratory().wake()
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
        return
    _close(run.run_id)
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
    course, parts = plan.program(), []
    for epoch in range(plan.spec.epochs):
        parts.append(course.rates(epoch))
        if epoch < done:
            course.end_epoch(epoch, past.epochs[epoch].metrics)
    return np.concatenate(parts)


def _open(run_id: str) -> None:
    st.session_state[_key(run_id)] = True


def _close(run_id: str) -> None:
    st.session_state.pop(_key(run_id), None)


def _key(run_id: str) -> str:
    return f"longer:{run_id}"
