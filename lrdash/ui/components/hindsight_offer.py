"""The way to the Hindsight page, from a run and from a comparison."""

from __future__ import annotations

import streamlit as st

from lrdash.store import ExperimentRow, RunRow

PAGE = "pages/hindsight.py"
ICON = ":material/history:"
IDEA = "Which schedule would have been near best? Branches of the run are trained at several " \
    "points, the best are kept, and what is found is tried on fresh seeds."


def of_run(run: RunRow) -> None:
    """A button under a run that has finished."""
    if run.status != "finished" or run.spec.epochs < 2:
        return
    if st.button("Hindsight", icon=ICON, key="hindsight", type="tertiary", help=IDEA):
        st.switch_page(PAGE, query_params={"run": run.run_id})


def of_experiment(row: ExperimentRow) -> None:
    """A button under the leaderboard of a comparison that is over."""
    if row.active or not row.counts["finished"]:
        return
    if st.button("Hindsight: how far is each from the best there could have been?", icon=ICON,
                 key="hindsight", type="tertiary", help=IDEA):
        st.switch_page(PAGE, query_params={"experiment": row.experiment_id})
