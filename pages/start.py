"""Start here: three experiments to watch, each explained by what comes out of it."""

import streamlit as st

from lrdash.analysis.guides import GUIDES
from lrdash.ui import shell
from lrdash.ui.start import cards, guided

INTRODUCTION = """
The **learning rate** decides how far each update moves the weights of a network. Too high, and the
loss bounces; too low, and it creeps. So training starts high and lowers the rate, but when, and
how? Each experiment below trains small networks here in about a minute, then explains *your*
results.
"""
FURTHER = """
- **Train** a run of your own and watch the rate fall, live, with the reason for each change.
- **Find LR** suggests a starting peak rate. **Compare** shows which strategy to use, and whether
  the difference is more than chance.
- **Inside the callback** plays the algorithm step by step. **Valley** shows on surfaces why a high
  rate bounces.
"""

with shell.page("Start here"):
    experiment_id = st.query_params.get("experiment")
    if experiment_id:
        guided.show(experiment_id)
        shell.stop()

    shell.activity()
    st.markdown(INTRODUCTION)
    last = cards.last_results()
    for place, guide in zip(st.columns(len(GUIDES)), GUIDES.values(), strict=True):
        with place:
            cards.draw(guide, last.get(guide.id))
    st.header("What next", anchor=False)
    st.markdown(FURTHER)
    if st.button("Look up a term in the glossary", type="tertiary", icon=":material/dictionary:",
                 key="to-glossary"):
        st.switch_page("pages/glossary.py")
