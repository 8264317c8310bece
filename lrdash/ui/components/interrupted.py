"""Interrupted runs, and the way to resume them: one calm line with two buttons."""

from __future__ import annotations

import streamlit as st

from lrdash.core.wording import plural
from lrdash.ui import resources
from lrdash.ui.components import queue

DECLINED = "interrupted-declined"  # in the session: ids of the runs that stay as they are


def offer() -> None:
    """Offer to resume all interrupted runs, until this session declines."""
    stored = resources.store().runs
    if not stored.counts()["interrupted"]:
        return
    rows = stored.listing(status="interrupted")
    runs = [row.run_id for row in rows if row.spec.trainable_here]
    waiting = [run for run in runs if run not in st.session_state.get(DECLINED, ())]
    if not waiting:
        return
    count = plural(len(waiting), "run")
    with st.container(border=True, key="interrupted"):
        left, right = st.columns([5, 3], vertical_alignment="center")
        left.markdown(
            f":material/power_off: **{count} {'was' if len(waiting) == 1 else 'were'} "
            "interrupted.** Everything trained so far is kept and can be resumed from the last "
            "checkpoint, bit for bit."
        )
        with right.container(horizontal=True, horizontal_alignment="right"):
            if st.button(f"Resume {count}", icon=":material/play_arrow:",
                         key="resume-interrupted"):
                queue.resume(waiting)
                st.rerun()
            if st.button("Not now", key="decline-interrupted",
                         help="They stay on the Runs page, where you can resume each of them."):
                st.session_state[DECLINED] = runs
                st.rerun()
