"""Beside the form: what a comparison takes, the button that trains it, and earlier comparisons."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lrdash import analysis
from lrdash.core.wording import plural
from lrdash.planning import grouping
from lrdash.planning.experiment import Experiment
from lrdash.ui import resources
from lrdash.ui.compare.experiment import done, in_words, sizes
from lrdash.ui.components import estimate
from lrdash.ui.components.queue import Prepared
from lrdash.ui.components.tables import defined

SHOWN = 20  # earlier comparisons in the list
COLUMNS = {
    "what": st.column_config.TextColumn("Comparison", width="medium"),
    "data": st.column_config.TextColumn("Data and model"),
    "done": st.column_config.ProgressColumn("Done", format="percent", width="small"),
    "runs": st.column_config.NumberColumn("Runs", width="small"),
    "created": st.column_config.DatetimeColumn("Created", format="distance"),
}


def start(prepared: Prepared) -> bool:
    """What the comparison takes, and the button; True when pressed."""
    plans, experiment = prepared.plans, prepared.experiment
    count = plural(len(plans), "run")
    with st.container(border=True):
        st.header(count, anchor=False)
        st.markdown(
            f"{sizes(experiment)}, {plural(experiment.base.epochs, 'epoch')} each. Every strategy "
            "is judged at its own best peak rate."
        )
        with st.container(horizontal=True):
            st.metric("Time", estimate.time_of(plans) or "unknown yet",
                      help="Estimated from what this machine has trained so far.")
            needs = grouping.describe(plans, prepared.groups)
            st.metric(
                "Memory", f"{max(1, round(needs['bytes'] / 2**20)):,} MB",
                help=f"Estimated for the largest group; {needs['limit'] / 2**20:,.0f} MB are free "
                "for training. LRDASH_MEMORY_MB sets another limit.",
            )
            st.metric(
                "Groups", f"{len(prepared.groups):,}",
                help="Runs that train together as one program, up to "
                f"{needs['lanes']} at a time, group after group.",
            )
        first = plans[0]
        st.caption(
            f"{first.parameters:,} parameters · {first.train_examples:,} training / "
            f"{first.validation_examples:,} validation examples · {first.updates:,} updates per run"
        )
        return st.button(f"Train {count}", type="primary", icon=":material/play_arrow:",
                         key="start-compare")


def earlier() -> dict[str, dict[str, Any]]:
    """A line for each of the latest comparisons, by id."""
    lines = {}
    for row, experiment in defined(resources.store().experiments, Experiment, SHOWN):
        lines[row.experiment_id] = {
            "what": row.name or in_words(experiment),
            "data": analysis.data_and_model(experiment.base),
            "done": done(row) / max(1, row.runs), "runs": row.runs, "created": row.created_at,
        }
    return lines
