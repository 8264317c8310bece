"""What the address asks for that no field can hold: ignored, and shown in a note."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from lrdash.core import wording

IGNORED = "ignored_address"  # in the session: what was taken out before the page was drawn


@contextmanager
def checked_address() -> Iterator[None]:
    """Draws its block, then a note above it about the values that were ignored.

    Streamlit itself takes a number out of the address that is not within its field's bounds, and
    fails at one that is not finite.
    """
    place = st.empty()
    endless = {
        key: values[-1] for key in st.query_params
        if not all(map(_may_be_held, values := st.query_params.get_all(key)))
    }
    if endless:
        for key, text in endless.items():
            del st.query_params[key]
            ignore(key, text)
        st.rerun()
    asked = st.query_params.to_dict()
    yield
    ignored = st.session_state.pop(IGNORED, {}) | {
        key: text for key, text in asked.items()
        if key in st.session_state
        and _differs(st.session_state[key], text, still=key in st.query_params)
    }
    if ignored:
        given = wording.listed([f"{key}={text[:40]}" for key, text in ignored.items()])
        place.warning(
            wording.escaped(f"The address asks for {given}, outside of what the fields allow. "
                            "Check the values below."),
            icon=":material/link_off:",
        )


def ignore(key: str, text: str) -> None:
    """Have the next note name this field and what was asked for."""
    st.session_state.setdefault(IGNORED, {})[key] = text


def _may_be_held(text: str) -> bool:
    number = _number(text)
    return number is None or math.isfinite(number)


def _differs(value: Any, text: str, still: bool) -> bool:
    """Whether a field for numbers shows something else than the address asked for.

    Args:
        value: of the field.
        text: what was asked for.
        still: the address has the field, maybe corrected: without what follows the point.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    asked = _number(text)
    return asked is not None and int(asked) == value != asked if still else asked != value


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
