"""What can be done with the selected runs."""

from __future__ import annotations

import streamlit as st

from lrdash.core.wording import plural
from lrdash.planning import external
from lrdash.store import RunRow
from lrdash.ui import resources
from lrdash.ui.components import export, queue
from lrdash.ui.components.confirm import confirm_delete


def draw(picked: list[RunRow]) -> None:
    """A row of buttons."""
    one = picked[0] if len(picked) == 1 else None
    with st.container(horizontal=True):
        if st.button("Open", icon=":material/open_in_new:", disabled=one is None, key="open") \
                and one:
            st.switch_page("pages/train.py", query_params={"run": one.run_id})
        if st.button("Compare", icon=":material/stacked_line_chart:", key="compare-runs",
                     disabled=one is not None, help="Shows the curves of these runs together."):
            st.query_params["runs"] = ",".join(row.run_id for row in picked)
            st.rerun()
        paused = [row.run_id for row in picked
                  if row.status in queue.RESUMABLE and row.spec.trainable_here]
        if paused and st.button("Resume", icon=":material/play_arrow:", key="resume",
                                help="From the last checkpoint, bit for bit."):
            queue.resume(paused)
            st.rerun()
        missing = external.why_not(one.spec) if one else ""
        if st.button("Train again", icon=":material/replay:", key="again",
                     disabled=one is None or bool(missing), help=missing or None) and one:
            st.switch_page("pages/train.py", query_params={"from": one.run_id})
        with st.popover("Rename", icon=":material/edit:", disabled=one is None):
            if one:
                _rename(one)
        with st.popover("Tag", icon=":material/label:"):
            _tag(picked)
        with st.popover("Export", icon=":material/download:", key="export"):
            export.of_runs(picked)
        if st.button("Delete", icon=":material/delete:", key="delete"):
            delete([row.run_id for row in picked])


def delete(run_ids: list[str]) -> None:
    """Ask, then delete."""
    runs = plural(len(run_ids), "run")
    confirm_delete(
        "Delete runs", f"This deletes {runs} with all epochs, permanently.", f"Delete {runs}",
        lambda: resources.store().runs.delete(run_ids),
    )


def _rename(row: RunRow) -> None:
    with st.form("rename", border=False):
        name = st.text_input("Name", row.name, max_chars=120)
        if st.form_submit_button("Save"):
            resources.store().runs.rename(row.run_id, name.strip())
            st.rerun()


def _tag(picked: list[RunRow]) -> None:
    with st.form("tags", border=False):
        common = sorted(set.intersection(*(set(row.tags) for row in picked)))
        text = st.text_input("Tags, separated by commas", ", ".join(common), max_chars=200)
        if st.form_submit_button("Save"):
            tags = [tag.strip() for tag in text.split(",") if tag.strip()]
            for row in picked:
                kept = [tag for tag in row.tags if tag not in common]
                resources.store().runs.tag(row.run_id, tuple(dict.fromkeys([*kept, *tags])))
            st.rerun()
