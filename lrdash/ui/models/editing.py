"""The buttons below the table of layers: add, move and delete rows, undo, start over."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lrdash.models import drafts, rows
from lrdash.models.drafts import Draft
from lrdash.models.own_layers import DEEPEST, OwnLayers
from lrdash.ui.models import table

PLACE, MOVED = "moved-row", "layers-moved"  # key of a box; the row that it shows next


def buttons(given: Sequence[Draft]) -> None:
    """Draw the buttons that fit the rows, and do what was pressed."""
    count = len(given)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("New layer", list(table.LABELS), key=table.HERE, width=200)
        if st.button("Add", icon=":material/add:", key="layers-add", disabled=count >= DEEPEST,
                     help=f"Adds it at the end, before the output; at most {DEEPEST} layers."):
            change([*given, drafts.fresh(table.LABELS[kind])], count + 1)
        if st.button("Undo", icon=":material/undo:", key="layers-undo",
                     disabled=not table.can_undo()):
            table.undo()
            st.rerun()
        if st.button("Start over", icon=":material/restart_alt:", key="layers-over"):
            change(drafts.read(rows.as_text(OwnLayers().layers)), 1)
    if not given:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        place = _place(count)
        for word, other in (("up", place - 1), ("down", place + 1)):
            if st.button(f"Move {word}", icon=f":material/arrow_{word}ward:", key=f"move-{word}",
                         disabled=not 1 <= other <= count):
                changed = list(given)
                changed[place - 1], changed[other - 1] = changed[other - 1], changed[place - 1]
                change(changed, other)
        if st.button("Delete row", icon=":material/delete:", key="layers-drop"):
            change([*given[: place - 1], *given[place:]], place)


def change(given: Sequence[Draft], place: int) -> None:
    """Run the page again with these rows; the buttons are about the one at this place from 1."""
    table.begin(given)
    st.session_state[MOVED] = place
    st.rerun()


def _place(count: int) -> int:
    """The row that the buttons are about; it follows a row that moves."""
    wanted = st.session_state.pop(MOVED, None) or st.session_state.get(PLACE, 1)
    if wanted != st.session_state.get(PLACE) or wanted > count:
        st.session_state[PLACE] = min(wanted, count)
    return int(st.number_input("Row", 1, count, key=PLACE, width=120))
