"""Find LR: a range test of a few seconds that suggests a peak rate for a model on its data."""

import streamlit as st

from lrdash.ui import shell
from lrdash.ui.components import queue
from lrdash.ui.components.form_column import form_column
from lrdash.ui.components.tables import earlier_list
from lrdash.ui.find_lr import form, result

with shell.page("Find LR"):
    range_test_id = st.query_params.get("test")
    if range_test_id:
        result.show(range_test_id)
        shell.stop()

    shell.activity()
    planned, outlook = form_column(form.read)
    with outlook:
        if planned is not None and form.start(planned):
            st.query_params["test"] = queue.start_range_test(planned)
            st.rerun()
        lines = form.earlier()
        opened = earlier_list("Earlier tests", lines, key="earlier-tests", columns=form.COLUMNS)
        if opened:
            st.query_params["test"] = opened
            st.rerun()
        if not lines:
            st.caption("Earlier tests will be listed here.")
