"""Pages show the store of the test, and never a traceback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lrdash.store import Store
from lrdash.ui import resources
from tests.factories.pages import serve


@pytest.fixture
def store(store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    return serve(store, monkeypatch)


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A test that serves no store of its own finds none that another has opened."""
    monkeypatch.delitem(sys.modules, "_lrdash_process", raising=False)
    yield
    resources.close()


@pytest.fixture(autouse=True)
def no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever a test draws a page, first or again, no exception may be left on it."""
    run = AppTest._run

    def checked(self: AppTest, *args: Any, **options: Any) -> AppTest:
        drawn = run(self, *args, **options)
        assert not drawn.exception
        return drawn

    monkeypatch.setattr(AppTest, "_run", checked)
