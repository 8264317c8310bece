"""What a user sees while the store is under fire: words, never a traceback."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lrdash.checkpoints import CheckpointFolder
from lrdash.core.errors import StoreError
from lrdash.store import Store, home
from lrdash.store.settings import DATABASE_FILE
from lrdash.ui import resources
from tests.factories.pages import page, serve, words
from tests.factories.runs import checkpoint, trained

LOCKED = "is locked by another process. Close the program that holds it and try again."


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store that does not wait for locks."""
    opened = Store(busy_timeout=0.1)
    yield serve(opened, monkeypatch)
    opened.close()


@pytest.fixture
def hold(home: Path) -> Iterator[Callable[[], None]]:
    """Lets another program hold the database's lock until the test ends."""
    other = sqlite3.connect(home / DATABASE_FILE, isolation_level=None)
    yield lambda: other.execute("BEGIN IMMEDIATE") and None
    other.close()


def test_while_another_program_holds_the_lock_pages_are_read_and_writing_is_refused_in_words(
    store: Store, hold: Callable[[], None]
) -> None:
    run_id = trained(store, status="running")
    hold()
    running = page("train", run=run_id)
    running.button(key="stop").click().run()
    (toast,) = running.toast
    assert LOCKED in toast.value
    assert running.button(key="stop").label == "Pause"
    form = page("train")
    next(one for one in form.button if one.label == "Start training").click().run()
    assert LOCKED in words(form)
    assert "1 run training" in words(page("runs"))


@pytest.mark.parametrize("name", ["train", "compare", "find_lr", "runs"])
def test_a_home_that_cannot_be_used_is_explained_on_every_page(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Store:
        raise StoreError("The database /home/ada/lrdash.db is read-only. Make it writable.")

    monkeypatch.setattr(resources, "store", refuse)
    test = page(name)
    assert [error.value for error in test.error] == [
        "The database /home/ada/lrdash.db is read-only. Make it writable."
    ]


def test_the_runs_page_shows_what_checkpoints_take_and_warns_of_a_full_disk(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(store)
    CheckpointFolder(home()).save(run_id, checkpoint())
    monkeypatch.setenv("LRDASH_CHECKPOINTS_MB", "1500")
    assert "Checkpoints use 0.0 MB of at most 1,500 MB" in words(page("runs"))
    little = SimpleNamespace(free=12 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)
    (warning,) = page("runs").warning
    assert "The disk has only 12 MB left." in warning.value
