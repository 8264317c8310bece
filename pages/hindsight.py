"""Hindsight: a search for the schedule that would have been close to the best, for one run."""

import streamlit as st

from lrdash.ui import shell
from lrdash.ui.components.tables import earlier_list
from lrdash.ui.hindsight import form, result

IDEA = """
After training, we can see what would have worked. At several points the run branches, each branch
with its rate times a factor, and the best branches are kept. What is left comes close to the best
schedule for this run. It shows how much there is to gain, and is checked on fresh seeds.
"""

with shell.page("Hindsight"):
    search_id = st.query_params.get("search")
    if search_id:
        result.show(search_id)
        shell.stop()

    shell.activity()
    st.markdown(IDEA)
    source = form.source()
    if source is not None:
        form.choose(source)
    opened = earlier_list(
        "Earlier searches", form.earlier(source.run if source else None), key="earlier-searches",
        columns=form.COLUMNS,
    )
    if opened:
        st.query_params.from_dict({"search": opened})
        st.rerun()
