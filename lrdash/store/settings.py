"""Which database the store opens, from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import URL

from lrdash.core.home import home

__all__ = ["DATABASE_FILE", "database_url", "home", "sqlite_url"]

DATABASE_FILE = "lrdash.db"


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
