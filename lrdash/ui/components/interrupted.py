"""What was interrupted, and the way on: one calm line with two buttons."""

from __future__ import annotations

import streamlit as st

from lrdash.ui import resources

DECLINED = "interrupted-declined"  # ids of the runs that this session does not want to continue


def offer() -> None:
    """Offer to continue all interrupted runs, until this session declines; nothing if there are
    none.
    """
    store = resources.store()
    if not store.runs.counts()["interrupted"]:
        return
    runs = [
        row.run_id for row in store.runs.listing(status="interrupted") if row.spec.trainable_here
    ]
    waiting = [run for run in runs if run not in st.session_state.get(DECLINED, ())]
    if not waiting:
        return
    one = len(waiting) == 1
    with st.container(border=True, key="interrupted"):
        left, right = st.columns([5, 3], vertical_alignment="center")
        left.markdown(
            f":material/power_off: **{len(waiting):,} {'run was' if one else 'runs were'} "
            f"interrupted.** Nothing is lost: {'it goes' if one else 'they go'} on from the last "
            "checkpoint, bit for bit."
        )
        with right.container(horizontal=True, horizontal_alignment="right"):
            if st.button(
                f"Continue {len(waiting):,} {'run' if one else 'runs'}",
                icon=":material/play_arrow:", key="continue-interrupted",
            ):
                go_on(waiting)
                st.rerun()
            if st.button("Not now", key="decline-interrupted",
                         help="They stay on the Runs page, where each can be continued."):
                st.session_state[DECLINED] = runs
                st.rerun()


def go_on(run_ids: list[str]) -> None:
    """Queue interrupted and stopped runs again; each goes on from its last checkpoint."""
    resources.store().runs.requeue(run_ids)
    resources.laboratory().wake()
