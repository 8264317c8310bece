"""An address that asks for what no field can hold."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from tests.factories.pages import page

pytestmark = pytest.mark.usefixtures("store")


def notes(test: AppTest) -> str:
    return "\n".join(str(one.value).replace("\\", "") for one in test.warning)


@pytest.mark.parametrize(
    ("key", "value"),
    [("seed", "inf"), ("seed", "nan"), ("batch_size", "1e999"), ("base_lr", "-inf"),
     ("base_lr", "1e400"), ("base_lr", "-3"), ("epochs", "9" * 400), ("epochs", "-3"),
     ("epochs", "5.5"), ("epochs", "many"), ("strategy", "Magic")],
)
def test_what_a_field_cannot_hold_is_named_and_the_page_stays(key: str, value: str) -> None:
    test = page("train", **{key: value})
    assert f"asks for {key}={value[:40]}, outside" in notes(test)
    assert test.button(key="start")
    again = test.run()
    assert not notes(again)


@pytest.mark.parametrize(
    ("key", "value"),
    [("epochs", "30"), ("epochs", "7"), ("base_lr", "0.10"), ("strategy", "Step decay")],
)
def test_what_a_field_can_hold_needs_no_note(key: str, value: str) -> None:
    assert not notes(page("train", **{key: value}))


@pytest.mark.parametrize(
    ("name", "key"),
    [("compare", "compare.seeds"), ("compare", "smoothing"), ("find_lr", "find.seeds"),
     ("hindsight", "hindsight.points"), ("inside", "own.epochs"), ("valley", "valley.steps"),
     ("data", "seed"), ("models", "epochs"), ("runs", "page"), ("start", "seed"),
     ("glossary", "search")],
)
def test_no_page_fails_at_numbers_without_end(name: str, key: str) -> None:
    test = page(name, **{key: "1e999"})
    assert f"{key}=1e999" in notes(test)
