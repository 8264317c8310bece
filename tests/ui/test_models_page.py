"""The Models page: the table, its mistakes, what it saves, and the way to Train."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lrdash.core.errors import InvalidField
from lrdash.datasets import own
from lrdash.models.own_layers import DEEPEST, OwnLayers
from lrdash.models.rows import as_text
from lrdash.store import architectures
from lrdash.ui import resources
from tests import ROOT
from tests.factories import files as own_files
from tests.factories import pages as shown
from tests.factories.pages import keys
from tests.factories.settings import IMAGE

PAGE = str(ROOT / "pages" / "models.py")


class Idle:
    """A laboratory that does nothing."""

    def wake(self) -> None:
        pass


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "laboratory", Idle)


page = partial(shown.page, "models")


def address(test: AppTest) -> str:
    """What the address says; AppTest gives a list or a text."""
    return "".join(test.query_params["layers"])


def test_rows_from_the_address_come_with_shapes_and_weights() -> None:
    test = page(layers="conv2d size=4 activation=relu; max_pooling size=2; flatten")
    assert [metric.value for metric in test.metric] == ["690"]  # 4*(9+1) + 64*10 + 10
    assert "keras.layers.Conv2D(4, 3" in test.code[0].value


def table(test: AppTest) -> pd.DataFrame:
    return test.dataframe[0].value


def test_a_misplaced_row_is_explained_in_full_below_the_table_and_nothing_is_lost() -> None:
    test = page(layers="dense size=8; flatten")
    assert "**Row 1, Dense.**" in test.error[0].value
    assert "put Flatten or global average pooling above it" in test.error[0].value
    assert table(test)["shape"].tolist() == ["", ""]
    assert "put Flatten" in table(test)["note"][0]
    assert not test.metric
    assert not {"layers-to-train", "layers-to-compare"} & keys(test)
    assert address(test) == "dense size=8; flatten"


def test_values_out_of_range_stay_and_are_reported_at_their_row() -> None:
    test = page(layers="flatten; dense size=1000000000; dropout rate=1.5; dense size=0")
    shown = table(test)
    assert shown["size"].tolist()[1::2] == [1e9, 0]
    assert shown["rate"][2] == 1.5
    assert shown["note"].tolist() == [
        "", "Size must be between 1 and 4,096, got 1,000,000,000.",
        "Dropout must be at least 0 and below 1, got 1.5.",
        "Size must be between 1 and 4,096, got 0.",
    ]
    for number in (2, 3, 4):
        assert f"Row {number}" in test.error[0].value
    assert not test.metric


def test_an_address_that_cannot_be_read_gives_the_default_and_says_so() -> None:
    test = page(layers="lstm size=8")
    assert "Layer must be one of" in test.error[0].value
    assert test.metric
    test.run()
    assert test.error
    test.button(key="layers-add").click().run()
    assert not test.error


def test_a_fresh_layer_fits_its_kind() -> None:
    test = page(layers="conv2d size=4 kernel=3 strides=1 activation=relu")
    test.selectbox(key="layers-kind").set_value("Max pooling").run()
    test.button(key="layers-add").click().run()
    assert address(test).endswith("; max_pooling size=2")
    assert test.number_input(key="moved-row").value == 2
    assert not test.error
    full = page(layers="; ".join(["dropout rate=0.1"] * DEEPEST))
    assert full.button(key="layers-add").disabled


def test_without_rows_the_table_is_empty_and_nothing_is_trained_or_saved() -> None:
    test = page(layers="flatten; dense size=8 activation=relu")
    architectures.save("kept", "flatten")
    for _ in range(2):
        test.button(key="layers-drop").click().run()
    assert address(test) == ""
    assert "Add a layer" in test.info[0].value
    assert not test.error
    assert not test.dataframe
    assert not test.metric
    assert {button.key for button in test.button if not button.disabled} == {
        "layers-add", "layers-undo", "layers-over", "layers-open", "layers-delete",
    }
    assert "Add a layer" in page(layers="").info[0].value
    test.button(key="layers-add").click().run()
    assert address(test) == "dense size=64 activation=relu"


def test_changes_are_undone_one_by_one() -> None:
    test = page(layers="flatten; dense size=8 activation=relu")
    assert test.button(key="layers-undo").disabled
    test.button(key="layers-drop").click().run()
    test.button(key="layers-drop").click().run()
    test.button(key="layers-undo").click().run()
    assert address(test) == "dense size=8 activation=relu"
    test.button(key="layers-undo").click().run()
    assert address(test) == "flatten; dense size=8 activation=relu"
    assert test.button(key="layers-undo").disabled


def test_data_without_inputs_is_not_offered() -> None:
    assert "Noisy quadratic" not in page().selectbox(key="layers-dataset").options


def test_rows_move() -> None:
    test = page(layers="flatten; dense size=8 activation=relu; dropout rate=0.1")
    test.number_input(key="moved-row").set_value(3).run()
    test.button(key="move-up").click().run()
    assert address(test) == "flatten; dropout rate=0.1; dense size=8 activation=relu"
    test.button(key="move-up").click().run()
    assert address(test) == "dropout rate=0.1; flatten; dense size=8 activation=relu"
    test.button(key="move-down").click().run()
    assert address(test) == "flatten; dropout rate=0.1; dense size=8 activation=relu"


def test_architectures_are_saved_opened_and_deleted() -> None:
    test = page(layers="flatten; dense size=8 activation=relu")
    test.text_input(key="layers-name").set_value("small one")
    test.button[-1].click().run()
    assert architectures.saved() == {"small one": "flatten; dense size=8 activation=relu"}
    other = page()
    other.button(key="layers-open").click().run()
    assert address(other) == "flatten; dense size=8 activation=relu"
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
    weights = math.prod(dataset.input_shape) * 8 + 8 + 8 * dataset.num_classes + dataset.num_classes
    assert [metric.value for metric in test.metric] == [f"{weights:,}"]


def test_a_question_comes_before_a_name_that_is_taken_is_replaced() -> None:
    architectures.save("small", "flatten")
    test = page(layers="flatten; dense size=8 activation=relu")
    save(test, "small ")
    assert architectures.saved() == {"small": "flatten"}
    assert "model named small already exists" in test.warning[0].value
    test.button(key="layers-replace").click().run()
    assert architectures.saved() == {"small": "flatten; dense size=8 activation=relu"}
    assert "Saved as small" in test.success[0].value
    assert not test.warning
    save(test, "small")  # the same once more
    assert not test.warning
    save(test, "other")
    assert list(architectures.saved()) == ["other", "small"]


def test_the_question_is_about_the_current_layers_and_mistakes_are_not_saved() -> None:
    architectures.save("small", "flatten")
    test = page(layers="flatten; dense size=8 activation=relu")
    save(test, "small")
    next(button for button in test.button if button.label == "Add").click().run()
    assert not test.warning
    test = page(layers="flatten; dense size= activation=relu")
    save(test, "other")
    assert "Nothing was saved. Fix the rows" in " ".join(one.value for one in test.error)
    assert architectures.saved() == {"small": "flatten"}


def save(test: AppTest, name: str) -> None:
    test.text_input(key="layers-name").set_value(name)
    next(button for button in test.button if button.label == "Save").click().run()


def test_a_model_that_another_tab_has_deleted_is_no_longer_offered() -> None:
    for name in ("one", "two"):
        architectures.save(name, f"flatten; dropout rate=0.{len(name)}")
    test = page(layers="flatten")
    test.selectbox(key="layers-saved").set_value("two").run()
    architectures.forget("two")
    test.button(key="layers-open").click().run()
    assert "The model two no longer exists" in test.warning[0].value
    assert test.selectbox(key="layers-saved").options == ["one"]
    assert address(test) == "flatten"
    test.button(key="layers-open").click().run()
    assert address(test) == "flatten; dropout rate=0.3"
    test.button(key="layers-delete").click().run()
    assert not test.warning


def test_deleted_data_still_shapes_the_rows_but_is_not_trained_on() -> None:
    facts, dataset = own_files.keep(own_files.csv(), "fruit.csv", target="kind")
    test = page(layers="dense size=8 activation=relu")
    test.selectbox(key="layers-dataset").set_value(facts.id).run()
    own.remove(facts.id, remember=True)
    test.run()
    assert test.metric
    assert "layers-to-train" not in keys(test)
    assert any(dataset.label in error.value for error in test.error)
    test.selectbox(key="layers-dataset").set_value("digits").run()
    test.button(key="layers-over").click().run()
    assert "layers-to-train" in keys(test)


def test_the_page_reports_data_of_the_address_that_is_gone() -> None:
    test = page(**{"layers": "flatten", "layers-dataset": "Mine"})
    (note,) = test.warning
    assert "no dataset named Mine" in note.value
    assert test.selectbox(key="layers-dataset").value == "digits"
    assert not page(**{"layers": "flatten", "layers-dataset": "Wine"}).warning


def test_the_page_reports_data_that_is_gone_and_shows_another() -> None:
    facts, _ = own_files.keep(own_files.csv(), "fruit.csv", target="kind")
    test = page(layers="flatten; dense size=8 activation=relu")
    test.selectbox(key="layers-dataset").set_value(facts.id).run()
    own.remove(facts.id, remember=False)
    test.run()
    assert f"no own data {facts.id}" in test.error[0].value
    assert test.selectbox(key="layers-dataset").value == "digits"
    assert test.metric
