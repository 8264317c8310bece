"""Files that are on the disk as a whole or not at all."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from pathlib import Path

UPLOAD_MB = 20  # of one upload; `maxUploadSize` in `.streamlit/config.toml` is the same


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside its place, sync and rename it: the name exists only with all its content.

    Raises:
        OSError: if it cannot be written; what was there is untouched.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def sync(path: Path) -> None:
    """Have a file and its name on the disk, whatever happens to the machine then."""
    _sync(path)
    _sync(path.parent)


def _sync(path: Path) -> None:
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
