"""Compare: strategies, peak rates and seeds side by side, from one press to the leaderboard."""

import streamlit as st

from lrdash.ui import shell
from lrdash.ui.compare import experiment, form, outlook
from lrdash.ui.components import queue
from lrdash.ui.components.form_column import form_column
from lrdash.ui.components.tables import earlier_list

with shell.page("Compare"):
    experiment_id = st.query_params.get("experiment")
    if experiment_id:
        experiment.show(experiment_id)
        shell.stop()

    shell.activity()
    form.fill_from_address()
    chosen, right = form_column(form.read)
    with right:
        if chosen is not None and outlook.start(chosen):
            st.query_params["experiment"] = queue.start_experiment(chosen)
            st.rerun()
        opened = earlier_list(
            "Earlier comparisons", outlook.earlier(), key="earlier", columns=outlook.COLUMNS
        )
        if opened:
            st.query_params["experiment"] = opened
            st.rerun()
