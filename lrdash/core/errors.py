"""The exceptions of lrdash. Every message is fit to be shown to a user.

    LrdashError
    ├── InvalidField        a value that is not allowed: names field, value given, values allowed
    │   └── CallFailed      a function of the caller that failed: names field and cause
    ├── UnknownName         a name that no registry holds: offers the nearest one
    ├── DatasetUnavailable  a dataset that could not be fetched: says what failed and the way out
    ├── DataRefused         a file that cannot become a dataset: names file, line or column
    ├── StoreError          the database: read-only, full, locked, of a newer version
    ├── NotFound            no run, experiment, range test or hindsight has this id
    ├── BrokenPlugin        an entry of another package that cannot be used: says which and why
    ├── NotHere             a run whose model and data only a script has: says what to do
    └── EngineUnavailable   the chosen engine cannot train this spec: says why and what can
"""

from __future__ import annotations

import copyreg
import difflib
from collections.abc import Iterable
from typing import Any


class LrdashError(Exception):
    """Base of all errors that lrdash explains to its users."""

    def __reduce__(self) -> tuple[Any, ...]:  # other processes get it without `__init__`
        return copyreg.__newobj__, (type(self), *self.args), vars(self)  # type: ignore[attr-defined]


class InvalidField(LrdashError):
    """A field holds a value that is not allowed.

    Args:
        field: dotted name as the user knows it, e.g. `cosine.alpha`.
        problem: what is allowed, as a phrase that follows the name, e.g. `must be between 0 and 1`.
        given: the value received; shown shortened.
    """

    def __init__(self, field: str, problem: str, given: object) -> None:
        self.field, self.problem, self.given = field, problem, given
        super().__init__(f"{field} {problem}, got {shorten(given)}.")


class CallFailed(InvalidField):
    """A function or an object of the caller failed when it was used.

    Args:
        field: what it was passed as.
        problem: what it has to do, as a phrase that follows the name.
        given: what went wrong.
    """

    def __init__(self, field: str, problem: str, given: object) -> None:
        super().__init__(field, problem, given)
        self.args = (f"{field} {problem}. What went wrong: {given}",)


class UnknownName(LrdashError):
    """A name that is not registered.

    Args:
        kind: what the name should stand for, e.g. `strategy`.
        known: the names that exist, in the order to show them.
    """

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(known)
        near = nearest(name, self.known)
        offer = f" Did you mean {near!r}?" if near else ""
        listing = ", ".join(self.known) or "none"
        super().__init__(f"No {kind} named {shorten(name)}.{offer} Known: {listing}.")


class DatasetUnavailable(LrdashError):
    """A dataset could not be fetched; the message says why and what to do."""


class DataRefused(LrdashError):
    """A file of a user cannot become a dataset.

    Args:
        problem: what is wrong and where (line, column, member), without the full stop.
        remedy: what to do, a sentence.
    """

    def __init__(self, file: str, problem: str, remedy: str) -> None:
        self.file, self.problem, self.remedy = file, problem, remedy
        shown = problem if len(problem) <= 400 else f"{problem[:399]}…"  # names in it can be long
        super().__init__(f"{file}: {shown}. {remedy}")


class StoreError(LrdashError):
    """The database cannot be used as asked; the message says why and what to do."""


class Unavailable(StoreError):
    """The database does not answer at the moment; trying again later may help."""


class NotFound(LrdashError):
    """The store holds nothing with the id that was asked for.

    Args:
        kind: what was asked for, e.g. `run`.
        near: an id that was probably meant.
    """

    def __init__(self, kind: str, item_id: str, near: str | None = None) -> None:
        self.kind, self.item_id, self.near = kind, item_id, near
        hint = f"Did you mean {near!r}?" if near else "It may have been deleted."
        super().__init__(f"There is no {kind} {shorten(item_id)}. {hint}")


class BrokenPlugin(LrdashError):
    """A dataset, model or strategy of another package cannot be used; says which and why."""


class NotHere(LrdashError):
    """A run cannot be trained here, since its model and data are external."""


class EngineUnavailable(LrdashError):
    """The chosen engine cannot train this spec."""


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, if there is one."""
    return next(iter(difflib.get_close_matches(str(name), list(known), n=1, cutoff=0.5)), None)


def shorten(value: object, limit: int = 80) -> str:
    """The value as a user would type it, cut to `limit` characters."""
    try:
        text = repr(value) if not isinstance(value, float) else f"{value:g}"
    except ValueError:  # Python writes no whole number of more than some thousand digits
        return "a number too long to be shown"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
