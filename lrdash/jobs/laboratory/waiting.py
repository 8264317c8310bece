"""What waits in the queue and can be trained by this server.

Several servers may share a database, each with a home folder of its own. A run of data that only
another server has is left for that one, and nothing behind it has to wait.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from lrdash.core.errors import LrdashError
from lrdash.core.spec import RunSpec
from lrdash.planning.external import missing
from lrdash.planning.range_test import RangeTestSpec
from lrdash.store import Store


class Waiting:
    """The queue as one server sees it; for one thread.

    Args:
        store: where the queue is.
        ahead: how many entries may be trained already and still be found queued.
    """

    def __init__(self, store: Store, ahead: int) -> None:
        self._store, self._ahead = store, ahead
        self._left: set[str] = set()  # first runs of groups, and tests, that lack something here

    def look_again(self) -> None:
        """Check again what was left for other servers: its data may have been added."""
        self._left.clear()

    def groups(self, taken: Collection[str]) -> Iterator[list[str]]:
        """Groups of run ids, oldest first, without those of which a run is taken."""
        for group in self._store.runs.queued_groups(limit=self._ahead + len(self._left)):
            specs = (row.spec for row in self._store.runs.listing(run_ids=group))
            if not set(taken) & set(group) and self._here(group[0], specs):
                yield group

    def range_tests(self, taken: Collection[str | None]) -> Iterator[str]:
        """Ids of range tests, oldest first, without those taken."""
        for test in self._store.range_tests.queued(limit=self._ahead + len(self._left)):
            if test not in taken and self._here(test, self._measured(test)):
                yield test

    def _measured(self, test: str) -> Iterator[RunSpec]:
        with suppress(LrdashError):  # the worker reports what cannot be read
            row = self._store.range_tests.one(test)
            yield RangeTestSpec.from_json(row.definition).base

    def _here(self, name: str, specs: Iterable[RunSpec]) -> bool:
        if name not in self._left and any(map(missing, specs)):
            self._left.add(name)
        return name not in self._left
