from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from lrdash import figures
from lrdash.analysis import frames
from lrdash.figures.thinning import keep
from lrdash.store.rows import EpochRow
from lrdash.strategies import STRATEGIES
from lrdash.strategies.base import Mark


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance and contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def history(n: int, steps: int = 5) -> list[EpochRow]:
    rates = np.linspace(0.1, 0.01, 100 * steps, dtype=np.float32).reshape(100, steps)
    return [
        EpochRow(
            run_id="r", epoch=e,
            metrics={
                "loss": 1 / e, "val_loss": float("nan") if e == 2 else 1 / e + 0.01 * e,
                "accuracy": 1 - 0.5 / e, "val_accuracy": 1 - 0.6 / e,
            },
            learning_rate=float(rates[e - 1, -1]), rates=rates[e - 1], seconds=0.1 * e,
        )
        for e in range(1, n + 1)
    ]


def drawn(rows: list[EpochRow], **more: Any) -> Any:
    return figures.training_figure(
        frames.epochs_frame(rows), frames.rates_frame(rows),
        **{"strategy": "plateau", "epochs_total": 100, **more},
    )


def points(figure: Any, trace: int) -> tuple[list[Any], list[Any]]:
    return list(figure.data[trace].x), list(figure.data[trace].y)


def test_every_strategy_has_a_look_of_its_own() -> None:
    looks = [figures.style_of(name) for name in STRATEGIES]
    assert len({(look.colour, look.dash) for look in looks}) == len(looks)


@pytest.mark.parametrize("ground", ["#ffffff", "#0e1117"])
def test_every_colour_is_readable_on_a_light_and_on_a_dark_page(ground: str) -> None:
    poor = {
        name for name in STRATEGIES if contrast(figures.style_of(name).colour, ground) < 3.0
    }
    assert not poor


def test_a_strategy_of_another_package_keeps_its_look() -> None:
    assert figures.style_of("mine") == figures.style_of("mine")
    assert figures.style_of("mine").dash == "dashdot"


def test_a_preview_holds_each_rate_until_the_next_update() -> None:
    figure = figures.preview_figure([0.1, 0.1, 0.05, 0.05], 2, strategy="step")
    assert points(figure, 0) == ([0, 0.5, 1.0, 1.5, 2.0], [0.1, 0.1, 0.05, 0.05, 0.05])
    assert figure.data[0].line.shape == "hv"
    assert figure.layout.xaxis.title.text == "Epochs done"


def test_a_long_preview_is_thinned_and_its_jumps_stay_exact() -> None:
    rates = np.repeat([0.1, 0.05, 0.025], [33_333, 20_001, 50_000])
    figure = figures.preview_figure(rates, 1000, strategy="step")
    x, y = points(figure, 0)
    assert len(x) < 2000
    assert y[x.index(33.333)] == 0.05
    assert y[x.index(33.332)] == 0.1
    assert y[x.index(53.334)] == 0.025


def test_a_long_gliding_preview_keeps_its_restarts() -> None:
    one = 0.5 * (1 + np.cos(np.pi * np.arange(30_000) / 30_000))
    kept = keep(np.concatenate([one, one, one]))
    assert len(kept) <= 2000
    assert {0, 29_999, 30_000, 59_999, 60_000, 89_999} <= set(kept.tolist())


@pytest.mark.parametrize("total", [1, 2, 1999, 2000, 2001, 50_000])
def test_thinning_always_keeps_the_first_and_last_point(total: int) -> None:
    for rates in (np.ones(total), np.arange(total) % 7.0, np.linspace(1, 0, total)):
        kept = keep(rates)
        assert (kept[0], kept[-1]) == (0, total - 1)
        assert len(kept) <= 2000
        assert (np.diff(kept) > 0).all()


@pytest.mark.parametrize(
    ("rates", "kind"),
    [
        ([0.1, 0.05], "linear"), ([0.1, 0.001], "log"), ([0.1, 0.001, 0.0], "linear"),
        ([0.0, 0.0], "linear"), ([], "linear"), ([0.1], "linear"),
    ],
)
def test_the_rate_axis_is_logarithmic_where_rates_span_much_and_none_is_zero(
    rates: list[float], kind: str
) -> None:
    assert figures.preview_figure(rates, 1, strategy="linear").layout.yaxis.type == kind


def test_a_preview_marks_where_and_why_the_rate_changes() -> None:
    marks = [Mark(update=2, text="drop 1"), Mark(update=99, text="past the end")]
    figure = figures.preview_figure([0.1, 0.1, 0.05], 2, marks, strategy="step")
    assert points(figure, 1) == ([1.0], [0.05])
    assert figure.data[1].text == ("drop 1 (rate 0.05)",)


def test_nothing_gives_empty_axes_with_titles() -> None:
    for figure in (figures.preview_figure([], 1, strategy="step"), drawn([])):
        assert all(len(trace.x) == 0 for trace in figure.data)
        assert figure.layout.uirevision
        assert figure.layout.xaxis.title.text
        assert figure.layout.yaxis.title.text


def test_the_live_traces_come_first_and_the_best_epoch_is_marked() -> None:
    figure = drawn(history(5), changes=[(2, 0.1, 0.05, "wait 5 of 5")])
    assert [trace.name for trace in figure.data] == [
        "training loss", "validation loss", "learning rate", "best epoch", "rate changed",
    ]
    assert points(figure, 1)[1][1] is None  # NaN is a gap
    assert points(figure, 3) == ([5.0], [pytest.approx(0.25)])
    assert figure.data[4].text == ("epoch 2:<br>wait 5 of 5:<br>0.1 to 0.05",)
    assert figure.layout.xaxis.range == (0, 100)
    assert figure.layout.yaxis2.type == "log"


def test_the_figure_is_json_without_nan() -> None:
    def refuse(word: str) -> None:
        raise ValueError(word)

    json.loads(drawn(history(5)).to_json(), parse_constant=refuse)


def test_a_run_without_accuracy_still_draws_an_accuracy_figure() -> None:
    rows = [
        EpochRow(
            run_id="r", epoch=1, metrics={"loss": 1.0, "val_loss": 1.0}, learning_rate=0.1,
            rates=np.full(3, 0.1, dtype=np.float32), seconds=1.0,
        )
    ]
    figure = drawn(rows, metric="accuracy")
    assert points(figure, 1) == ([1.0], [None])


def test_accuracy_is_drawn_in_percent_with_its_highest_epoch() -> None:
    figure = drawn(history(5), metric="accuracy")
    assert figure.data[1].name == "validation accuracy"
    assert points(figure, 3)[0] == [5.0]
    assert "%" in figure.layout.yaxis.title.text


@pytest.mark.parametrize("metric", ["loss", "accuracy"])
@pytest.mark.parametrize("steps", [1, 2, 5, 45, 400])
@pytest.mark.parametrize("have", [0, 1, 3, 9])
def test_a_grown_chart_equals_one_drawn_at_once(have: int, steps: int, metric: Any) -> None:
    rows = history(9, steps)
    before, after = drawn(rows[:have], metric=metric), drawn(rows, metric=metric)
    for source in (rows, rows[have:]):  # the tail may be given with or without what is known
        tail = figures.live_tail(
            frames.epochs_frame(source), frames.rates_frame(source), have,
            epochs_total=100, metric=metric,
        )
        assert len(tail) == figures.LIVE_TRACES
        for trace, more in enumerate(tail):
            x, y = points(before, trace)
            if more["x"]:
                assert more["start"] == len(x)
            assert (x + more["x"], y + more["y"]) == points(after, trace)


def test_a_jump_inside_an_epoch_is_exact_in_a_long_epoch() -> None:
    rates = np.repeat([0.1, 0.02], [617, 383]).astype(np.float32)
    row = EpochRow(
        run_id="r", epoch=1, metrics={"loss": 1.0, "val_loss": 1.0}, learning_rate=0.02,
        rates=rates, seconds=1.0,
    )
    x, y = points(drawn([row]), 2)
    assert y[x.index(0.617)] == np.float32(0.02)
    assert y[x.index(0.616)] == np.float32(0.1)
    assert (x[-1], y[-1]) == (1.0, np.float32(0.02))


def test_the_markers_of_the_live_chart_are_those_of_the_figure() -> None:
    rows, changes = history(5), [(2.0, 0.1, 0.05, "why")]
    figure = drawn(rows, changes=changes)
    for mark in figures.live_marks(frames.epochs_frame(rows), changes, strategy="plateau"):
        assert points(figure, mark["trace"]) == (mark["x"], mark["y"])
        assert list(figure.data[mark["trace"]].text) == mark["text"]
