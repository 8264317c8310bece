"""What a button's callback tries: it runs outside the page's own frame that explains faults."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lrdash.core.errors import LrdashError


def attempt(job: Callable[..., object], *arguments: object) -> None:
    """Do a job; what lrdash explains becomes a message that stays until it is closed."""
    try:
        job(*arguments)
    except LrdashError as fault:
        st.toast(str(fault), icon=":material/error:", duration="infinite")
