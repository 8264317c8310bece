"""A process that trains sends heartbeats, polls the store, and tidies checkpoints."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from lrdash.checkpoints import CheckpointFolder
from lrdash.core.errors import StoreError
from lrdash.jobs import presence
from lrdash.jobs.presence import Poll, Presence, tidy
from lrdash.store import Store, home
from tests.factories.runs import checkpoint, trained


class Poor:
    """A store that refuses a worker's first sign of life, and every question for a while."""

    def __init__(self, refusals: int = 1) -> None:
        self.workers = self.runs = self
        self._refusals, self.beats, self.seen = refusals, 0, threading.Event()

    def register(self, _worker_id: str) -> None:
        """It always works."""

    def beat(self, _worker_id: str) -> None:
        self.beats += 1
        if self.beats <= self._refusals:
            raise StoreError("The disk is full.")
        self.seen.set()

    def stop_requests(self, run_ids: Sequence[str], _worker_id: str | None) -> set[str]:
        self._refusals -= 1
        if self._refusals >= 0:
            raise StoreError("The disk is full.")
        return set(run_ids)


def test_heartbeats_continue_after_one_that_could_not_be_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(presence, "HEARTBEAT", 0.001)
    poor: Any = Poor()
    living = Presence(poor, "w1")
    living.begin()
    assert poor.seen.wait()
    living.end()
    assert caplog.messages == ["no heartbeat: The disk is full."]
    assert "lrdash-heartbeat" not in {thread.name for thread in threading.enumerate()}


def test_the_store_is_polled_now_and_then_and_keeps_its_answer_while_it_refuses(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(presence, "POLL", 1e9)
    poor: Any = Poor()
    ask = Poll("requests to stop", lambda: poor.stop_requests(["r1"], "w1"), set[str]())
    assert (ask(), ask()) == (set(), set())  # the second is too soon to ask again
    assert caplog.messages == ["no requests to stop: The disk is full."]
    monkeypatch.setattr(presence, "POLL", 0.0)
    ask = Poll("requests to stop", lambda: poor.stop_requests(["r1"], "w1"), set[str]())
    assert (ask(), ask()) == ({"r1"}, {"r1"})


def test_tidying_removes_what_belongs_to_no_run_and_what_is_too_much(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run_id = CheckpointFolder(home()), trained(store)
    active = trained(store, status="running", seed=1)
    for owner in (run_id, active, "nobody"):
        for epoch in (1, 2, 3):
            folder.save(owner, checkpoint(epoch))
    tidy(store)
    assert folder.runs() == sorted([run_id, active])
    shrunk: list[Any] = []
    monkeypatch.setattr(CheckpointFolder, "shrink", lambda _self, spare: shrunk.extend(spare))
    tidy(store)
    assert shrunk == [active]
