"""What can be done with a comparison: stop, extend, export, name, run again, delete."""

from __future__ import annotations

import streamlit as st

from lrdash.core.wording import plural
from lrdash.planning import external
from lrdash.planning.experiment import Experiment
from lrdash.store import ExperimentRow
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.compare.form import rates_in
from lrdash.ui.components import export, form, queue
from lrdash.ui.components.confirm import confirm_delete
from lrdash.ui.components.errors import error_boundary
from lrdash.ui.components.live import live
from lrdash.ui.components.result import leave

MORE_SEEDS = 3  # offered at first


def actions(row: ExperimentRow, experiment: Experiment) -> None:
    """The buttons beside the name of a comparison."""
    if row.active and st.button("Stop", icon=":material/stop:", key="stop-all",
                                help="Everything trained so far is kept and can be resumed."):
        queue.stop_experiment(row.experiment_id)
        st.rerun()
    if experiment.base.trainable_here:
        with st.popover("Extend", icon=":material/add:", key="extend"):
            live(_extend, None, row, experiment)  # its settings redraw no chart
    with st.popover("Export", icon=":material/download:", key="export"):
        export.of_experiment(row, recipe=experiment.base.trainable_here)
    with st.popover("More", icon=":material/more_horiz:", key="more-actions"):
        _more(row, experiment)
    st.button("New comparison", icon=":material/add_chart:", key="new-comparison",
              on_click=leave, args=("experiment",))


def _extend(row: ExperimentRow, experiment: Experiment) -> None:
    st.caption("Existing runs are kept and not trained again.")
    seeds = st.number_input("More seeds", 0, 100, MORE_SEEDS, key="more-seeds")
    rates = st.text_input("More peak rates", key="more-rates", placeholder="e.g. 0.03, 3")
    present = {arm.strategy for arm in experiment.arms}
    others = [name for name in STRATEGIES if name not in present]
    names = st.multiselect("More strategies", others, key="more-strategies",
                           format_func=lambda name: STRATEGIES[name].label)
    more = form.arms(names, experiment.base.dataset, prefix="more.")
    if not st.button("Train the new runs", type="primary", key="extend-start"):
        return
    first = max(experiment.seeds) + 1
    larger = experiment.extended(
        base_lrs=rates_in(rates), seeds=range(first, first + seeds), arms=more,
    )
    if queue.extend_experiment(row, larger):
        st.rerun()
    st.info("Nothing to add: choose more seeds, rates or strategies.", icon=":material/info:")


def _more(row: ExperimentRow, experiment: Experiment) -> None:
    store = resources.store()
    with st.form("name-form", border=False):
        name = st.text_input("Name", row.name, max_chars=120, key="experiment-name")
        target = st.number_input(
            "Target validation loss", min_value=0.0, value=row.target, step=0.05, format="%.4g",
            placeholder="none", key="experiment-target",
            help="The leaderboard shows how many epochs each strategy took to reach it.",
        )
        if st.form_submit_button("Save"):
            with error_boundary():
                store.experiments.rename(row.experiment_id, name)
                store.experiments.set_target(row.experiment_id, target)
                st.rerun()
    missing = external.why_not(experiment.base)
    if st.button("Fill the form with these settings", icon=":material/replay:", key="run-again",
                 width="stretch", disabled=bool(missing), help=missing or None):
        leave("experiment")
        st.query_params["like"] = row.experiment_id
        st.rerun()
    if st.button("Delete", icon=":material/delete:", key="delete-experiment", width="stretch",
                 disabled=row.active, help="Stop first, then delete." if row.active else None):
        count = plural(row.runs, "run")
        confirm_delete(
            "Delete this comparison",
            f"This deletes {count} with all epochs. It cannot be undone.", f"Delete {count}",
            lambda: _delete(row.experiment_id),
        )


def _delete(experiment_id: str) -> None:
    resources.store().experiments.delete(experiment_id)
    leave("experiment")
