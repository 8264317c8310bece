"""The table of layers keeps what is typed, its place, and the rows of the address."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import streamlit as st

from lrdash.models import rows
from lrdash.ui.models import table

FIRST = "flatten; dense size=8 activation=relu"


class Session:
    """What a browser and Streamlit keep between two runs of the page."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **address: str) -> None:
        self.state: dict[str, Any] = {}
        self.address = dict(address)
        self.back = False
        monkeypatch.setattr(st, "session_state", self.state)
        monkeypatch.setattr(st, "query_params", self.address)
        monkeypatch.setattr(
            table, "get_script_run_ctx",
            lambda: SimpleNamespace(is_history_navigation=self.back),
        )
        self.run()

    def run(self, *, back: bool = False) -> str:
        """One run of the page; gives its rows."""
        self.back = back
        found = rows.typed(table.current())
        self.state.setdefault(table._key(), {"edited_rows": {}})
        self.state[table.HERE] = "Dense"
        return found

    def leave(self) -> None:
        """Go to another page: what the widgets hold and the address are gone."""
        del self.state[table.HERE], self.state[self.key]
        self.address.clear()

    @property
    def key(self) -> str:
        return table._key()

    def type(self, row: int, **cells: Any) -> None:
        self.state[self.key]["edited_rows"].setdefault(row, {}).update(cells)


def test_an_edit_keeps_the_table_and_reaches_rows_and_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = Session(monkeypatch, layers=FIRST)
    key = session.key
    session.type(1, size=16)
    assert session.run() == "flatten; dense size=16 activation=relu" == session.address["layers"]
    session.type(1, size=0)
    assert session.run() == "flatten; dense size=0 activation=relu" == session.address["layers"]
    session.type(1, size=None)
    assert session.run() == "flatten; dense size= activation=relu"
    assert session.key == key


def test_another_kind_begins_with_what_fits_it(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, layers=FIRST)
    session.type(1, kind="Max pooling")
    assert session.run() == "flatten; max_pooling size=2"
    session.type(1, size=3)
    assert session.run() == "flatten; max_pooling size=3"


def test_an_address_that_comes_late_undoes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, layers=FIRST)
    session.type(1, size=16)
    session.run()
    session.type(1, size=32)
    session.address["layers"] = FIRST  # typed before the browser heard of the first edit
    assert session.run() == "flatten; dense size=32 activation=relu" == session.address["layers"]


def test_a_new_address_and_back_begin_a_new_table(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, layers=FIRST)
    key = session.key
    session.type(1, size=16)
    session.run()
    session.address["layers"] = FIRST
    assert session.run(back=True) == FIRST == session.address["layers"]
    assert session.key != key
    session.address["layers"] = "dropout rate=0.5"
    assert session.run() == "dropout rate=0.5"


def test_back_always_works(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, layers="dense")
    assert session.address["layers"] == "dense"  # not rewritten with all settings
    session = Session(monkeypatch)
    assert session.address == {}
    session.type(1, size=16)
    session.run()
    assert "size=16" in session.address["layers"]
    session.address.clear()
    assert "size=64" in session.run(back=True)
    assert session.address == {}


def test_rows_are_kept_while_another_page_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(monkeypatch, layers=FIRST)
    session.type(1, size=16)
    session.run()
    session.leave()
    assert session.run() == "flatten; dense size=16 activation=relu" == session.address["layers"]
    session.leave()
    session.address["layers"] = FIRST  # a link to rows that were here before
    assert session.run() == FIRST
