"""Pages show the store of the test."""

from __future__ import annotations

import pytest

from lrdash.store import Store
from tests.factories.pages import serve


@pytest.fixture
def store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    return serve(store, monkeypatch)
