"""Errors of a database in a user's words, with what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy import exc

from lrdash.core.errors import StoreError, Unavailable

# A new connection is set up through the driver, whose faults are not wrapped.
FAULTS = (exc.SQLAlchemyError, sqlite3.Error)

# SQLite's result codes (https://www.sqlite.org/rescode.html); extended codes begin like their
# primary code.
_SQLITE = (
    ("SQLITE_FULL", "has no room left: the disk of {folder} is full. Free some space there: delete "
     "runs that you no longer need, or old checkpoints and logs. Runs resume from the last state "
     "that was saved."),
    ("SQLITE_READONLY", "is read-only. Make the file and its folder {folder} writable, or choose "
     "another LRDASH_HOME."),
    ("SQLITE_CANTOPEN", "cannot be opened. Check that it is a file in a folder that exists and is "
     "writable, or choose another LRDASH_HOME."),
    ("SQLITE_PERM", "may not be opened by this user. Fix its permissions, or choose another "
     "LRDASH_HOME."),
    ("SQLITE_BUSY", "is locked by another process. Close the program that holds it and try "
     "again."),
    ("SQLITE_LOCKED", "is locked by another process. Close the program that holds it and try "
     "again."),
    ("SQLITE_NOTADB", "is not a database. Move the file away, or choose another LRDASH_HOME."),
    ("SQLITE_CORRUPT", "is damaged. Put a backup in its place (`lrdash runs restore FILE`), or "
     "move the file away to begin with an empty database."),
    ("SQLITE_IOERR", "cannot be read or written: the disk of {folder} reports an error. Check the "
     "disk, its free space and quota, or choose another LRDASH_HOME."),
)


# PostgreSQL's lock timeout, deadlock and failed serialisation
# (https://www.postgresql.org/docs/current/errcodes-appendix.html).
_LOCKED = ("55P03", "40P01", "40001")


def explain(fault: Exception, name: str, folder: str = "") -> StoreError:
    """The error to show for a fault of the database.

    Args:
        fault: as SQLAlchemy or the driver raised it.
        name: the database as users know it, e.g. `The database /home/ada/.lrdash/lrdash.db`.
        folder: where a SQLite file lies.
    """
    if isinstance(fault, exc.TimeoutError):
        return StoreError(f"{name} is busy: no connection became free. Try again in a moment.")
    orig = getattr(fault, "orig", None) or fault
    code = _sqlite_code(fault)
    for known, story in _SQLITE:
        if code.startswith(known):
            return StoreError(f"{name} {story.replace('{folder}', folder or 'the database')}")
    if getattr(orig, "sqlstate", None) in _LOCKED:
        return Unavailable(
            f"{name} is locked by another program: {_first_line(orig)}. Try again in a moment, or "
            "end the program that holds the lock."
        )
    server = not isinstance(orig, sqlite3.Error)
    if server and isinstance(fault, exc.OperationalError | exc.InterfaceError):
        return Unavailable(
            f"{name} cannot be reached: {_first_line(orig)}. "
            "Check that its server runs and that LRDASH_DATABASE_URL is right."
        )
    return StoreError(f"{name} reported an error: {_first_line(orig)}.")


def is_locked(fault: Exception) -> bool:
    """Whether another process holds the SQLite database."""
    return _sqlite_code(fault).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _sqlite_code(fault: Exception) -> str:
    return str(getattr(getattr(fault, "orig", None) or fault, "sqlite_errorname", ""))


def _first_line(fault: BaseException) -> str:
    lines = str(fault).strip().splitlines()
    return lines[0].rstrip(". ") if lines else "no reason given"
