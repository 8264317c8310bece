"""More epochs for a finished run: how many, and what its schedule does with them."""

from __future__ import annotations

import streamlit as st

from lrdash import figures
from lrdash.core.errors import LrdashError
from lrdash.core.wording import escaped, plural
from lrdash.jobs import branches
from lrdash.planning.plan import Plan
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.train.history import History
from lrdash.ui.train.panel import close_panel, open_panel, panel, state_key

PANEL = "longer"
EPOCHS = 10  # offered at first
WAYS = {
    "hold": "Hold the last rate of the schedule",
    "stretch": "Stretch the schedule over the longer run and continue at its new position",
}
SHORT = {"hold": "hold the last rate", "stretch": "stretch the schedule"}


def opener(past: History) -> None:
    """The button, in a row, of a finished run."""
    st.button("Train more epochs", icon=":material/add:", key="more", on_click=open_panel,
              args=(PANEL, past.run.run_id), help="Trains further from the last checkpoint.")


def show(past: History) -> None:
    """The choice, if it is open, with what the rate would do."""
    run = past.run
    if run.status != "finished" or state_key(PANEL, run.run_id) not in st.session_state:
        return
    with panel("More epochs, from the last checkpoint", name=PANEL, run_id=run.run_id):
        epochs = st.number_input("More epochs", 1, 10_000, EPOCHS, key="more-epochs", width=180)
        _start(past, _choice(past, epochs), epochs)


def _choice(past: History, epochs: int) -> Plan:
    """The longer run, with what the user chose for its schedule if it has one."""
    run = past.run
    if STRATEGIES[run.spec.strategy].kind == "rule":
        st.caption("This rule has no fixed length: it keeps deciding after each epoch.")
        return branches.plan_more(run, epochs, "hold")
    plans, refused = {"hold": branches.plan_more(run, epochs, "hold")}, ""
    try:
        plans["stretch"] = branches.plan_more(run, epochs, "stretch")
    except LrdashError as fault:
        refused = str(fault)
    how = st.radio("What should the rate do?", list(plans), format_func=WAYS.__getitem__,
                   key="more-how")
    if refused:
        st.caption(escaped(refused))
    _outlook(past, plans)
    return plans[how]


def _start(past: History, plan: Plan, epochs: int) -> None:
    run = past.run
    if run.epochs_done < run.spec.epochs:
        st.caption("Early stopping ended this run; its patience restarts.")
    if not st.button(f"Train {plural(epochs, 'more epoch')}", type="primary",
                     icon=":material/play_arrow:", key="more-go"):
        return
    resources.store().branches.lengthen(run.run_id, plan.spec, updates=plan.updates)
    resources.laboratory().wake()
    close_panel(PANEL, run.run_id)
    st.rerun()


def _outlook(past: History, plans: dict[str, Plan]) -> None:
    """The rates of both ways, over each other."""
    done = past.run.epochs_done
    ways = [(SHORT[how], past.ahead(plan, done), done) for how, plan in plans.items()]
    figure = figures.courses_figure(
        past.used, ways, past.plan.steps_per_epoch, strategy=past.run.spec.strategy
    )
    st.plotly_chart(figure, key="more-outlook", config={"displayModeBar": False})
    st.caption("The rate so far, and what it would do from here.")
