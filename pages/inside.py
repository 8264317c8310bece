"""Inside the callback: what decides the learning rate, step by step, and what if."""

import streamlit as st

from lrdash.core.wording import escaped
from lrdash.ui import shell
from lrdash.ui.inside import choice, whatif
from lrdash.ui.inside.player import inside_player

with shell.page("Inside the callback"):
    shell.activity()
    st.markdown(
        "A callback is a small program that runs between two epochs and may change the learning "
        "rate. Press **Play** to watch it work: each step lights up with its numbers, and the "
        "sentence below the chart shows the decision."
    )
    source = choice.choose()
    if source is None:
        shell.stop()
    st.caption(escaped(source.summary))
    choice.about_the_run(source)
    if not source.walk.moments:
        st.info("No epoch begins after the warmup, so there is no decision to show.",
                icon=":material/info:")
        shell.stop()
    inside_player(
        source.walk, source.values, metric=source.metric, source=source.key,
        remarks=source.remarks,
    )
    choice.how_to_read(source)
    if source.rule is not None:
        whatif.show(source)
