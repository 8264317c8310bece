"""A laboratory that trains what a test queues."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lrdash.jobs.laboratory import Laboratory
from lrdash.store import Store


@pytest.fixture
def laboratory(store: Store) -> Iterator[Laboratory]:
    started = Laboratory(store)
    started.start()
    yield started
    started.close()
