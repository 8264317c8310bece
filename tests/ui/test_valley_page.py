"""The Valley page and its figures: what is sent to the browser, and every state of the page."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pytest

from lrdash import figures
from lrdash.strategies import STRATEGIES
from lrdash.teaching import SURFACES, Path, Surface, descend
from lrdash.ui import resources
from lrdash.ui.valley import form
from tests.factories import pages as shown
from tests.factories.pages import words

NAMES = ["Constant", "Cosine"]


def walks(surface: Surface, rate: float | None = None) -> list[Path]:
    return [
        descend(surface, name, base_lr=rate or surface.base_lr, steps=surface.steps)
        for name in ("constant", "cosine")
    ]


@pytest.mark.parametrize("surface", SURFACES.values(), ids=list(SURFACES))
def test_the_picture_is_plain_json_of_shares(surface: Surface) -> None:
    picture = figures.valley_picture(surface, walks(surface), NAMES)
    text = json.dumps(picture, allow_nan=False)
    assert len(text) < 100_000
    for part in ("height", "shade"):
        grid = np.array(picture[part])
        assert grid.shape == (61,) * surface.dimensions
        assert (grid.min(), grid.max()) == (0, 1)
    first = picture["paths"][0]
    assert first["heights"][0] == pytest.approx(
        _height(surface, surface.start) / _height(surface, _highest(surface)), abs=2e-4
    )
    assert len(first["places"]) == len(first["losses"]) == len(first["rates"]) + 1
    assert [path["name"] for path in picture["paths"]] == NAMES


def _height(surface: Surface, place: tuple[float, ...]) -> float:
    loss = float(surface.value(np.array(place)))
    return float(np.log1p(loss)) if surface.log_height else loss


def _highest(surface: Surface) -> tuple[float, ...]:
    axes = np.meshgrid(*[np.linspace(*span, 61) for span in surface.spans], indexing="ij")
    places = np.stack(axes, axis=-1).reshape(-1, surface.dimensions)
    return tuple(places[surface.value(places).argmax()])


def test_the_limit_is_one_line_where_it_is_the_same_for_all() -> None:
    figure = figures.valley_rate_figure(walks(SURFACES["ravine"]), NAMES)
    assert [trace.name for trace in figure.data] == [*NAMES, "2 / curvature", "1 / curvature"]
    assert set(figure.data[2].y) == {0.1}
    assert figure.data[0].y[:3] == (0.099, 0.099, 0.099)
    assert [note.text for note in figure.layout.annotations] == ["2 / curvature", "1 / curvature"]
    assert figure.layout.yaxis.range[1] > 0.1


def test_a_limit_above_the_picture_is_described_in_words() -> None:
    figure = figures.valley_rate_figure(walks(SURFACES["ravine"], 0.005), NAMES)
    notes = [note.text for note in figure.layout.annotations]
    assert notes[0] == "2 / curvature (0.1) is above this chart"
    assert figure.layout.yaxis.range[1] < 0.1


def test_each_path_has_its_own_limit_where_the_curvature_changes() -> None:
    paths = walks(SURFACES["two_valleys"])
    figure = figures.valley_rate_figure(paths, NAMES, log=True)
    assert [trace.name for trace in figure.data[2:]] == ["limit of Constant", "limit of Cosine"]
    shown = [value for value in figure.data[3].y if value is not None]
    assert min(shown) == pytest.approx(np.nanmin(paths[1].limits[:-1]))
    assert figure.layout.yaxis.type == "log"


@pytest.mark.parametrize("make", [figures.valley_loss_figure, figures.valley_rate_figure])
def test_no_paths_give_empty_axes(make: object) -> None:
    assert len(make([], []).data) == 0  # type: ignore[operator]


def test_the_loss_has_few_ticks_in_plain_numbers() -> None:
    for surface in SURFACES.values():
        axis = figures.valley_loss_figure(walks(surface), NAMES).layout.yaxis
        assert 2 <= len(axis.tickvals) <= 9
        assert len(set(axis.ticktext)) == len(axis.ticktext)
    diverged = figures.valley_loss_figure(walks(SURFACES["ravine"], 0.12), NAMES)
    assert "10" in diverged.layout.yaxis.ticktext


page = partial(shown.page, "valley")


@pytest.fixture(autouse=True)
def _no_laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "laboratory", lambda: None)


@pytest.mark.parametrize("name", SURFACES)
def test_every_surface_is_shown_and_explained(name: str) -> None:
    test = page()
    test.selectbox(key="valley.surface").set_value(name).run()
    assert not test.error
    assert SURFACES[name].description in words(test)
    assert "**Constant** " in words(test)
    assert "**Cosine decay** " in words(test)


def test_every_strategy_can_walk() -> None:
    test = page()
    for name in STRATEGIES:
        test.multiselect(key="valley.strategies").set_value([name]).run()
        assert not test.error, name
        assert f"**{STRATEGIES[name].label}** " in words(test)


def test_a_rule_offers_no_metric_that_a_surface_lacks() -> None:
    test = page()
    test.multiselect(key="valley.strategies").set_value(["plateau"]).run()
    assert test.selectbox(key="valley.plateau.monitor").options == ["val_loss", "loss"]


def test_a_wrong_setting_names_its_field_and_the_form_stays() -> None:
    test = page()
    test.multiselect(key="valley.strategies").set_value(["multistep"]).run()
    test.text_input(key="valley.multistep.milestones").set_value("5, ten").run()
    assert "valley.multistep.milestones must be" in test.error[0].value
    test.text_input(key="valley.multistep.milestones").set_value("5, 10").run()
    assert not test.error
    test.multiselect(key="valley.strategies").set_value([]).run()
    assert "strategies must name at least one strategy" in test.error[0].value


def test_the_words_follow_the_peak_rate() -> None:
    test = page()
    assert "so it bounces instead of settling" in words(test)
    test.number_input(key="valley.ravine.base_lr").set_value(0.12).run()
    assert "diverged and left the picture at step 2" in words(test)
    test.number_input(key="valley.ravine.base_lr").set_value(0.02).run()
    assert "never jumps over the floor" in words(test)


def test_the_settings_come_from_the_address() -> None:
    test = page(**{"valley.ravine.x": "-1.5", "valley.ravine.base_lr": "0.04"})
    assert test.number_input(key="valley.ravine.x").value == -1.5
    assert "stays below 1 / curvature (80.0% of it at most)" in words(test)


def test_a_start_that_was_dragged_fills_the_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    state: dict[str, object] = {form.PLAYER: {"start": '{"moves": 3, "place": [-1.25, 0.5]}'}}
    monkeypatch.setattr("streamlit.session_state", state)
    form.move_start(SURFACES["ravine"])
    assert state["valley.ravine.x"] == -1.25
    assert state["valley.ravine.y"] == 0.5
    assert state[f"{form.PLAYER}-moves"] == 3
