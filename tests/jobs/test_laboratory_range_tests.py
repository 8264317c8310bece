"""Range tests in real worker processes: made, stopped, failed, and ended when a worker dies."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrdash.core.spec import RunSpec
from lrdash.jobs.laboratory import Laboratory
from lrdash.planning.range_test import RangeTestSpec, make
from lrdash.store import RangeTestRow, Store
from tests.factories.jobs import eventually


def queue(store: Store, **fields: Any) -> str:
    base = RunSpec(**{"dataset": "wine", "model": "linear", **fields})
    spec = make(RangeTestSpec(base=base, updates=60, seeds=(0, 1))).spec
    return store.range_tests.create(spec.to_json(), spec.rates, seeds=2)


def ended(store: Store, made: str) -> RangeTestRow:
    return eventually(
        lambda: not store.range_tests.one(made).active and store.range_tests.one(made)
    )


def long_one(store: Store) -> str:
    """A test that takes minutes: whole images through a residual network."""
    base = RunSpec(dataset="digits", model="resnet")
    spec = make(RangeTestSpec(base=base, updates=5000, seeds=tuple(range(8)))).spec
    return store.range_tests.create(spec.to_json(), spec.rates, seeds=8)


def test_a_worker_makes_tests_stops_on_request_and_leaves_none_running(store: Store) -> None:
    laboratory = Laboratory(store)
    laboratory.start()
    try:
        made, broken = queue(store), store.range_tests.create("{}", [0.1, 1.0], seeds=1)
        laboratory.wake()
        row = ended(store, made)
        assert (row.status, row.reason, row.update) == ("finished", "", 60)
        assert np.isfinite(row.losses[:, :20]).all()
        assert ended(store, broken).status == "failed"
        assert "base must be given" in store.range_tests.one(broken).reason
        stopped = long_one(store)
        laboratory.wake()
        eventually(lambda: store.range_tests.one(stopped).status == "running")
        assert [worker.range_test_id for worker in laboratory.status()] == [stopped]
        assert [worker.state for worker in laboratory.status()] == ["training"]
        store.range_tests.request_stop(stopped)
        assert ended(store, stopped).status == "stopped"
        again = long_one(store)
        laboratory.wake()
        eventually(lambda: store.range_tests.one(again).status == "running")
    finally:
        laboratory.close()
    row = store.range_tests.one(again)
    assert (row.status, row.reason) == ("interrupted", "the server was shut down")


def test_tests_fail_with_the_reason_when_no_worker_can_be_started(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setattr("lrdash.jobs.laboratory.process.sys.executable", "/bin/false")
    monkeypatch.setattr("lrdash.jobs.laboratory.supervisor.EARLY_DEATHS", 1)
    made = queue(store)
    laboratory = Laboratory(store)
    laboratory.start()
    try:
        assert "no training process can be started" in ended(store, made).reason
    finally:
        laboratory.close()
