"""What runs take on the disk, in one line."""

from __future__ import annotations

import shutil

import streamlit as st

from lrdash.checkpoints import CheckpointFolder
from lrdash.store import home

MEGABYTE = 2**20
SCARCE = 500 * MEGABYTE  # free space below which it is time to act


def line() -> None:
    """How much checkpoints take of what they may, and what is left; a warning if that is little."""
    folder = CheckpointFolder(home())
    used = f"Checkpoints take {megabytes(folder.size())} of at most {megabytes(folder.limit)}"
    free = shutil.disk_usage(home()).free
    if free >= SCARCE:
        st.caption(f"{used}; then the runs untouched for longest lose theirs, which costs time, "
                   "not exactness.")
        return
    st.warning(
        f"The disk has only {megabytes(free)} left. {used}. Delete runs, or lower "
        "LRDASH_CHECKPOINTS_MB. When the disk is full, runs pause and lose nothing.",
        icon=":material/hard_drive:",
    )


def megabytes(size: int) -> str:
    """A size in bytes as people read it: `0.4 MB`, `2,048 MB`."""
    amount = size / MEGABYTE
    return f"{amount:,.0f} MB" if amount >= 10 or not size else f"{amount:.1f} MB"
