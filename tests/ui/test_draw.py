"""Draw your own: what the editor gets and sends, undo, and the pages that hold it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrdash import figures
from lrdash.store import Store
from lrdash.strategies import preview
from lrdash.ui.components import draw, fields
from tests.factories.pages import fault, page

FIELD = "points.points"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The messages to the editors of the page, the latest last."""
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(draw, "_editor", lambda data, **_more: messages.append(data))
    return messages


def test_what_was_drawn_becomes_the_text_of_the_field() -> None:
    assert draw.read([[0, 1], [0.25, 3.5], [1, 0]]) == "0: 1, 0.25: 3.5, 1: 0"
    assert fields.as_list("0: 1, 0.25: 3.5, 1: 0", FIELD) == [[0, 1], [0.25, 3.5], [1, 0]]


@pytest.mark.parametrize(
    "points",
    ["", {}, [[0, 1]], [[0, 1], [1, 11]], [[0, 1], [0.5, -1], [1, 0]], [[0, 1], [0.9, 1]],
     [["a", 1], [1, 0]], [[0, 1], [0.5, 1], [0.5, 2], [1, 0]], None],
)
def test_points_that_the_strategy_refuses_change_nothing(points: Any) -> None:
    assert draw.read(points) is None


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the editor puts into the field."""
    texts: list[str] = []
    monkeypatch.setattr(fields, "preset", lambda _field, text: texts.append(text))
    return texts


def test_messages_say_which_edit_the_field_has_even_where_it_was_refused(
    written: list[str]
) -> None:
    session: dict[str, Any] = {}
    draw.drawn(session, FIELD, '{"edit": 3, "points": [[0, 1], [1, 0]]}')
    draw.drawn(session, FIELD, '{"edit": 4, "points": [[0, 1]]}')
    assert written == ["0: 1, 1: 0"]
    assert session[f"seen-draw-{FIELD}"] == {"edit": 4, "undone": 0}


def test_quick_presses_of_undo_count_though_only_the_last_arrives(written: list[str]) -> None:
    session: dict[str, Any] = {}
    for text in "abcd":
        draw.remember(session, FIELD, text)
    draw.undo(session, FIELD, '{"edit": 1, "times": 1}')
    draw.undo(session, FIELD, '{"edit": 3, "times": 3}')
    assert written == ["c", "b", "a"]
    assert session[f"seen-draw-{FIELD}"] == {"edit": 3, "undone": 3}


def test_undo_goes_back_step_by_step_whatever_made_the_change() -> None:
    session: dict[str, Any] = {}
    assert draw.remember(session, FIELD, "a") == []
    assert draw.undone(session, FIELD) is None
    draw.remember(session, FIELD, "b")
    assert draw.remember(session, FIELD, "b") == ["a"]  # a rerun is no change
    assert draw.remember(session, FIELD, "c") == ["a", "b"]
    assert draw.undone(session, FIELD) == "b"
    assert draw.remember(session, FIELD, "b") == ["a"]  # nor is what undo put back
    assert draw.undone(session, FIELD) == "a"
    assert draw.remember(session, FIELD, "a") == []


def test_undo_of_one_field_leaves_the_other_alone() -> None:
    session: dict[str, Any] = {}
    for field in ("one", "two"):
        draw.remember(session, field, "a")
        draw.remember(session, field, field)
    assert draw.undone(session, "one") == "a"
    assert draw.remember(session, "two", "two") == ["a"]


def test_only_so_many_steps_are_kept() -> None:
    session: dict[str, Any] = {}
    for number in range(draw.UNDOS + 20):
        past = draw.remember(session, FIELD, str(number))
    assert len(past) == draw.UNDOS
    assert past[-1] == str(draw.UNDOS + 18)


def test_the_line_of_rates_ends_with_the_last_update() -> None:
    line = figures.rate_line(np.array([0.1, 0.1, 0.05, 0.05]), 2)
    assert line["x"] == [0, 0.5, 1, 1.5, 2]
    assert line["y"] == [0.1, 0.1, 0.05, 0.05, 0.05]


def test_the_train_page_draws_on_its_preview(store: Store, sent: list[dict[str, Any]]) -> None:
    test = page("train")
    assert sent == []
    test.selectbox(key="strategy").set_value("points").run()
    shown = sent[-1]
    assert shown["points"] == [[0, 1], [0.5, 1], [1, 0]]
    assert (shown["peak"], shown["scale"], shown["lead"]) == (0.1, 30, 0)
    assert shown["undo"] is False
    rates = preview("points", base_lr=0.1, epochs=30, steps_per_epoch=45)
    assert shown["curve"]["y"][:-1] == rates.tolist()
    assert not test.get("plotly_chart")


def test_an_edit_updates_preview_and_field_and_can_be_undone(
    store: Store, sent: list[dict[str, Any]]
) -> None:
    test = page("train", strategy="Draw your own")
    test.text_input(key=FIELD).set_value("0: 1, 0.5: 0.1, 1: 0.01").run()
    assert sent[-1]["points"] == [[0, 1], [0.5, 0.1], [1, 0.01]]
    assert sent[-1]["undo"] is True
    assert "10% at 50%" in "\n".join(element.value for element in test.markdown)
    test.text_input(key=FIELD).set_value("0: 1, 1: 20").run()
    assert "points.points must have factors between 0 and 10" in fault(test)


def test_warm_up_moves_the_points_to_the_right(store: Store, sent: list[dict[str, Any]]) -> None:
    page("train", strategy="Draw your own", warmup_epochs="4")
    assert (sent[-1]["lead"], sent[-1]["scale"]) == (4, 26)


def test_low_points_make_the_axis_longer(store: Store, sent: list[dict[str, Any]]) -> None:
    page("train", **{"strategy": "Draw your own", FIELD: "0: 1, 1: 0.00001"})
    assert sent[-1]["low"] == 1e-5


@pytest.mark.parametrize(("name", "prefix"), [("compare", "compare."), ("valley", "valley.")])
def test_the_editor_stands_wherever_the_strategy_is_chosen(
    store: Store, sent: list[dict[str, Any]], name: str, prefix: str
) -> None:
    test = page(name)
    assert sent == []
    test.multiselect(key=f"{prefix}strategies").set_value(["constant", "points"]).run()
    assert sent[-1]["points"] == [[0, 1], [0.5, 1], [1, 0]]
    assert (sent[-1]["peak"], sent[-1]["scale"]) == (1, 100)
    test.text_input(key=f"{prefix}points.points").set_value("0: 1, 1: 5").run()
    assert sent[-1]["points"] == [[0, 1], [1, 5]]
    test.text_input(key=f"{prefix}points.points").set_value("0: 1, 1: 50").run()
    assert "points.points must have factors" in fault(test)
