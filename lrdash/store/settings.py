"""Where lrdash keeps what it remembers: the folder and the database, from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL

from lrdash.errors import StoreError

DATABASE_FILE = "lrdash.db"


def home() -> Path:
    """The folder of database, checkpoints and logs, absolute; made if it is missing.

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


def database_url() -> str:
    """The database as an SQLAlchemy URL.

    The environment variable `LRDASH_DATABASE_URL` names it; the default is a SQLite file in
    `home()`.

    Raises:
        StoreError: if the folder of the default cannot be made.
    """
    given = os.environ.get("LRDASH_DATABASE_URL", "").strip()
    return given or sqlite_url(home() / DATABASE_FILE)


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file, any character in its name included."""
    return URL.create("sqlite", database=str(path.absolute())).render_as_string(False)


def _cause(fault: Exception) -> str:
    if isinstance(fault, FileExistsError):
        return "it is a file"
    return (getattr(fault, "strerror", None) or str(fault)).rstrip(".").lower()
