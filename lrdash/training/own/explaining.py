"""Faults in a caller's own functions, as messages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lrdash.core.errors import CallFailed, LrdashError
from lrdash.training.failures import cause

LIMIT = 300  # characters of the cause


@contextmanager
def explained(field: str, problem: str) -> Iterator[None]:
    """Report faults as those of a field.

    Raises:
        CallFailed: for whatever is raised inside.
    """
    try:
        yield
    except LrdashError:
        raise
    except Exception as fault:
        raise CallFailed(field, problem, cause(fault)[:LIMIT]) from fault
