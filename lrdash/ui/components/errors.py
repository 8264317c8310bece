"""The error boundary: what lrdash explains becomes a message where it happens, never a traceback.

Each page, fragment and form has one around it. A message can hold text of a user, so it is shown
letter by letter.
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from lrdash.core.errors import LrdashError
from lrdash.core.wording import escaped

ICON = ":material/error:"


class error_boundary:  # noqa: N801 (reads like a function, as contextlib.suppress does)
    """Shows an `LrdashError` of its block at this place; what follows the block runs as usual."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, LrdashError):
            show_error(error)
        return isinstance(error, LrdashError)


def show_error(error: LrdashError | str) -> None:
    """Show the message of an error."""
    st.error(escaped(str(error)), icon=ICON)


def attempt(job: Callable[..., object], *arguments: object, **named: object) -> None:
    """Do what a button's callback does, which runs outside every boundary: an `LrdashError` becomes
    a message that stays until it is closed.
    """
    try:
        job(*arguments, **named)
    except LrdashError as error:
        st.toast(escaped(str(error)), icon=ICON, duration="infinite")
