"""A framed part of a run's page that the user opens and closes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from lrdash.ui.components.errors import error_boundary


def state_key(name: str, run_id: str) -> str:
    """Where the session holds how a panel of a run is open; nothing while it is closed."""
    return f"{name}:{run_id}"


def open_panel(name: str, run_id: str, how: str = "open") -> None:
    """Open a panel; `how` is what it shows first."""
    st.session_state[state_key(name, run_id)] = how


def close_panel(name: str, run_id: str) -> None:
    """Close a panel."""
    st.session_state.pop(state_key(name, run_id), None)


@contextmanager
def panel(title: str, *, name: str, run_id: str) -> Iterator[None]:
    """Draw the frame with its title and Close, around the block and its error boundary."""
    with st.container(border=True, key=name):
        head = st.container(
            horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
        )
        head.markdown(f"**{title}**")
        head.button("Close", icon=":material/close:", key=f"{name}-close", type="tertiary",
                    on_click=close_panel, args=(name, run_id))
        with error_boundary():
            yield
