"""A named collection that answers mistakes with the nearest name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from lrdash.errors import LrdashError, UnknownName

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Entries by id, in the order in which they were added (the order in which they are shown).

    Args:
        kind: what an entry is, for messages: `strategy`, `dataset`, `model`.
        find: gives entries that are kept elsewhere by their name, None for a name that is not of
            that sort. They can be asked for, but are neither listed nor counted.
    """

    def __init__(self, kind: str, find: Callable[[str], T | None] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._find = find

    def add(self, name: str, entry: T) -> T:
        """Register an entry under a new name; a name that is taken is a programming error."""
        if name in self._entries:
            raise KeyError(f"{self.kind} {name!r} is registered twice")
        self._entries[name] = entry
        return entry

    def __getitem__(self, name: str) -> T:
        """The entry of this name; raises UnknownName with the nearest name otherwise."""
        try:
            return self._entries[name]
        except (KeyError, TypeError):
            found = self._elsewhere(name)
        if found is None:
            raise UnknownName(self.kind, name, self._entries)
        return found

    def _elsewhere(self, name: object) -> T | None:
        return self._find(name) if self._find is not None and isinstance(name, str) else None

    def __contains__(self, name: object) -> bool:
        try:
            return name in self._entries or self._elsewhere(name) is not None
        except LrdashError:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
