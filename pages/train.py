"""Train: pick a dataset, a model and a strategy, start, and watch loss and rate being drawn."""

import streamlit as st

from lrdash.ui import shell, train

with shell.page("Train"):
    st.title("Train", anchor=False)
    run_id = st.query_params.get("run")
    if run_id:
        train.watch(run_id)
    else:
        shell.activity()
        train.choose()
