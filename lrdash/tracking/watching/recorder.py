"""From a loop to the store, without the loop ever waiting for it."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from lrdash.core.errors import LrdashError
from lrdash.core.events import Event, RunEnded, RunStarted, Status
from lrdash.core.spec import Facts, RunSpec
from lrdash.store import Store
from lrdash.store.heartbeats import HEARTBEAT
from lrdash.tracking.watching.spool import Unsaved, keep

INTERVAL = 0.25  # seconds between two writes
GATHERING = 0.05  # seconds before one, so that the events of an epoch's end are written together
BUSY = 2.0  # seconds that one write waits for other programs' locks
PATIENCE = 5.0  # seconds for the last writes, once training is over

log = logging.getLogger("lrdash.tracking.watching")
_lost: set[tuple[str, ...]] = set()  # stores that took nothing within the patience


class StoreWarning(UserWarning):
    """A run could not be recorded; the training continues."""


class Watcher:
    """One watched run: events go in, a thread of its own writes them.

    Only `close` waits for the store, and no fault of it leaves a method. While the store refuses,
    there is one warning, and everything is kept in memory and tried again; what is not written when
    training is over goes to a file, which `lrdash import` reads. A store that took nothing within
    the patience is not waited for again before it takes something.

    Args:
        spec: what is known at the start.
        name: shown to users.
        tags: to find it by.
        engine: what trains it, as it is shown.
        versions: library name to version.
        gone: asked once a second whether the loop ended without notice; then the run ends with the
            status and reason that it gives.
    """

    def __init__(
        self,
        spec: RunSpec,
        *,
        name: str = "",
        tags: Sequence[str] = (),
        engine: str,
        versions: dict[str, str] | None = None,
        gone: Callable[[], tuple[Status, str] | None] = lambda: None,
    ) -> None:
        self.run_id: str | None = None  # once the store has taken it
        self._spec, self._name, self._tags, self._engine = spec, name, tuple(tags), engine
        self._versions, self._gone = dict(versions or {}), gone
        self._where = tuple(
            os.environ.get(name, "") for name in ("LRDASH_HOME", "LRDASH_DATABASE_URL"))
        self._id = f"script-{uuid.uuid4().hex[:12]}"
        self._store: Store | None = None
        self._events: list[Event] = []
        self._written = 0
        self._known: RunSpec | None = None  # the spec that the store has
        self._ended = self._warned = self._registered = False
        self._last: Exception | None = None
        self._changed = threading.Condition()
        self._beaten = self._began = monotonic()
        self._over = 0.0  # when the run ended
        self._thread = threading.Thread(target=self._run, name="lrdash-watcher", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    @property
    def seconds(self) -> float:
        """Since it began."""
        return monotonic() - self._began

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return self._ended

    def send(self, event: Event) -> None:
        """Take an event."""
        with self._changed:
            if not self._ended:
                self._events.append(event)
                self._changed.notify()

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of model and data so far, by the fields of `Facts`."""
        return (self._spec.facts or Facts()).as_dict()

    def amend(self, facts: Mapping[str, Any], **changes: Any) -> None:
        """Take what is known now: fields of `Facts`, and of the spec."""
        spec = self._spec.replace(facts={**self.facts, **facts}, **changes)
        with self._changed:
            if not self._ended and spec != self._spec:
                self._spec = spec
                self._changed.notify()

    def end(self, status: Status, reason: str = "") -> None:
        """End the run; the first end counts."""
        with self._changed:
            if self._ended:
                return
            self._events.append(RunEnded(status=status, reason=reason, seconds=self.seconds))
            self._ended, self._over = True, monotonic()
            self._changed.notify()

    def close(self) -> None:
        """Wait until everything is written, or a few seconds if the store refuses."""
        if not self._ended:
            status, reason = self._gone() or ("interrupted", "the program left it without an end")
            self.end(status, reason)
        self._thread.join()
        atexit.unregister(self.close)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._changed.wait_for(self._waiting, timeout=HEARTBEAT):
                    self._changed.wait_for(lambda: self._ended, timeout=GATHERING)
            refused = False
            try:
                self._write()
                _lost.discard(self._where)
                done = self._ended and not self._waiting()
            except Exception as fault:  # training comes first
                self._warn(fault)
                refused = True
                hopeless = self._where in _lost
                done = self._ended and (hopeless or monotonic() - self._over > PATIENCE)
            with self._changed:
                self._changed.notify_all()  # for tests that wait for a write
            if done:
                self._part()
                return
            if self._ended and refused:
                self._retry()
            elif not self._ended:
                left = self._gone()
                if left is not None:
                    self.end(*left)
                with self._changed:
                    self._changed.wait_for(lambda: self._ended, timeout=INTERVAL)

    def _retry(self) -> None:
        """Wait a moment before the next attempt."""
        threading.Event().wait(INTERVAL)

    def _waiting(self) -> bool:
        return self._written < len(self._events) or self._known != self._spec

    def _write(self) -> None:
        """Write everything new to the store."""
        with self._changed:
            spec, batch = self._spec, self._events[self._written :]
        store = self._store = self._store or Store(busy_timeout=BUSY)
        if not self._registered:
            store.workers.register(self._id)
            self._registered = True
        facts = spec.facts or Facts()
        steps, parameters = facts.steps_per_epoch, facts.parameters
        updates = steps * spec.epochs
        if self.run_id is None:
            self.run_id = store.runs.create(
                spec, steps_per_epoch=steps, updates=updates, parameters=parameters,
                engine=self._engine, name=self._name, tags=self._tags, worker_id=self._id,
            )
        if self._known is None:
            store.runs.record([(self.run_id, RunStarted(
                engine=self._engine, parameters=parameters, steps_per_epoch=steps, updates=updates,
                versions=self._versions,
            ))])
        elif spec != self._known:
            store.runs.amend(self.run_id, spec)
        self._known = spec
        store.runs.record([(self.run_id, event) for event in batch], self._id)
        self._written += len(batch)
        if monotonic() - self._beaten >= HEARTBEAT:
            store.workers.beat(self._id)
            self._beaten = monotonic()

    def _part(self) -> None:
        """Close the store; save what it did not take to a file."""
        if self._waiting():
            _lost.add(self._where)
            unsaved = Unsaved(
                spec=self._spec, name=self._name, tags=self._tags, engine=self._engine,
                events=tuple(self._events),
            )
            message = f"{self._last} The run {self._name!r} is not on the dashboard in full. "
            report(message + keep(unsaved))
        if self._store is not None:
            try:
                self._store.workers.forget(self._id)
            except LrdashError:  # without heartbeats it counts as dead anyway
                log.info("the worker %s stays registered", self._id)
            self._store.close()

    def _warn(self, fault: Exception) -> None:
        self._last = fault
        if not self._warned:
            self._warned = True
            report(
                f"{fault} The training continues; lrdash keeps the events of {self._name!r} and "
                "tries again."
            )


def report(message: str) -> None:
    """Warn; only in the log where warnings are errors, since these must not end a training."""
    log.warning("%s", message)
    try:
        warnings.warn(message, StoreWarning, stacklevel=2)
    except StoreWarning:
        log.info("the warning was not shown: warnings are errors here")
