"""What goes wrong in a caller's own functions, in words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from lrdash.errors import InvalidField, LrdashError

PAINTED = re.compile(r"\x1b\[[0-9;]*m")  # colours of a terminal
TOLD = 300  # characters of what went wrong in a caller's function


@contextmanager
def explained(field: str, problem: str) -> Iterator[None]:
    """Tell faults as those of a field.

    Raises:
        InvalidField: for whatever is raised inside.
    """
    try:
        yield
    except LrdashError:
        raise
    except Exception as fault:
        told = " ".join(PAINTED.sub("", f"{type(fault).__name__}: {fault}").split())
        raise InvalidField(field, f"{problem} ({told[:TOLD]})", field) from fault
