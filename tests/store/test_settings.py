"""Where the store keeps its database."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url

from lrdash.store import Store, database_url, home
from lrdash.store.settings import sqlite_url
from tests.factories.database import queued


def test_home_is_made_and_named_by_the_environment(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "deep" / "below"))
    assert home() == tmp_path / "deep" / "below"
    assert home().is_dir()
    assert home().stat().st_mode & 0o777 == 0o700  # other users of the machine see nothing
    assert make_url(database_url()).database == str(tmp_path / "deep" / "below" / "lrdash.db")


def test_home_defaults_to_a_hidden_folder_of_the_user(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("LRDASH_HOME", " ")
    assert home() == tmp_path / ".lrdash"


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LRDASH_HOME", "here")
    assert home() == tmp_path / "here"


def test_the_environment_names_another_database(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("LRDASH_DATABASE_URL", f"sqlite:///{tmp_path}/other.db")
    Store().close()
    assert (tmp_path / "other.db").exists()


@pytest.mark.parametrize("folder", ["a b", "100%", "ü", "a?b=c#d", "x@y:z", "a%20b"])
def test_any_folder_name_survives_the_url(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    store = Store(sqlite_url(tmp_path / folder / "lrdash.db"))
    queued(store)
    store.close()
    assert (tmp_path / folder / "lrdash.db").exists()


def test_a_closed_store_opens_again_when_asked(store: Store) -> None:
    run_id = queued(store)
    store.close()
    store.close()
    assert store.runs.one(run_id).run_id == run_id
