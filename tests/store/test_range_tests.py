"""Range tests in the store: their losses, their sweeps, and when a worker has to stop."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from lrdash.core.errors import InvalidField, NotFound
from lrdash.store import Store

RATES = np.geomspace(1e-3, 1, 4).astype(np.float32)


def range_test(store: Store) -> str:
    return store.range_tests.create('{"base":1}', RATES, seeds=2)


def test_a_test_goes_from_queued_to_finished_and_keeps_its_losses(store: Store) -> None:
    tests, made = store.range_tests, range_test(store)
    row = tests.one(made)
    assert (row.status, row.active, row.update, row.updates, row.seconds) == (
        "queued", True, 0, 4, 0.0
    )
    assert np.isnan(row.losses).all()
    assert row.losses.shape == (2, 4)
    np.testing.assert_array_equal(row.rates, RATES)
    tests.claim(made, "w")
    losses = np.array([[1, 2, np.inf, np.nan], [3, 4, 5, np.nan]], np.float32)
    tests.note(made, 3, losses, "w")
    tests.note(made, 4, losses * 2, "other")  # whose test it is not
    tests.end(made, "finished")
    tests.note(made, 4, losses * 2, "w")  # nor is it this one's any more
    row = tests.one(made)
    assert (row.status, row.reason, row.update, row.active) == ("finished", "", 3, False)
    np.testing.assert_array_equal(row.losses, losses)
    assert row.seconds >= 0
    assert row.version > 1


def test_a_worker_has_to_stop_a_test_on_request_or_when_it_is_no_longer_its_own(
    store: Store,
) -> None:
    tests, waiting, made = store.range_tests, range_test(store), range_test(store)
    tests.claim(made, "w")
    assert not tests.has_to_stop(made, "w")
    assert tests.has_to_stop(made, "other")
    assert tests.has_to_stop("gone", "w")
    for range_test_id in (waiting, made):
        tests.request_stop(range_test_id)
    assert tests.has_to_stop(made, "w")
    assert tests.stop_asked(made)
    assert not tests.stop_asked(waiting)


def test_tests_are_listed_newest_first(store: Store) -> None:
    one, two = range_test(store), range_test(store)
    assert [row.range_test_id for row in store.range_tests.listing()] == [two, one]
    assert len(store.range_tests.listing(limit=1)) == 1


def test_a_test_without_a_sweep_and_wrong_values_are_refused(store: Store) -> None:
    tests, made = store.range_tests, range_test(store)
    tests.held_against(made, None)
    with pytest.raises(NotFound):
        tests.held_against("nowhere", None)
    with pytest.raises(InvalidField, match="definition must be a JSON object"):
        tests.create("[1]", RATES, seeds=1)


def test_a_sweep_that_is_deleted_is_forgotten_by_its_test(store: Store, home: Path) -> None:
    made = range_test(store)
    sweep = store.experiments.create("{}", [], groups=[])
    store.range_tests.held_against(made, sweep)
    assert store.range_tests.one(made).experiment_id == sweep
    store.experiments.delete(sweep)
    assert store.range_tests.one(made).experiment_id is None
    store.close()
    with sqlite3.connect(home / "lrdash.db") as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    connection.close()
