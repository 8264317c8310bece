"""Runs that outlast their tests, and a laboratory that serves all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lrdash.jobs.laboratory import Laboratory
from lrdash.store import Store


@pytest.fixture(autouse=True, scope="module")
def endless_runs(endless: None) -> None:
    """Every worker that a test starts knows them."""


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("laboratory")
    opened = Store(f"sqlite:///{folder / 'lrdash.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def laboratory(
    shared_store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Laboratory]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LRDASH_HOME", str(tmp_path_factory.mktemp("home")))
        started = Laboratory(shared_store)
        started.start()
        started.start()  # harmless
        yield started
        started.close()
