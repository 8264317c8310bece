"""Architectures saved under a name: one small text file each in the folder `architectures`."""

from __future__ import annotations

import re
from pathlib import Path

from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.files import write_whole
from lrdash.store.settings import home

NAME = re.compile(r"[\w][\w .-]{0,59}")
MOST_TEXT = 20_000  # characters


def saved() -> dict[str, str]:
    """The texts by name, in the order of the alphabet; what cannot be read is left out."""
    found = {}
    for path in sorted(_folder().glob("*.txt")):
        try:
            found[path.stem] = path.read_text(encoding="utf-8")[:MOST_TEXT]
        except OSError:
            continue
    return found


def save(name: str, text: str) -> None:
    """Keep a text under a name, in place of what had this name.

    Raises:
        InvalidField: for a name that is not allowed.
        StoreError: if it cannot be written.
    """
    name = name.strip()
    if not NAME.fullmatch(name) or name.endswith("."):
        problem = "must be 1 to 60 letters, digits, spaces, points, hyphens or underscores"
        raise InvalidField("name", problem, name)
    folder = _folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / f"{name}.txt", text[:MOST_TEXT].encode())
    except OSError as fault:
        raise StoreError(f"{folder} cannot be written: {fault.strerror}.") from None


def forget(name: str) -> None:
    """Delete what has this name; nothing happens if nothing has."""
    if NAME.fullmatch(name):
        try:
            (_folder() / f"{name}.txt").unlink(missing_ok=True)
        except OSError as fault:
            raise StoreError(f"{name} cannot be deleted: {fault.strerror}.") from None


def _folder() -> Path:
    return home() / "architectures"
