"""lrdash: the router. Start it with `lrdash serve` (or `make run`)."""

import streamlit as st

from lrdash.ui import shell

shell.setup("Train")
st.navigation(
    [
        st.Page("pages/start.py", title="Start here", icon=":material/explore:"),
        st.Page("pages/train.py", title="Train", icon=":material/trending_down:", default=True),
        st.Page("pages/compare.py", title="Compare", icon=":material/stacked_line_chart:"),
        st.Page("pages/find_lr.py", title="Find LR", icon=":material/search:"),
        st.Page("pages/hindsight.py", title="Hindsight", icon=":material/history:"),
        st.Page("pages/inside.py", title="Inside the callback", icon=":material/schema:"),
        st.Page("pages/valley.py", title="Valley", icon=":material/landscape:"),
        st.Page("pages/models.py", title="Models", icon=":material/layers:"),
        st.Page("pages/data.py", title="Data", icon=":material/dataset:"),
        st.Page("pages/runs.py", title="Runs", icon=":material/table_rows:"),
        st.Page("pages/glossary.py", title="Glossary", icon=":material/dictionary:"),
    ],
    position="top",
).run()
