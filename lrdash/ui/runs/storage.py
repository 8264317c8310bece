"""How much disk space checkpoints take, in one line."""

from __future__ import annotations

import shutil

import streamlit as st

from lrdash.checkpoints import CheckpointFolder
from lrdash.store import home

MEGABYTE = 2**20
SCARCE = 500 * MEGABYTE  # free space below this is a reason to act


def line() -> None:
    """Space taken by checkpoints, its limit, and a warning if the disk is nearly full."""
    checkpoints = CheckpointFolder(home())
    size, limit = megabytes(checkpoints.size()), megabytes(checkpoints.limit)
    used = f"Checkpoints use {size} of at most {limit}"
    free = shutil.disk_usage(home()).free
    if free >= SCARCE:
        st.caption(f"{used}. Above that, the runs unused for longest lose theirs and take longer "
                   "to resume, with the same result.")
        return
    st.warning(
        f"The disk has only {megabytes(free)} left. {used}. Delete runs, or lower "
        "LRDASH_CHECKPOINTS_MB. If the disk is full, runs pause; everything trained is kept.",
        icon=":material/hard_drive:",
    )


def megabytes(size: int) -> str:
    """A size in bytes for people: `0.4 MB`, `2,048 MB`."""
    amount = size / MEGABYTE
    return f"{amount:,.0f} MB" if amount >= 10 or not size else f"{amount:.1f} MB"
