"""The valley: gradient descent on surfaces you can see, strategies side by side."""

import streamlit as st

from lrdash.ui import shell
from lrdash.ui.components import fields
from lrdash.ui.components.form_column import form_column
from lrdash.ui.valley import explanation, form
from lrdash.ui.valley.player import valley_player

LOG = f"{form.PREFIX}log"

with shell.page("Valley"):
    st.markdown(
        "Each training step moves the weights down the slope of the loss; the learning rate sets "
        "how far. Press **Play** to see what happens where the valley is steep, flat, curved or "
        "noisy; drag the ring on the map to move the start."
    )
    chosen, right = form_column(form.read, widths=(4, 9))
    if chosen is None:
        shell.stop()
    surface, paths, names = chosen
    with right:
        valley_player(
            surface, paths, names, key=form.PLAYER, log=st.session_state.get(LOG, False),
            on_start=lambda: form.move_start(surface),
        )
        st.toggle("Log axis for the rates", key=LOG, **fields.PERSIST)
        explanation.draw(surface, paths, names)
