"""Train: pick a dataset, a model and a strategy, start, and watch loss and rate being drawn."""

import streamlit as st

from lrdash.ui import resources, shell
from lrdash.ui.components import interrupted, queue
from lrdash.ui.components.form_column import form_column
from lrdash.ui.components.result import leave
from lrdash.ui.train import preview, run, settings

with shell.page("Train"):
    run_id = st.query_params.get("run")
    if run_id:
        st.button("New run", icon=":material/add:", key="new", type="tertiary", on_click=leave,
                  args=("run",))
        run.show(run_id)
        shell.stop()

    shell.activity()
    interrupted.offer()
    if not resources.store().runs.listing(limit=1) and st.button(
        "New here? Three guided experiments show what a learning rate does",
        icon=":material/explore:", key="to-start", type="tertiary",
    ):
        st.switch_page("pages/start.py")

    settings.fill_from_address()
    plan, outlook = form_column(settings.read)
    with outlook:
        if plan is None:
            shell.stop()
        preview.draw(plan)
        engine = preview.engine()
        if preview.start(plan):
            st.query_params["run"] = queue.start_run(plan, engine=engine)
            st.rerun()
        preview.explain(plan)
