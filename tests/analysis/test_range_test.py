"""The rules of the range test on curves whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lrdash import figures
from lrdash.analysis import range_test
from lrdash.analysis.range_test.rules import minimum, slide, steepest, valley
from lrdash.core.errors import InvalidField

RATES = np.geomspace(1e-5, 10, 121)  # 20 updates a decade
PLACE = np.log10(RATES)


def trough(bottom: float = -1.0) -> np.ndarray:
    """Flat at 2, a straight fall over one decade to 1 at the bottom, then a steep rise."""
    fall = 2 - np.clip(PLACE - (bottom - 1), 0, 1)
    return fall + 8 * np.clip(PLACE - bottom, 0, None)


def test_the_steepest_is_where_the_slope_over_the_logarithm_is_lowest() -> None:
    rates = np.array([1.0, 10.0, 20.0, 40.0, 80.0])
    losses = np.array([5.0, 4.0, 3.5, 3.4, 3.6])  # 1 over ln 10, then 0.5 over ln 2
    assert steepest(rates, losses) == 10.0


def test_the_valley_is_the_middle_of_the_longest_descent() -> None:
    rates = np.arange(1.0, 11.0)
    losses = np.array([9.0, 9.5, 8.0, 7.0, 7.5, 6.0, 5.0, 4.0, 6.0, 7.0])
    # 9.5 8 7 6 5 4 (or with 7.5 in place of 7): 6 points, the last at place 7; 7 - 3 = 4
    assert valley(rates, losses) == 5.0


def test_the_valley_agrees_with_a_count_of_all_subsequences() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        losses = random.normal(size=40).round(1)
        length = np.ones(40, dtype=int)
        for place in range(40):
            for before in range(place):
                if losses[before] > losses[place]:
                    length[place] = max(length[place], length[before] + 1)
        end = int(np.argmax(length))
        assert valley(np.arange(40.0), losses) == end - length[end] // 2


def test_the_minimum_is_divided_by_ten() -> None:
    assert minimum(RATES, trough()) == pytest.approx(0.01)


def test_the_slide_comes_to_rest_left_of_the_rise() -> None:
    blowing = np.ones(60)
    blowing[50:] += 2.0 ** np.arange(10)  # spans 512: slopes up to 2.6 apart are steady
    assert slide(RATES[:60], blowing) == pytest.approx(RATES[51 - 15])
    steady = np.full(60, 2.0)
    steady[0] = 1.9
    assert slide(RATES[:60], steady) == pytest.approx(RATES[59 - 15])


def test_a_curve_that_falls_nowhere_or_is_too_short_gives_no_rate() -> None:
    rising = np.linspace(1, 2, len(RATES))
    assert np.isnan(steepest(RATES, rising))
    assert np.isnan(valley(RATES, rising))
    assert np.isnan(slide(RATES, np.ones(len(RATES))))
    for rule in range_test.RULES.values():
        assert np.isnan(rule.pick(RATES[:3], trough()[:3]))


@pytest.mark.parametrize(
    ("tail", "where"),
    [
        ([0.5, 1.0, 1.9, 2.1, 9.0], 103),  # above four times the lowest would be 4; it began at 2
        ([0.4, 1.0, 1.61, 1.7, 1.8], 102),  # four times the lowest
        ([0.5, np.nan, 1.0, 1.0, 1.0], 101),
        ([1.9, 2.5, 3.0, 3.0, 3.0], 105),  # nothing was learned, nothing blew up
    ],
)
def test_the_divergence_edge_is_where_the_loss_leaves_all_bounds(
    tail: list[float], where: int
) -> None:
    assert range_test.edge(np.array([2.0] * 100 + tail)) == where


def test_the_rules_look_neither_at_the_start_nor_beyond_the_edge() -> None:
    curve = np.array([2.0] * 90 + [1.0] * 10 + [9.0] * 20)
    assert range_test.usable(curve) == slice(12, 100)


def test_a_suggestion_is_the_median_over_the_seeds_with_its_span() -> None:
    losses = np.array([trough(bottom) for bottom in (-2.0, -1.0, 0.0)])
    frame = range_test.range_frame(RATES, losses, [3, 4, 5], smoothing=0.0)
    table = range_test.suggestions(frame).set_index("rule")
    row = table.loc["minimum"]
    assert (row["suggestion"], row["low"], row["high"]) == pytest.approx((0.01, 0.001, 0.1))
    assert (row["found"], row["seeds"]) == (3, 3)
    assert range_test.suggested(range_test.suggestions(frame), "minimum") == 0.01
    assert "Suggested: 0.01" in range_test.headline(frame, range_test.suggestions(frame))
    assert "The loss diverges at" in range_test.headline(frame, range_test.suggestions(frame))


def test_the_losses_stay_as_they_were_whatever_the_smoothing() -> None:
    losses = trough()[None] + np.random.default_rng(0).normal(scale=0.1, size=(1, 121))
    losses[0, 100:] = np.nan
    frame = range_test.range_frame(RATES, losses, [0])
    assert len(frame) == 100
    np.testing.assert_array_equal(frame["loss"], losses[0, :100])
    assert frame["smoothed"].std() < frame["loss"].std()
    with pytest.raises(InvalidField, match="smoothing must be at least 0 and below 1"):
        range_test.range_frame(RATES, losses, [0], smoothing=1.0)


def test_nothing_measured_gives_no_suggestion_and_an_empty_figure() -> None:
    frame = range_test.range_frame(RATES, np.full((2, 121), np.nan), [0, 1])
    assert frame.empty
    table = range_test.suggestions(frame)
    assert table["suggestion"].isna().all()
    assert "The loss never falls" in range_test.headline(frame, table)
    figure = figures.range_figure(frame, table, rates=(1e-5, 10))
    assert figure.layout.xaxis.range == pytest.approx((-5.12, 1.12))


def bowl(means: list[float]) -> pd.DataFrame:
    return pd.DataFrame({
        "label": "Constant", "strategy": "constant",
        "base_lr": np.geomspace(0.001, 1, len(means)), "mean": means,
        "low": np.nan, "high": np.nan, "mean_surviving": np.nan, "runs": 1, "diverged": 0,
        "failed": 0, "unfinished": 0, "waiting": 0,
    })


def rules(*rates: float) -> pd.DataFrame:
    names = list(range_test.RULES)[: len(rates)]
    return pd.DataFrame({
        "rule": names, "label": [range_test.RULES[name].label for name in names],
        "suggestion": rates,
        "low": rates, "high": rates, "found": 1, "seeds": 1,
    })


def test_agreement_gives_the_factor_and_whether_a_suggestion_lies_in_the_bowl() -> None:
    sweep = bowl([0.4, 0.2, 0.21, np.inf])  # at 0.001, 0.01, 0.1, 1
    found = range_test.agreement(rules(0.01, 0.1, 10**-1.5, 0.5), sweep)
    assert found["factor"].tolist() == pytest.approx([1, 10, 10**0.5, 50])
    assert found["times"].tolist() == pytest.approx([1, 1.05, 1.025, np.inf])
    assert found["inside"].tolist() == [True, True, True, False]
    words = range_test.agreement_in_words(found)
    assert "Within 10% of its loss: steepest, valley and minimum / 10." in words
    assert "Best rate of the sweep: 0.01" in words
    assert "Closest: steepest, off by a factor of 1." in words


def test_agreement_without_a_result_or_outside_the_rates_claims_nothing() -> None:
    nothing = range_test.agreement(rules(0.01), bowl([np.inf, np.inf]))
    assert nothing["factor"].isna().all()
    assert not nothing["inside"].any()
    assert "No rate of the sweep" in range_test.agreement_in_words(nothing)
    beyond = range_test.agreement(rules(30.0, np.nan), bowl([0.4, 0.2]))
    assert beyond["times"].isna().all()
    assert not beyond["inside"].any()


def test_the_figure_shows_points_lines_and_every_suggestion_with_its_span() -> None:
    losses = np.array([trough(-1.5), trough(-0.5)])
    frame = range_test.range_frame(RATES, losses, [0, 1])
    table = range_test.suggestions(frame)
    figure = figures.range_figure(frame, table)
    names = [trace.name for trace in figure.data]
    assert names.count("smoothed, one line per seed") == 2
    assert set(table["label"]) <= set(names)
    assert figure.data[0].mode == "markers"
    assert len(figure.data[0].x) == len(frame)
    top = figure.layout.yaxis.range[1]
    assert top < 10  # the rise has no bounds, the axis has
    assert any("diverged" in str(note.text) for note in figure.layout.annotations)
    across = figures.range_bowl_figure(bowl([0.4, 0.2, 0.3]), table)
    assert set(table["label"]) <= {trace.name for trace in across.data}
