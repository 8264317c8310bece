"""A question before something is deleted for good."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lrdash.ui.components.errors import error_boundary


def confirm_delete(
    title: str, words: str, label: str, job: Callable[[], object], *, warning: str = "",
    allowed: bool = True,
) -> None:
    """Ask in a dialog, then delete; errors of the job are shown there.

    `warning` says what else would follow; unless `allowed`, the button cannot be pressed.
    """

    @st.dialog(title)
    def ask() -> None:
        st.markdown(words)
        if warning:
            st.warning(warning, icon=":material/warning:")
        if st.button(label, type="primary", key="delete-for-good", disabled=not allowed):
            with error_boundary():
                job()
                st.rerun()

    ask()
