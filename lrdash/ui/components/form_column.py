"""A form on the left, and on the right what comes of it or which field to fix."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from lrdash.core.errors import LrdashError
from lrdash.ui.components.errors import show_error

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

Chosen = TypeVar("Chosen")


def form_column(
    read: Callable[[], Chosen], *, beside: bool = True, widths: tuple[int, int] = (5, 7)
) -> tuple[Chosen | None, DeltaGenerator]:
    """Draw a form; gives what was chosen, and the place for what comes of it.

    Args:
        read: draws the fields and reads and checks them; an `LrdashError` of it is shown at the
            place that is given back, and nothing is chosen.
        beside: whether that place is a column on the right, which stays in view, or is below.
        widths: of the two columns, relative to each other.
    """
    left, right = st.columns(widths, gap="medium") if beside else (st.container(), st.container())
    outlook = right.container(key="outlook") if beside else right
    try:
        with left:
            return read(), outlook
    except LrdashError as error:
        with outlook:
            show_error(error)
            st.caption("Fix this field to continue. Your other settings are kept.")
        return None, outlook
