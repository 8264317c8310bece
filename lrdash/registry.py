"""A named collection that answers mistakes with the nearest name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar

from lrdash.errors import UnknownName

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """Entries by id, in the order in which they were added (the order in which they are shown).

    Args:
        kind: what an entry is, for messages: `strategy`, `dataset`, `model`.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

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
            raise UnknownName(self.kind, name, self._entries) from None

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)
