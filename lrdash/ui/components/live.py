"""A part of a page that refreshes itself while something is active."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import streamlit as st

from lrdash.ui.components.errors import error_boundary


def live(view: Callable[..., bool | None], every: float | None, *arguments: object) -> None:
    """Draw a view, and draw it again at each tick.

    Args:
        view: a function of a module; Streamlit knows the part by its name and place. Returns
            whether it is still active: False ends the ticks by a run of the whole page.
        every: seconds between two ticks; None: it is drawn once.
        arguments: for the view.
    """

    @wraps(view)
    def bounded() -> None:  # a tick runs outside the boundary of the page
        with error_boundary():
            if view(*arguments) is False and every is not None:
                st.rerun()

    st.fragment(bounded, run_every=every)()
