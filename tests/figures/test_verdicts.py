"""Figures of verdicts and of smoothed means."""

from __future__ import annotations

import numpy as np
import pytest

from lrdash import analysis, figures
from tests.factories.frames import INF, judged, lines, noisy, runs


def test_each_arm_has_its_difference_its_interval_and_its_verdict_in_words() -> None:
    found = judged(
        *(runs(name, noisy(mean, i, 9)) for i, (name, mean) in
          enumerate({"linear": 0.3, "cosine": 0.9, "constant": 0.301}.items())),
        baseline="Linear",
    )
    view = analysis.against(found)
    figure = figures.forest_figure(view, title="Loss, difference")
    assert [trace.name for trace in figure.data] == ["Constant", "Cosine"]
    level, worse = figure.data
    assert (level.marker.symbol, worse.marker.symbol) == ("circle-open", "circle")
    assert level.y == ("Constant<br><i>no evidence</i>",)
    assert worse.x[0] - worse.error_x.arrayminus[0] == pytest.approx(view["low"].iloc[1], rel=1e-5)
    assert figure.layout.xaxis.title.text == "Loss, difference"


def test_the_bar_of_a_decided_difference_stays_on_its_side_of_0() -> None:
    found = judged(runs("step", noisy(0.3, 0)), runs("cosine", noisy(0.9, 1)), baseline="Step")
    (worse,) = figures.forest_figure(analysis.against(found)).data
    assert worse.x[0] - worse.error_x.arrayminus[0] > 0
    assert worse.error_x.array[0] > 0


def test_too_few_seeds_have_a_mark_without_a_bar() -> None:
    found = judged(runs("step", noisy(0.3, 0, 3)), runs("cosine", noisy(0.9, 1, 3)))
    (mark,) = figures.forest_figure(analysis.against(found)).data
    assert np.isnan([mark.error_x.array[0], mark.error_x.arrayminus[0]]).all()
    assert mark.marker.symbol == "circle-open"
    assert "to" not in mark.text[0].partition(", 3 seeds")[0].partition(": ")[2]


def test_a_row_without_a_mean_says_why() -> None:
    found = judged(runs("step", noisy(0.5, 0)), runs("cosine", [INF] * 8), baseline="Step")
    figure = figures.forest_figure(analysis.against(found))
    assert not figure.data
    assert [note.text for note in figure.layout.annotations] == [
        "more runs diverged or failed"
    ]
    turned = judged(runs("step", noisy(0.5, 0)), runs("cosine", [INF] * 8), baseline="Cosine")
    figure = figures.forest_figure(analysis.against(turned))
    assert [note.text for note in figure.layout.annotations] == [
        "more runs of the baseline diverged or failed"
    ]


def test_no_pair_gives_an_empty_figure() -> None:
    figure = figures.forest_figure(analysis.against(judged([])))
    assert not figure.data
    assert figure.layout.height > 0


def test_only_decided_pairs_have_a_coloured_ground_and_no_two_alike() -> None:
    grounds = {word: figures.verdict_css(word) for word in ("better", "worse", "no evidence", "")}
    assert grounds["no evidence"] == grounds[""] == ""
    assert grounds["better"] != grounds["worse"]
    assert all(grounds[word].startswith("background-color") for word in ("better", "worse"))


def test_smoothing_draws_the_raw_mean_faint_behind_the_smoothed_one() -> None:
    means = [3.0, 1.0, 2.0]
    band = lines([("A", "cosine", i + 1, mean, mean - 1, mean + 1) for i, mean in enumerate(means)])
    raw, smooth = figures.compare_loss_figure(band, smoothing=0.6).data
    assert raw.y.tolist() == means
    assert raw.line.color.startswith("rgba")
    assert not raw.showlegend
    assert smooth.y == pytest.approx(analysis.smooth(means, 0.6), rel=1e-6)


def test_smoothing_is_that_of_tensorboard() -> None:
    """Its own loop: last = last * w + (1 - w) * x, shown as last / (1 - w^n)."""
    values, weight = [5.0, 1.0, float("nan"), 4.0], 0.6
    last, count, shown = 0.0, 0, []
    for value in values:
        if np.isnan(value):
            shown.append(value)
            continue
        count += 1
        last = last * weight + (1 - weight) * value
        shown.append(last / (1 - weight**count))
    assert analysis.smooth(values, weight) == pytest.approx(shown, nan_ok=True)
