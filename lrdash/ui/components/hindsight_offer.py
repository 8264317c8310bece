"""The way to the Hindsight page, from a run and from a comparison."""

from __future__ import annotations

import streamlit as st

from lrdash.store import ExperimentRow, RunRow

IDEA = "Searches for a schedule that comes close to the best this run could have had, then checks" \
    " it on fresh seeds."


def of_run(run: RunRow) -> None:
    """A button under a run that has finished."""
    if run.status == "finished" and run.spec.epochs > 1:
        _button("Hindsight", run=run.run_id)


def of_experiment(row: ExperimentRow) -> None:
    """A button under the leaderboard of a comparison that is over."""
    if not row.active and row.counts["finished"]:
        _button("Hindsight: how far is each strategy from the best schedule?",
                experiment=row.experiment_id)


def _button(label: str, **query: str) -> None:
    if st.button(label, icon=":material/history:", key="hindsight", type="tertiary", help=IDEA):
        st.switch_page("pages/hindsight.py", query_params=query)
