"""The head of a result: its title and settings, how far it is or how it ended, and its actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import streamlit as st

from lrdash.core import wording

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

ICONS = {
    "queued": ":material/schedule:", "running": ":material/model_training:",
    "finished": ":material/check_circle:", "stopped": ":material/stop_circle:",
    "failed": ":material/error:", "diverged": ":material/trending_up:",
    "interrupted": ":material/power_off:",
}
CALM = {"finished": st.success, "stopped": st.info, "interrupted": st.info}


def header(
    title: str, settings: str, *, notes: Iterable[str] = (), buttons: str = "row"
) -> DeltaGenerator:
    """Draw title and settings on the left; gives the place on the right for the actions.

    They and the notes may hold a user's text. Buttons form a "row", or a narrow "stack".
    """
    left, right = st.columns([3, 2 if buttons == "row" else 1], vertical_alignment="center")
    with left:
        st.header(wording.escaped(title), anchor=False)
        st.caption(wording.escaped(settings))
        for note in notes:
            st.caption(f":material/info: {wording.escaped(note)}")
    if buttons == "row":
        return right.container(horizontal=True, horizontal_alignment="right")
    return right.container()


def leave(parameter: str) -> None:
    """Leave the result that this parameter of the address names."""
    st.query_params.pop(parameter, None)


def progress(share: float, words: str, seconds_left: float | None = None) -> None:
    """How far it is, and how long it still takes where that is known."""
    left = f" · {wording.duration(seconds_left)} left" if seconds_left else ""
    st.progress(min(1.0, max(0.0, share)), text=f"{words}{left}")


def ended(status: str, words: str, *, reason: str = "", hint: str = "") -> None:
    """How it ended: a status of `lrdash.core.events`, what became of it without a full stop, why
    (may hold text of a user), and what to do next, a sentence.
    """
    why = f": {wording.escaped(reason.rstrip('.'))}" if reason else ""
    CALM.get(status, st.error)(f"{words}{why}. {hint}".rstrip(), icon=ICONS[status])
