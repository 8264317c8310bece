"""Writing files where the user wants them."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from lrdash.core.errors import InvalidField


def write_bytes(path: str | PathLike[str], data: bytes, field: str = "path") -> Path:
    """Write a file as a whole.

    Args:
        path: of the file; its folder must exist.
        data: what it holds.
        field: the name of the setting that holds the path, for messages.

    Returns:
        The path.

    Raises:
        InvalidField: if it cannot be written; says why.
    """
    target = Path(path)
    try:
        target.write_bytes(data)
    except OSError as fault:
        problem = f"must be a file that can be written ({fault.strerror})"
        raise InvalidField(field, problem, str(path)) from None
    return target
