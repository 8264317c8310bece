"""Data: your own table, arrays or images, made into a dataset to train on."""

import streamlit as st

from lrdash.ui import shell
from lrdash.ui.data import choices, profile, reading, stored, upload

with shell.page("Data"):
    shell.activity()
    left, right = st.columns([5, 7], gap="medium")
    with left:
        file = upload.box()
    if file is None:
        with right:
            upload.explain()
        stored.draw()
        shell.stop()

    read_as = reading.chosen(file.file_id)
    with right:
        found = upload.read(file, read_as)
    with left:
        reading.draw(file.file_id, read_as, found)
    if found is not None:
        with left:
            recipe = choices.draw(found, read_as)
        with right:
            profile.draw(found, recipe)
        with left:
            upload.save(file, found, recipe)
    stored.draw()
