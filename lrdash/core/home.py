"""The folder in which lrdash keeps what it remembers."""

from __future__ import annotations

import os
from pathlib import Path

from lrdash.core.errors import StoreError


def home() -> Path:
    """The folder of database, checkpoints, own data and logs, absolute; made if it is missing.

    The environment variable `LRDASH_HOME` names it; the default is `~/.lrdash`.

    Raises:
        StoreError: if the folder cannot be made.
    """
    given = os.environ.get("LRDASH_HOME", "").strip() or "~/.lrdash"
    try:
        folder = Path(given).expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError) as fault:
        raise StoreError(
            f"The folder {given} cannot be used as LRDASH_HOME: {_cause(fault)}. "
            "Set LRDASH_HOME to a folder that you may write to."
        ) from fault
    return folder


def _cause(fault: Exception) -> str:
    if isinstance(fault, FileExistsError):
        return "it is a file"
    return (getattr(fault, "strerror", None) or str(fault)).rstrip(".").lower()
