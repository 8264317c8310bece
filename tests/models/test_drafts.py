"""Layers while a user edits them: kept as typed, and each mistake reported at its row."""

from __future__ import annotations

import pytest

from lrdash.core.errors import InvalidField
from lrdash.models import drafts, rows
from lrdash.models.layers import RULES
from lrdash.models.own_layers import DEEPEST, OwnLayers
from tests.factories.settings import DIGITS

IMAGE = DIGITS.input_shape


def test_shapes_and_weights_are_those_of_the_model() -> None:
    text = "conv2d size=4; max_pooling size=2; flatten; dense size=8 activation=relu"
    found = drafts.look(drafts.read(text), IMAGE)
    model = OwnLayers(layers=text)  # type: ignore[arg-type]
    assert [one.step for one in found] == model.steps(DIGITS)
    assert tuple(one.row for one in found) == model.layers
    assert not any(one.fault for one in found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("dense size=0", "Size must be between 1 and 4,096, got 0."),
        ("dense size=1000000000", "Size must be between 1 and 4,096, got 1,000,000,000."),
        ("dense size=-3", "Size must be between 1 and 4,096, got -3."),
        ("dense size=2.5", "Size must be a whole number between 1 and 4,096, got 2.5."),
        ("conv2d kernel=0", "Kernel must be between 1 and 15, got 0."),
        ("conv2d strides=9", "Stride must be between 1 and 8, got 9."),
        ("dropout rate=1.5", "Dropout must be at least 0 and below 1, got 1.5."),
    ],
)
def test_a_value_out_of_range_stays_and_is_reported(text: str, message: str) -> None:
    (row,) = drafts.read(text)
    kind, *settings = text.split()
    assert row["kind"] == kind
    name, value = settings[0].split("=")
    assert str(row[name]) == value
    (one,) = drafts.look([row], IMAGE)
    assert (one.row, one.step, one.fault) == (None, None, message)
    assert settings[0] in rows.typed([row])


def test_after_a_mistake_shapes_are_unknown_and_further_mistakes_are_reported() -> None:
    found = drafts.look(drafts.read("dense size=4; flatten; dense size=0"), IMAGE)
    assert found[0].fault.startswith("Dense needs a flat list of numbers")
    assert [one.step for one in found] == [None] * 3
    assert found[1].fault == ""
    assert found[2].fault.startswith("Size must be")


def test_an_empty_setting_is_reported_and_so_is_one_that_the_layer_ignores() -> None:
    (empty, idle) = drafts.look(
        [{"kind": "dense", "size": None, "activation": "relu"}, {"kind": "flatten", "size": 3}],
        (5,),
    )
    assert empty.fault == "Size must be a whole number between 1 and 4,096, and is empty."
    assert (empty.idle, idle.idle, idle.fault) == ((), ("size",), "")


@pytest.mark.parametrize("kind", list(RULES))
def test_a_fresh_row_fits_where_its_kind_can(kind: str) -> None:
    row = drafts.fresh(kind)
    assert set(row) == {"kind", *RULES[kind].uses}
    found = [drafts.look([row], shape)[0] for shape in (IMAGE, (64,))]
    assert any(one.step for one in found), found


def test_a_fresh_pool_halves() -> None:
    assert drafts.fresh("max_pooling") == {"kind": "max_pooling", "size": 2}
    assert drafts.read("average_pooling") == [{"kind": "average_pooling", "size": 2}]


def test_no_rows_are_no_mistake() -> None:
    assert drafts.read("") == []
    assert drafts.look([], IMAGE) == []
    assert rows.typed([]) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flatten; lstm", "row 2: Layer must be one of"),
        ("dense size=wide", "Size must be a whole number .* got 'wide'"),
        ("dense size=nan", "Size must be a whole number"),
        ("dense units=3", "units is not a setting"),
        ("dense activation=3", "Activation must be one of relu, .*, none, got 3"),
        ("; ".join(["flatten"] * 61), f"at most {DEEPEST} layers, got 61"),
        ("dense size", "settings like size=64 in row 1"),
    ],
)
def test_what_a_table_cannot_show_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidField, match=f"^layers must.*{message}"):
        drafts.read(text)


def test_an_emptied_setting_stays_empty_in_text() -> None:
    (row,) = drafts.read("dense size= activation=relu")
    assert row["size"] is None
    assert rows.typed([row]) == "dense size= activation=relu"
    assert drafts.look([row], (5,))[0].fault.startswith("Size must be")
