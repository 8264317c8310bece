"""A named collection that answers mistakes with the nearest name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TypeVar

from lrdash.core.errors import BrokenPlugin, LrdashError, UnknownName
from lrdash.core.plugins import Plugins, Problem, no_problem

T = TypeVar("T")


def defined_in(module: str, kind: type[T]) -> type[T]:
    """The class made from `kind` that a module defines."""
    found = vars(import_module(module)).values()
    return next(
        entry for entry in found
        if isinstance(entry, type) and issubclass(entry, kind) and entry.__module__ == module
    )


class Registry(Mapping[str, T]):
    """Entries by id, in the order in which they were added (the order in which they are shown),
    those of other packages behind them.

    Args:
        kind: what an entry is, for messages: `strategy`, `dataset`, `model`.
        group: of entry points, through which other packages bring entries.
        problem: why an object of theirs is no entry, as a phrase.
        find: returns entries that are stored in another place, by name; None for other names.
            They can be asked for, but are neither listed nor counted.
    """

    def __init__(
        self, kind: str, *, group: str = "", problem: Problem = no_problem,
        find: Callable[[str], T | None] | None = None,
    ) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self.plugins = Plugins(group, problem)
        self._find = find

    def add(self, name: str, entry: T) -> T:
        """Register an entry under a new name; a name that is taken is a programming error."""
        if name in self._entries:
            raise KeyError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    @property
    def broken(self) -> Mapping[str, str]:
        """Entries of other packages that cannot be used, by name: why, in one sentence each."""
        self._all()
        return self.plugins.broken

    def __getitem__(self, name: str) -> T:
        """The entry of this name.

        Raises:
            UnknownName: if there is none; offers the nearest.
            BrokenPlugin: if it comes from another package and cannot be used.
        """
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            found = self._stored(name)
        if found is not None:
            return found
        known = self._all()
        try:
            return known[name]
        except (KeyError, TypeError):
            reason = self.plugins.broken.get(name) if isinstance(name, str) else None
        if reason:
            raise BrokenPlugin(f"The {self.kind} {reason}")
        raise UnknownName(self.kind, name, known)

    def _stored(self, name: object) -> T | None:
        return self._find(name) if self._find is not None and isinstance(name, str) else None

    def __contains__(self, name: object) -> bool:
        try:
            own = name in self._entries or self._stored(name) is not None
        except LrdashError:
            return False
        return own or name in self._all()

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def _all(self) -> dict[str, T]:
        return {**self._entries, **self.plugins.entries(self._entries)}
