"""What the environment sets: the folder in which lrdash keeps what it remembers, and numbers."""

from __future__ import annotations

import math
import os
from pathlib import Path

from lrdash.core.errors import InvalidField, StoreError


def home() -> Path:
    """The folder of database, checkpoints, own data and logs, absolute; made if it is missing, for
    the eyes of its user only.

    The environment variable `LRDASH_HOME` names it; the default is `~/.lrdash`.

    Raises:
        StoreError: if the folder cannot be made.
    """
    given = os.environ.get("LRDASH_HOME", "").strip() or "~/.lrdash"
    try:
        folder = Path(given).expanduser().absolute()
        folder.mkdir(0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as fault:
        raise StoreError(
            f"The folder {given} cannot be used as LRDASH_HOME: {_cause(fault)}. "
            "Set LRDASH_HOME to a folder that you may write to."
        ) from fault
    return folder


def number_from(name: str, default: float, *, least: float) -> float:
    """The number in an environment variable, or the default where it is not set.

    Raises:
        InvalidField: if it is not a number of at least `least`.
    """
    given = os.environ.get(name, "").strip()
    if not given:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not least <= value < math.inf:
        raise InvalidField(name, f"must be a number of at least {least:g}", given)
    return value


def _cause(fault: Exception) -> str:
    if isinstance(fault, FileExistsError):
        return "it is a file"
    return (getattr(fault, "strerror", None) or str(fault)).rstrip(".").lower()
