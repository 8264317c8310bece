"""Events on their way to the store: order, faults, outages."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from lrdash.core.errors import StoreError, Unavailable
from lrdash.core.events import Event, Progress
from lrdash.jobs.outbox import Outbox, patiently


def test_an_outbox_delivers_everything_in_order() -> None:
    got: list[tuple[str, Event]] = []
    outbox = Outbox(got.extend)
    sent = [("a", Progress(update=update)) for update in range(500)]
    for run_id, event in sent:
        outbox(run_id, event)
    outbox.close()
    assert got == sent


def test_an_outbox_raises_what_a_write_raised() -> None:
    def full(_batch: Any) -> None:
        raise OSError("disk full")

    outbox = Outbox(full)
    outbox("a", Progress(update=1))
    with pytest.raises(OSError, match="disk full"):
        outbox.close()
    with pytest.raises(OSError, match="disk full"):
        outbox("a", Progress(update=2))


def test_an_outbox_keeps_events_through_an_outage_and_callers_wait_only_without_room() -> None:
    got: list[tuple[str, Event]] = []
    back, waited = threading.Event(), threading.Event()

    def unavailable_at_first(batch: Sequence[tuple[str, Event]]) -> None:
        if not back.is_set():
            raise Unavailable("no connection")
        got.extend(batch)

    sent = [("a", Progress(update=update)) for update in range(7)]
    outbox = Outbox(unavailable_at_first, interval=0.0, room=3)

    def train() -> None:
        for run_id, event in sent:
            outbox(run_id, event)
        waited.set()

    threading.Thread(target=train, daemon=True).start()
    assert not waited.wait(2.0)  # more than the pauses together: the first batch was not given up
    assert not got
    back.set()
    assert waited.wait(60)
    outbox.close()
    assert got == sent


def test_patience_lasts_longer_while_the_store_is_unavailable(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [0.0]
    monkeypatch.setattr("lrdash.jobs.outbox.monotonic", lambda: moment[0])

    def unavailable() -> None:
        moment[0] += 60.0
        raise Unavailable("no connection")

    with pytest.raises(Unavailable):
        patiently(unavailable, (0, 0))
    assert moment[0] == 300.0


def test_patience_tries_again_and_gives_up_in_the_end() -> None:
    tried: list[int] = []

    def busy() -> int:
        tried.append(1)
        if len(tried) < 3:
            raise StoreError("locked")
        return 7

    assert patiently(busy, (0, 0)) == 7
    tried.clear()
    with pytest.raises(StoreError, match="locked"):
        patiently(busy, (0,))
