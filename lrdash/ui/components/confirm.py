"""A question before something is deleted for good."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lrdash.ui.components.errors import error_boundary


def confirm_delete(
    title: str, words: str, label: str, job: Callable[[], object], *, warning: str = "",
    allowed: bool = True,
) -> None:
    """Ask in a dialog, then delete.

    Args:
        title: of the dialog.
        words: what would be deleted.
        label: of the button.
        job: deletes; its errors are shown in the dialog.
        warning: what else would follow, if anything.
        allowed: whether the button can be pressed.
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
