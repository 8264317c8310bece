"""A framed part of a run's page that the user opens and closes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from lrdash.ui.components.errors import error_boundary


@contextmanager
def panel(
    title: str, *, key: str, close_key: str, on_close: Callable[[str], None], run_id: str
) -> Iterator[None]:
    """Draw the frame with its title and Close, around the block and its error boundary."""
    with st.container(border=True, key=key):
        head = st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        )
        head.markdown(f"**{title}**")
        head.button("Close", icon=":material/close:", key=close_key, type="tertiary",
                    on_click=on_close, args=(run_id,))
        with error_boundary():
            yield
