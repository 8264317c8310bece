"""What goes wrong in a caller's own functions, in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lrdash.core.errors import CallFailed, LrdashError
from lrdash.training.failures import cause

TOLD = 300  # characters of what went wrong in a caller's function


@contextmanager
def explained(field: str, problem: str) -> Iterator[None]:
    """Tell faults as those of a field.

    Raises:
        CallFailed: for whatever is raised inside.
    """
    try:
        yield
    except LrdashError:
        raise
    except Exception as fault:
        raise CallFailed(field, problem, cause(fault)[:TOLD]) from fault
