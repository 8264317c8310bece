"""A mailbox that asks for its users' commands now and then, not at every end of an epoch."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Protocol

from lrdash.core.errors import StoreError
from lrdash.core.events import Command

POLL = 0.2  # seconds between two looks

log = logging.getLogger(__name__)


class Post(Protocol):
    """Where commands are kept, as `store.branches`."""

    def commands(self, run_ids: Iterable[str]) -> Mapping[str, Sequence[Command]]:
        """Commands by the run, oldest first."""


class Commands:
    """A `Mailbox` of some runs. For one thread.

    Args:
        post: where the commands are.
        run_ids: whose.
    """

    def __init__(self, post: Post, run_ids: Sequence[str]) -> None:
        self._post, self._run_ids = post, list(run_ids)
        self._due, self._found = 0.0, dict[str, Sequence[Command]]()

    def __call__(self, run_id: str) -> Sequence[Command]:
        """The commands of a run, those that it has heeded a moment ago perhaps included."""
        if monotonic() >= self._due:
            self._due = monotonic() + POLL
            try:
                self._found = dict(self._post.commands(self._run_ids))
            except StoreError as fault:  # busy for the moment; the next look may tell
                log.warning("cannot tell what is asked for: %s", fault)
        return self._found.get(run_id, ())
