"""The Train page: choose and start, or watch the run that the URL names."""

from __future__ import annotations

import streamlit as st

from lrdash.core.errors import LrdashError
from lrdash.core.spec import RunSpec
from lrdash.planning import external
from lrdash.planning.plan import Plan, make
from lrdash.ui import resources, shell
from lrdash.ui.components import form, found_rate, history, interrupted, preview
from lrdash.ui.train import live, more, steer


def body() -> None:
    """The run that the address names, else the form."""
    run_id = st.query_params.get("run")
    if run_id:
        watch(run_id)
    else:
        shell.activity()
        interrupted.offer()
        _welcome()
        choose()


def _welcome() -> None:
    """The way to the guided experiments, until something was trained here."""
    if resources.store().runs.listing(limit=1):
        return
    if st.button(
        "New here? Three guided experiments show what a learning rate does",
        icon=":material/explore:", key="to-start", type="tertiary",
    ):
        st.switch_page("pages/start.py")


def choose() -> None:
    """The form on the left, what it will do on the right, and Start."""
    source = st.query_params.pop("from", None)
    if source:
        try:
            form.fill(_settings(source))
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
    found_rate.into_train()
    left, right = st.columns([5, 7], gap="medium")
    plan: Plan | None = None
    with left:
        try:
            spec = RunSpec(**form.draw())
            form.require_data(spec.dataset)
            plan = make(spec)
        except LrdashError as fault:
            problem = str(fault)
    with right, st.container(key="outlook"):
        if plan is None:
            st.error(problem, icon=":material/error:")
            st.caption("Nothing is lost: mend that field and the preview comes back.")
            return
        preview.draw(plan)
        engine = preview.engine()
        if preview.start(plan):
            begin(plan, engine)
        preview.explain(plan)


def _settings(run_id: str) -> RunSpec:
    """The settings of a run as the form can hold them."""
    past = history.of(run_id, resources.store())
    spec = past.run.spec
    external.refuse([spec])
    return steer.as_points(spec, more.used(past)) if spec.pieces else spec


def begin(plan: Plan, engine: str) -> None:
    """Queue the run and go to its own address."""
    st.query_params["run"] = queue(plan, engine)
    st.rerun()


def queue(plan: Plan, engine: str, *, name: str = "") -> str:
    """Queue the run; gives its id."""
    return resources.store().runs.create(
        plan.spec, steps_per_epoch=plan.steps_per_epoch, updates=plan.updates,
        parameters=plan.parameters, engine=engine, name=name,
    )


def watch(run_id: str) -> None:
    """The live view of a run, with the way back to the form."""
    st.button("New run", icon=":material/add:", key="new", type="tertiary",
              on_click=_leave)
    live.show(run_id)


def _leave() -> None:
    st.query_params.pop("run", None)
