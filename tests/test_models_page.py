"""The Models page: the table, its mistakes, what it saves, and the way to Train."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lrdash.errors import InvalidField
from lrdash.models.own_layers import OwnLayers
from lrdash.models.rows import as_text
from lrdash.store import architectures
from lrdash.ui import resources
from lrdash.ui.layer_editor import _take
from tests import own_files, shown
from tests.test_own_layers import IMAGE

PAGE = str(Path(__file__).parent.parent / "pages" / "models.py")


class Idle:
    """A laboratory that does nothing."""

    def wake(self) -> None:
        pass


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "laboratory", Idle)


page = partial(shown.page, "models")


def kept(test: AppTest) -> str:
    """What the address says; AppTest gives a list or a text."""
    return "".join(test.query_params["layers"])


def test_rows_from_the_address_come_with_shapes_and_weights() -> None:
    test = page(layers="conv2d size=4 activation=relu; max_pooling size=2; flatten")
    assert not test.exception
    assert [metric.value for metric in test.metric] == ["690"]  # 4*(9+1) + 64*10 + 10
    assert "keras.layers.Conv2D(4, 3" in test.code[0].value


def test_a_misplaced_row_is_told_and_nothing_is_lost() -> None:
    test = page(layers="dense size=8")
    assert "put Flatten" in test.error[0].value
    assert "row 1" in test.error[0].value
    assert not test.metric
    assert kept(test) == "dense size=8"


def test_an_address_that_cannot_be_read_begins_anew() -> None:
    test = page(layers="lstm size=8")
    assert not test.exception
    assert "row 1" in test.error[0].value
    assert test.metric


def test_edits_additions_and_deletions_make_the_new_text(monkeypatch: pytest.MonkeyPatch) -> None:
    import streamlit as st

    edits = {
        "edited_rows": {"1": {"size": 16}}, "deleted_rows": [0],
        "added_rows": [{"kind": "Dropout", "rate": 0.5}],
    }
    state: dict[str, Any] = {"key": edits}
    query: dict[str, str] = {}
    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(st, "query_params", query)
    _take("key", list(OwnLayers().layers))
    assert query["layers"] == (
        "dense size=16 activation=relu; dense size=32 activation=relu; dropout rate=0.5"
    )
    state["key"] = {"edited_rows": {}, "deleted_rows": [0, 1, 2], "added_rows": []}
    _take("key", list(OwnLayers().layers))
    assert "1 to 60 layers" in state["layers-fault"]


def test_rows_move() -> None:
    test = page(layers="flatten; dense size=8 activation=relu; dropout rate=0.1")
    test.number_input(key="moved-row").set_value(3).run()
    test.button(key="move-up").click().run()
    assert kept(test) == "flatten; dropout rate=0.1; dense size=8 activation=relu"


def test_architectures_are_saved_opened_and_deleted() -> None:
    test = page(layers="flatten; dense size=8 activation=relu")
    test.text_input(key="layers-name").set_value("small one")
    test.button[-1].click().run()
    assert architectures.saved() == {"small one": "flatten; dense size=8 activation=relu"}
    other = page()
    other.button(key="layers-open").click().run()
    assert kept(other) == "flatten; dense size=8 activation=relu"
    other.button(key="layers-delete").click().run()
    assert architectures.saved() == {}


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x" * 61])
def test_names_that_could_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(InvalidField, match="name must be"):
        architectures.save(name, "flatten")


def test_text_and_rows_are_the_same() -> None:
    model = OwnLayers(layers=tuple(IMAGE))  # type: ignore[arg-type]
    assert OwnLayers(layers=as_text(model.layers)).layers == model.layers  # type: ignore[arg-type]


def test_own_data_is_offered_no_two_labels_alike() -> None:
    (facts, dataset), _ = (
        own_files.keep(own_files.csv(rows), "fruit.csv", target="kind") for rows in (40, 50)
    )
    test = page(layers="dense size=8 activation=relu")
    box = test.selectbox(key="layers-dataset")
    assert f"{dataset.label} ({facts.id[4:8]})" in box.options
    box.set_value(facts.id).run()
    assert not test.exception
    weights = math.prod(dataset.input_shape) * 8 + 8 + 8 * dataset.num_classes + dataset.num_classes
    assert [metric.value for metric in test.metric] == [f"{weights:,}"]
