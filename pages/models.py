"""Models: a network of your own, layer by layer, with shapes and weights at every row.

A reload, a link and another tab show the same network: the address holds the rows as text.
"""

import streamlit as st

from lrdash.datasets import DATASETS
from lrdash.models import drafts
from lrdash.ui import shell
from lrdash.ui.models import editing, outcome, saved, table

with shell.page("Models"):
    st.markdown(
        "Build a network layer by layer. Each row shows its output shape and its weights for the "
        "dataset that you choose; the output layer is added automatically."
    )
    dataset, label = outcome.choose_dataset()
    layers = table.current()
    found = drafts.look(layers, DATASETS[dataset].shape.input_shape)
    if layers:
        table.table(found)
        table.mistakes(layers, found)
    else:
        st.info(
            "There are no layers yet. Add a layer: choose its kind below and press Add.",
            icon=":material/layers:",
        )
    editing.buttons(layers)
    left, right = st.columns([3, 2], gap="medium")
    if layers:
        with left, st.container(border=True):
            outcome.draw(found, dataset, label)
    with right:
        if layers:
            saved.save(layers, sound=all(not one.fault for one in found))
        saved.choose()
