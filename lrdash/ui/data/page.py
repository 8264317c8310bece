"""The Data page: a file is uploaded, looked at, given a target and kept as a dataset."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lrdash.core.errors import LrdashError
from lrdash.core.wording import escaped
from lrdash.datasets import own
from lrdash.datasets.own import Profile, Recipe
from lrdash.datasets.own.faces import SUFFIXES
from lrdash.ui import shell
from lrdash.ui.data import choices, reading, stored
from lrdash.ui.data import profile as profile_view

LOOKED = "data_looked"  # in the session: a file, how it was read, and its profile or fault
SAVED = "data_saved"  # in the session: what was kept last: its file and choices, and its id
IDEA = """
Upload a table, say which column to predict, and train on it as on any other dataset.

- **Tables**: CSV, TSV or Parquet. Numbers and texts, gaps included.
- **Arrays**: NPZ with `x` and `y`, as `numpy.savez(file, x=x, y=y)` writes it.
- **Images**: a ZIP with one folder a class.

The file is read in a process of its own, which can take neither the server's memory nor its time.
Nothing in it is executed. What you keep stays in the folder of this server until you delete it.
"""


def body() -> None:
    """Upload and choices on the left, what the file holds on the right, what is kept below."""
    shell.activity()
    left, right = st.columns([5, 7], gap="medium")
    with left:
        uploaded = _upload()
    if uploaded is None:
        with right:
            _explain()
    else:
        read_as = reading.chosen(uploaded.file_id)
        with right:
            profile = _looked(uploaded, read_as)
        with left:
            if profile is not None and profile.kind == "table":
                reading.draw(uploaded.file_id, read_as, profile.columns)
            elif profile is None and read_as != Recipe():
                reading.draw(uploaded.file_id, read_as, ())
            if profile is not None:
                _choose(uploaded, profile, read_as, right)
    stored.draw()


def _upload() -> st.runtime.uploaded_file_manager.UploadedFile | None:
    with st.container(border=True):
        st.header("Your file", anchor=False)
        return st.file_uploader(
            "CSV, TSV, Parquet, NPZ, or a ZIP of images", type=list(SUFFIXES), key="data-file",
        )


def _explain() -> None:
    with st.container(border=True):
        st.header("Your own data", anchor=False)
        st.markdown(IDEA)
        with st.expander("Limits"):
            st.table(profile_view.limits_frame(), border="horizontal")


def _looked(
    uploaded: st.runtime.uploaded_file_manager.UploadedFile, read_as: Recipe
) -> Profile | None:
    """The profile of a file, made once for each way to read it; a fault is told each time."""
    known = st.session_state.get(LOOKED)
    if known is None or known[0] != (uploaded.file_id, read_as):
        try:
            with st.spinner("Reading the file"):
                found: Profile | str = own.look(uploaded.getvalue(), uploaded.name, read_as)
        except LrdashError as fault:
            found = str(fault)
        known = st.session_state[LOOKED] = ((uploaded.file_id, read_as), found)
    found = known[1]
    if isinstance(found, str):
        st.error(escaped(found), icon=":material/error:")
        st.caption("Nothing was kept. Mend the file and upload it again." if read_as == Recipe()
                   else "Nothing is lost: change how it is read on the left.")
        return None
    return found


def _choose(
    uploaded: st.runtime.uploaded_file_manager.UploadedFile, profile: Profile, read_as: Recipe,
    right: st.delta_generator.DeltaGenerator,
) -> None:
    recipe = choices.draw(profile, read_as)
    with right:
        profile_view.draw(profile, recipe)
    key = profile.file_digest[:12]
    name = st.text_input(
        "Name", Path(profile.file).stem[: own.NAME], max_chars=own.NAME,
        key=f"data-name-{key}", help="What the data is called in forms and tables.",
    )
    if st.button("Keep this data", type="primary", icon=":material/save:", key="data-save"):
        try:
            with st.spinner("Making the examples"):
                facts = own.add(uploaded.getvalue(), uploaded.name, recipe, name)
            st.session_state[SAVED] = ((uploaded.file_id, recipe), facts.id)
        except LrdashError as fault:
            st.session_state.pop(SAVED, None)
            st.error(escaped(str(fault)), icon=":material/error:")
            st.caption("Nothing is lost: change a choice above and keep it again.")
    made_of, kept_id = st.session_state.get(SAVED, ((), ""))
    present = any(facts.id == kept_id for facts in own.kept())
    if present and made_of == (uploaded.file_id, recipe):
        facts = own.facts_of(kept_id)
        st.success(f"Kept as {escaped(facts.name)}.", icon=":material/check_circle:")
        stored.ways_on(facts, key="new", primary=True)
