"""A question before something is deleted for good."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lrdash.ui.components.errors import error_boundary


def confirm_delete(title: str, words: str, label: str, job: Callable[[], object]) -> None:
    """Ask in a dialog, then delete; errors of the job are shown there."""

    @st.dialog(title)
    def ask() -> None:
        st.write(words)
        if st.button(label, type="primary", key="delete-for-good"):
            with error_boundary():
                job()
                st.rerun()

    ask()
