"""How a table is read, where its content leaves it open: names, kinds, words for missing."""

from __future__ import annotations

import streamlit as st

from lrdash.datasets.own import Profile, Recipe

KNOBS = {knob.name: knob for knob in Recipe.knobs()}
HEADERS = {"auto": "Automatic", "yes": "Yes", "no": "No"}


def chosen(file_id: str) -> Recipe:
    """The choices so far, from the session."""
    held = st.session_state
    header = held.get(_key(file_id, "header")) or "auto"
    words = str(held.get(_key(file_id, "missing"), "")).split(",")
    return Recipe().replace(
        header=header, missing=sorted({word.strip() for word in words} - {""}),
        **{name: held.get(_key(file_id, f"{name}.{header}"), ()) for name in ("texts", "numbers")},
    )


def draw(file_id: str, read_as: Recipe, profile: Profile | None) -> None:
    """Draw the choices, for a table, or to change what made a file unreadable (no profile)."""
    if read_as == Recipe() if profile is None else profile.kind != "table":
        return
    columns = profile.columns if profile else ()
    with st.expander("How it is read", expanded=not columns):
        st.segmented_control(
            KNOBS["header"].label, list(HEADERS), format_func=lambda name: HEADERS[name],
            default="auto", required=True, key=_key(file_id, "header"), help=KNOBS["header"].help,
        )
        for name, kind, taken, others in (
            ("texts", "number", read_as.texts, read_as.numbers),
            ("numbers", "text", read_as.numbers, read_as.texts),
        ):
            able = [one.name for one in columns
                    if one.name in taken or (one.kind == kind and one.name not in others)]
            st.multiselect(
                KNOBS[name].label, able or list(taken), help=KNOBS[name].help,
                key=_key(file_id, f"{name}.{read_as.header}"), placeholder="No column",
            )
        st.text_input(
            KNOBS["missing"].label, key=_key(file_id, "missing"), placeholder="e.g. NA, -999",
            help=KNOBS["missing"].help,
        )


def _key(file_id: str, name: str) -> str:
    return f"reading.{file_id}.{name}"
