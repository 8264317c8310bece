"""Runs: all of them, to open, compare, rename, tag, export, train again or delete."""

import streamlit as st

from lrdash.ui import resources, shell
from lrdash.ui.components import interrupted
from lrdash.ui.components.live import live
from lrdash.ui.runs import importing, overlay, storage, table

EVERY = 2.0  # seconds between two refreshes of the table while a run is active

with shell.page("Runs"):
    side_by_side = st.query_params.get("runs")
    if side_by_side:
        overlay.show(side_by_side)
        shell.stop()
    shell.activity()
    interrupted.offer()
    table.await_new_runs()
    table.offer_to_delete_unreadable()
    rows = resources.store().runs.listing()
    if not rows:
        st.info("Your runs will be listed here with their curves and settings. Start the first one "
                "on the Train page.", icon=":material/table_rows:")
        with st.container(horizontal=True):
            if st.button("Train a model", type="primary", icon=":material/trending_down:"):
                st.switch_page("pages/train.py")
            importing.offer()
        shell.stop()
    importing.offer()
    live(table.show, EVERY if any(row.active for row in rows) else None)
    storage.line()
