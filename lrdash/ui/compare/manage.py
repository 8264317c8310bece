"""What can be done with an experiment: stop, extend, export, name, run again, delete."""

from __future__ import annotations

import re

import streamlit as st

from lrdash.core.errors import InvalidField, LrdashError
from lrdash.planning import external
from lrdash.planning.experiment import Arm, Experiment, missing, plan_all
from lrdash.planning.grouping import cut
from lrdash.planning.plan import Plan
from lrdash.store import ExperimentRow, NewRun
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.compare import arms
from lrdash.ui.components import export

MORE_SEEDS = 3  # offered at first


def actions(row: ExperimentRow, experiment: Experiment) -> None:
    """The buttons beside the name of an experiment."""
    with st.container(horizontal=True, horizontal_alignment="right"):
        if row.active and st.button("Stop", icon=":material/stop:", key="stop-all",
                                    help="What is done stays and can be continued."):
            runs = resources.store().runs.listing(experiment_id=row.experiment_id)
            resources.store().runs.request_stop_all([run.run_id for run in runs])
            st.rerun()
        if experiment.base.trainable_here:
            with st.popover("Extend", icon=":material/add:", key="extend"):
                st.fragment(_extend)(row, experiment)  # its settings redraw no chart
        with st.popover("Export", icon=":material/download:", key="export"):
            export.of_experiment(row, recipe=experiment.base.trainable_here)
        with st.popover("More", icon=":material/more_horiz:", key="more-actions"):
            _more(row, experiment)
        if st.button("New comparison", icon=":material/add_chart:", key="new-comparison"):
            st.query_params.pop("experiment", None)
            st.rerun()


def rates_in(text: str) -> tuple[float, ...]:
    """Peak rates as one types them.

    Raises:
        InvalidField: if one is no number.
    """
    try:
        return tuple(float(part) for part in re.split(r"[,;\s]+", text.strip()) if part)
    except ValueError:
        raise InvalidField("base_lrs", "must be numbers like 0.01, 0.1, 1", text) from None


def new_runs(plans: list[tuple[str, Plan]]) -> list[NewRun]:
    """Plans with their labels as the store takes them."""
    return [
        NewRun(
            spec=plan.spec, label=label, steps_per_epoch=plan.steps_per_epoch,
            updates=plan.updates, parameters=plan.parameters,
        )
        for label, plan in plans
    ]


def extend(row: ExperimentRow, larger: Experiment) -> int:
    """Queue what a larger experiment lacks; gives the number of new runs.

    Raises:
        InvalidField: if a run does not fit into the memory, or there are too many.
        NotHere: if its model and data are a script's own.
    """
    external.refuse([larger.base])
    store = resources.store()
    existing = [run.spec for run in store.runs.listing(experiment_id=row.experiment_id)]
    lacking = missing(plan_all(larger), existing)
    if lacking:
        store.experiments.add_runs(
            row.experiment_id, larger.to_json(),
            new_runs([(run.label, run.plan) for run in lacking]),
            groups=cut([run.plan for run in lacking]),
        )
        resources.laboratory().wake()
    return len(lacking)


def _extend(row: ExperimentRow, experiment: Experiment) -> None:
    st.caption("What exists is kept and not trained again.")
    seeds = st.number_input("More seeds", 0, 100, MORE_SEEDS, key="more-seeds")
    rates = st.text_input("More peak rates", key="more-rates", placeholder="e.g. 0.03, 3")
    present = {arm.strategy for arm in experiment.arms}
    others = [name for name in STRATEGIES if name not in present]
    names = st.multiselect("More strategies", others, key="more-strategies",
                           format_func=lambda name: STRATEGIES[name].label)
    try:
        more = [
            Arm(strategy=name, params=arms.settings(
                name, dataset=experiment.base.dataset, prefix="more.",
            ))
            for name in names
        ]
        if not st.button("Train what is new", type="primary", key="extend-start"):
            return
        first = max(experiment.seeds) + 1
        larger = experiment.extended(
            base_lrs=rates_in(rates), seeds=range(first, first + seeds), arms=more,
        )
        added = extend(row, larger)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
        return
    if added:
        st.rerun()
    st.info("Nothing is new: choose more seeds, rates or strategies.", icon=":material/info:")


def _more(row: ExperimentRow, experiment: Experiment) -> None:
    store = resources.store()
    with st.form("name-form", border=False):
        name = st.text_input("Name", row.name, max_chars=120, key="experiment-name")
        target = st.number_input(
            "Target validation loss", min_value=0.0, value=row.target, step=0.05, format="%.4g",
            placeholder="none", key="experiment-target",
            help="The leaderboard tells how many epochs it took to reach it.",
        )
        if st.form_submit_button("Save"):
            try:
                store.experiments.rename(row.experiment_id, name)
                store.experiments.set_target(row.experiment_id, target)
            except LrdashError as fault:
                st.error(str(fault), icon=":material/error:")
                return
            st.rerun()
    missing = external.why_not(experiment.base)
    if st.button("Fill the form with these settings", icon=":material/replay:", key="run-again",
                 width="stretch", disabled=bool(missing), help=missing or None):
        st.query_params.pop("experiment", None)
        st.query_params["like"] = row.experiment_id
        st.rerun()
    if st.button("Delete", icon=":material/delete:", key="delete-experiment", width="stretch",
                 disabled=row.active, help="Stop first, then delete." if row.active else None):
        _confirm_delete(row)


@st.dialog("Delete this comparison")
def _confirm_delete(row: ExperimentRow) -> None:
    st.write(f"{row.runs} runs with all their epochs will be gone for good.")
    if st.button(f"Delete {row.runs} runs for good", type="primary", key="delete-for-good"):
        try:
            resources.store().experiments.delete(row.experiment_id)
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
            return
        st.query_params.pop("experiment", None)
        st.rerun()
