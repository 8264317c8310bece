"""A file of the user: uploaded, read, and saved as a dataset."""

from __future__ import annotations

from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from lrdash.core.errors import LrdashError
from lrdash.core.wording import escaped
from lrdash.datasets import own
from lrdash.datasets.own import Profile, Recipe
from lrdash.datasets.own.faces import SUFFIXES
from lrdash.ui.components.errors import show_error
from lrdash.ui.data import stored
from lrdash.ui.data.profile import limits_frame

LOOKED = "data_looked"  # in the session: a file, how it was read, and its profile or the error
SAVED = "data_saved"  # in the session: file and choices of the last data saved, and its id
IDEA = """
Upload a table, choose the column to predict, and train on it like on any other dataset.

- **Tables**: CSV, TSV or Parquet. Numbers and texts; values may be missing.
- **Arrays**: NPZ with `x` and `y`, as `numpy.savez(file, x=x, y=y)` writes it.
- **Images**: a ZIP with one folder per class.

A separate process with limits on memory and time reads the file; nothing in it is executed.
Data that you save stays in a folder of this server until you delete it.
"""


def box() -> UploadedFile | None:
    """The box that takes a file; gives the file that is in it."""
    with st.container(border=True):
        st.header("Your file", anchor=False)
        return st.file_uploader(
            "CSV, TSV, Parquet, NPZ, or a ZIP of images", type=list(SUFFIXES), key="data-file",
        )


def explain() -> None:
    """What can be uploaded, and its limits."""
    with st.container(border=True):
        st.header("Your own data", anchor=False)
        st.markdown(IDEA)
        with st.expander("Limits"):
            st.table(limits_frame(), border="horizontal")


def read(file: UploadedFile, read_as: Recipe) -> Profile | None:
    """The profile of a file, made once for each way to read it; None after an error, shown here."""
    known = st.session_state.get(LOOKED)
    if known is None or known[0] != (file.file_id, read_as):
        try:
            with st.spinner("Reading the file"):
                found: Profile | str = own.look(file.getvalue(), file.name, read_as)
        except LrdashError as error:
            found = str(error)
        known = st.session_state[LOOKED] = ((file.file_id, read_as), found)
    found = known[1]
    if isinstance(found, str):
        show_error(found)
        st.caption("Nothing was saved. Fix the file and upload it again." if read_as == Recipe()
                   else "Your choices are kept. Change how the file is read on the left.")
        return None
    return found


def save(file: UploadedFile, profile: Profile, recipe: Recipe) -> None:
    """Name the data and save it; then offer to train on it."""
    name = st.text_input(
        "Name", Path(profile.file).stem[: own.NAME], max_chars=own.NAME,
        key=f"data-name-{profile.file_digest[:12]}", help="How forms and tables show the data.",
    )
    if st.button("Save this data", type="primary", icon=":material/save:", key="data-save"):
        try:
            with st.spinner("Making the examples"):
                facts = own.add(file.getvalue(), file.name, recipe, name)
            st.session_state[SAVED] = ((file.file_id, recipe), facts.id)
        except LrdashError as error:
            st.session_state.pop(SAVED, None)
            show_error(error)
            st.caption("Your choices are kept. Change one above and save again.")
    made_of, saved_id = st.session_state.get(SAVED, ((), ""))
    present = any(facts.id == saved_id for facts in own.kept())
    if present and made_of == (file.file_id, recipe):
        facts = own.facts_of(saved_id)
        st.success(f"Saved as {escaped(facts.name)}.", icon=":material/check_circle:")
        stored.buttons(facts, key="new", primary=True)
