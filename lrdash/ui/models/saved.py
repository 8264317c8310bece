"""Networks saved under a name: save the rows of the table, open or delete a saved network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from lrdash.core.errors import InvalidField
from lrdash.core.wording import escaped
from lrdash.models import drafts, rows
from lrdash.models.drafts import Draft
from lrdash.store import architectures
from lrdash.ui.components.errors import error_boundary, show_error
from lrdash.ui.models import table
from lrdash.ui.models.editing import change

SAVED, ASKED = "layers-saved", "layers-asked"  # keys: the chosen model; a name to replace
DROPPED = "layers-dropped"  # the model that was deleted in the last run


def choose() -> None:
    """Open or delete a saved network."""
    models = architectures.saved()
    _forget_gone(models)
    if not models:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.session_state.get(SAVED)
        chosen = st.selectbox("Saved", list(models), key=SAVED, width=220)
        opened = st.button("Open", icon=":material/folder_open:", key="layers-open")
        dropped = st.button("Delete", icon=":material/delete:", key="layers-delete",
                            on_click=table.renew, help="Runs that used it keep their layers.")
    if wanted is None:
        return  # the buttons were pressed for another one, which is gone
    if opened:
        try:
            change(drafts.read(models[chosen]), 1)
        except InvalidField as error:
            show_error(f"The {error}")
    elif dropped:
        architectures.forget(chosen)
        st.session_state[DROPPED] = chosen
        st.rerun()


def _forget_gone(models: Mapping[str, str]) -> None:
    """Drop the choice of a model that no longer exists; report it if it was not deleted here."""
    wanted, dropped = st.session_state.get(SAVED), st.session_state.pop(DROPPED, None)
    if wanted is None or wanted in models:
        return
    del st.session_state[SAVED]  # otherwise the box would still show it
    if wanted != dropped:
        st.warning(
            f"The model {escaped(wanted)} no longer exists: it was deleted in another window.",
            icon=":material/info:",
        )


def save(layers: Sequence[Draft], *, sound: bool) -> None:
    """Save the rows of the table if they are sound; asks before it replaces others of that name."""
    text = rows.typed(layers)
    with st.form("save-layers", border=True):
        name = st.text_input("Save under a name", max_chars=60, key="layers-name").strip()
        pressed = st.form_submit_button("Save", icon=":material/save:", on_click=table.renew)
    if pressed and not sound:
        show_error("Nothing was saved. Fix the rows listed below the table first.")
        return
    if pressed:
        taken = architectures.saved().get(name, text) != text
        st.session_state[ASKED] = (name, text) if taken else None
    if st.session_state.get(ASKED) == (name, text):
        if not _replaced(name):
            return
        del st.session_state[ASKED]
    elif not pressed:
        return
    with error_boundary():
        architectures.save(name, text)
        st.success(f"Saved as {escaped(name)}.", icon=":material/check_circle:")


def _replaced(name: str) -> bool:
    """Ask whether to replace the layers of this name; gives whether that was pressed."""
    question = st.empty()
    with question.container():
        st.warning(
            f"A model named {escaped(name)} already exists, with other layers. Replace it, or "
            "save this one under another name.", icon=":material/help:",
        )
        pressed = st.button("Replace it", icon=":material/save:", key="layers-replace",
                            on_click=table.renew)
    if pressed:
        question.empty()
    return pressed
