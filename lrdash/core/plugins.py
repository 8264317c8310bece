"""Entries of other packages: datasets, models and strategies from entry points.

A package names them in its metadata, in the group `lrdash.datasets`, `lrdash.models` or
`lrdash.strategies`: `name = "package.module:OBJECT"`, where `name` is the id of the object. They
are imported when a registry is first asked for a name that it does not have, or for all its names.
What cannot be imported is reported by name and never affects the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from threading import RLock
from typing import Any

Problem = Callable[[str, Any], str]  # why an object of this name is no entry; empty if it is one


class Plugins:
    """The entries of one group. Any thread may use it.

    Args:
        group: of entry points; without one there are none.

    Attributes:
        broken: why the others cannot be used, in a sentence each, by name; known after `entries`.
    """

    def __init__(self, group: str, problem: Problem) -> None:
        self._group, self._problem, self._lock = group, problem, RLock()
        self._found: dict[str, Any] | None = None
        self.broken: dict[str, str] = {}

    def entries(self, taken: Mapping[str, Any]) -> Mapping[str, Any]:
        """All that could be imported, by name.

        Args:
            taken: names that are not free, by what they stand for.
        """
        with self._lock:
            if self._found is None:
                self._found = {}  # a plugin that asks for entries while it is imported sees none
                found: dict[str, Any] = {}
                for point in _points(self._group):
                    fault = self._load(point, {**taken, **found}, found)
                    if fault:
                        self.broken[point.name] = fault
                self._found = found
            return self._found

    def forget(self) -> None:
        """Look again when asked next: packages have come or gone."""
        with self._lock:
            self._found, self.broken = None, {}

    def _load(self, point: EntryPoint, taken: Mapping[str, Any], found: dict[str, Any]) -> str:
        """Take one in; gives what is wrong with it."""
        package = point.dist.name if point.dist else point.module
        whole = f"{point.name!r} of the package {package} ({self._group})"
        if point.name in taken:
            return f"{whole} is passed over: the name is taken."
        try:
            entry = point.load()
            problem = self._problem(point.name, entry)
        except KeyboardInterrupt:
            raise
        except BaseException as fault:  # a foreign module may even end the process
            return f"{whole} cannot be imported: {type(fault).__name__}: {fault}."
        if problem:
            return f"{whole} is passed over: it {problem}."
        found[point.name] = entry
        return ""


def _points(group: str) -> Iterator[EntryPoint]:
    if group:
        yield from sorted(entry_points(group=group), key=lambda point: point.name)


def no_problem(_name: str, _entry: Any) -> str:
    """Takes every object."""
    return ""
