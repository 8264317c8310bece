"""What a server leaves in the queue for another one that has its data."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrdash.core.spec import RunSpec
from lrdash.datasets import own
from lrdash.jobs.laboratory.waiting import Waiting
from lrdash.planning.external import missing
from lrdash.planning.plan import make
from lrdash.planning.range_test import RangeTestSpec
from lrdash.store import Store

TABLE = "a,b,label\n" + "".join(f"{n % 7},{n % 5},{'xy'[n % 2]}\n" for n in range(60))


@pytest.fixture
def data_id() -> str:
    return own.add(TABLE.encode(), "table.csv", own.Recipe(target="label")).id


def move_to(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From now on this process is a server with another home."""
    monkeypatch.setenv("LRDASH_HOME", str(folder))


def test_a_run_of_data_that_another_server_has_is_left_and_holds_up_nobody(
    store: Store, data_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.runs.add(make(RunSpec(dataset=data_id, model="linear", epochs=1)))
    second = store.runs.add(make(RunSpec(dataset="wine", model="linear", epochs=1)))
    waiting = Waiting(store, 1)
    assert list(waiting.groups(())) == [[first]]
    home = own.arrays_file(data_id).parents[2]
    move_to(monkeypatch, tmp_path / "other")
    assert missing(store.runs.one(first).spec)
    waiting = Waiting(store, 1)
    for _ in range(2):  # the first look finds what is left out, the next ones look behind it
        seen = list(waiting.groups(()))
    assert seen == [[second]]
    assert list(waiting.groups({second})) == []
    move_to(monkeypatch, home)
    assert list(waiting.groups(())) == [[second]]
    waiting.look_again()
    assert next(waiting.groups(())) == [first]


def test_range_tests_are_left_alike_and_what_cannot_be_read_is_not(
    store: Store, data_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for dataset in (data_id, "wine"):
        spec = RangeTestSpec(base=RunSpec(dataset=dataset, model="linear").as_dict())
        store.range_tests.create(spec.to_json(), spec.rates, seeds=len(spec.seeds))
    store.range_tests.create("{}", [0.1], seeds=1)
    assert len(list(Waiting(store, 3).range_tests(()))) == 3
    move_to(monkeypatch, tmp_path / "other")
    assert len(list(Waiting(store, 3).range_tests(()))) == 2
