"""The rules of the range test on curves whose answer is known by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lrdash import figures
from lrdash.analysis import range_test
from lrdash.analysis.compare.smoothing import smooth
from lrdash.analysis.range_test.rules import descent, minimum, slide, steepest, valley
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


def test_the_descent_is_a_third_of_the_middle_between_a_quarter_and_nine_tenths_of_the_fall() -> (
    None
):
    rates = np.geomspace(1e-4, 1, 41)  # ten a decade
    losses = np.geomspace(1, 1e-4, 41)  # a quarter is done at 1e-3, nine tenths at 10^-0.4
    assert descent(rates, losses) == pytest.approx(10 ** ((-3 - 0.4) / 2) / 3)
    assert descent(rates, 1000 * losses) == pytest.approx(descent(rates, losses))
    assert descent(10 * rates, losses) == pytest.approx(10 * descent(rates, losses))
    below = np.linspace(1, -1, 41)  # has no logarithm: the same places of the loss itself
    assert descent(rates, below) == pytest.approx(descent(rates, losses))
    assert np.isnan(descent(rates, losses[::-1]))


def test_the_default_rule_gives_the_same_rate_in_whichever_unit_the_loss_is() -> None:
    random = np.random.default_rng(0)
    losses = trough() * (1 + 0.05 * random.standard_normal((5, 121)))
    found = [
        range_test.suggested(range_test.suggestions(range_test.range_frame(RATES, many, range(5))))
        for many in (losses, 1e6 * losses, 1e-3 * losses)
    ]
    assert found[0] > 0
    assert found == [found[0]] * 3


def test_a_curve_that_falls_nowhere_or_is_too_short_gives_no_rate() -> None:
    rising = np.linspace(1, 2, len(RATES))
    assert np.isnan(steepest(RATES, rising))
    assert np.isnan(valley(RATES, rising))
    assert np.isnan(slide(RATES, np.ones(len(RATES))))
    assert np.isnan(descent(RATES, rising))
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


def test_a_lucky_first_batch_is_not_taken_for_divergence() -> None:
    flat = np.ones(200)
    flat[0] = 0.05
    assert range_test.edge(smooth(flat, 0.9)) == 200
    blowing = np.concatenate([flat[:150], np.geomspace(1, 1e6, 50)])
    assert 150 < range_test.edge(smooth(blowing, 0.9)) < 160


@pytest.mark.parametrize("batch_size", [4, 8, 32])
@pytest.mark.parametrize("smoothing", [0.0, 0.5, 0.9, 0.98])
def test_batches_that_only_differ_by_chance_never_diverge(
    batch_size: int, smoothing: float
) -> None:
    random = np.random.default_rng(0)  # squared errors of a linear regression that learns nothing
    losses = random.chisquare(1, (20, 200, batch_size)).mean(axis=2)
    frame = range_test.range_frame(np.geomspace(1e-5, 10, 200), losses, range(20), smoothing)
    assert range_test.edge_rates(frame).isna().all()


def test_the_edge_is_the_same_however_little_the_curves_are_smoothed() -> None:
    losses = trough()[None] + np.random.default_rng(0).normal(scale=0.05, size=(5, 121))
    edges = [
        range_test.edge_rates(range_test.range_frame(RATES, losses, range(5), smoothing))
        for smoothing in (0.0, 0.6, 0.9)
    ]
    assert edges[0].notna().all()
    assert edges[0].equals(edges[1])
    assert edges[0].equals(edges[2])


def test_a_loss_near_0_that_flickers_has_not_diverged() -> None:
    flickering = np.concatenate([np.geomspace(2, 0.001, 100), np.tile([0.001, 0.02], 50)])
    assert range_test.edge(smooth(flickering, 0.9)) == 200
    risen = np.concatenate([flickering, np.full(20, 9.0)])
    assert 200 <= range_test.edge(smooth(risen, 0.9)) < 205


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
    wanted = table.loc["descent", "suggestion"]
    assert f"Suggested: {wanted:.2g} (rule descent / 3; " in range_test.headline(
        frame, range_test.suggestions(frame)
    )
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


def seen(curve: np.ndarray, seeds: int = 3) -> pd.DataFrame:
    """A test of 200 updates from 1e-5 to 10, in which all seeds but for their noise are alike."""
    random = np.random.default_rng(0)
    losses = curve * (1 + 0.02 * random.standard_normal((seeds, 200)))
    return range_test.range_frame(np.geomspace(1e-5, 10, 200), losses, range(seeds))


FALLING = np.concatenate([np.full(100, 2.0), np.linspace(2, 1, 100)])
LEARNED = np.concatenate([np.full(100, 2.0), np.geomspace(2, 1e-6, 60), np.full(40, 1e-6)])
FLAT = np.full(200, 2.0)


@pytest.mark.parametrize(
    ("curve", "words", "better"),
    [
        (FALLING, "still at its lowest where the range ends", (1e-5, 1000.0, None)),
        (LEARNED, "reaches 0", (0.022, 10.0, 100)),
        (FLAT, "does not fall clearly", (1e-5, 1000.0, None)),
        (0 * FLAT, "is 0 from the start", (None, None, None)),
        (1e-9 * FLAT, "is 0 from the start", (None, None, None)),
        (np.geomspace(2, 1e9, 200), "rises before it has fallen", (1e-7, 6.1e-5, None)),
    ],
)
def test_a_range_without_a_fall_and_a_rise_gives_a_reason_and_better_rates(
    curve: np.ndarray, words: str, better: tuple[float | None, float | None, int | None]
) -> None:
    frame = seen(curve)
    table = range_test.suggestions(frame)
    assert table["suggestion"].isna().all()
    assert (table["found"] == 0).all()
    assert (table["seeds"] == 3).all()
    found = range_test.advice(frame)
    assert found is not None
    assert words in found.reason
    assert (found.lowest, found.highest, found.updates) == better
    assert range_test.headline(frame, table) == str(found)
    assert ("Test rates from" in str(found)) == (better[0] is not None)


def test_the_highest_rate_allowed_is_not_exceeded_by_better_rates() -> None:
    rates = np.geomspace(1e-5, 1000, 200)
    found = range_test.advice(range_test.range_frame(rates, FALLING[None], [0]))
    assert found is not None
    assert found.highest is None


def test_seeds_without_a_rate_have_no_say_and_most_of_them_decide() -> None:
    good = np.concatenate([np.full(80, 2.0), np.linspace(2, 1, 60), np.geomspace(1, 1e6, 60)])
    rates = np.geomspace(1e-5, 10, 200)
    frame = range_test.range_frame(rates, np.array([good, good, FALLING]), range(3))
    row = range_test.suggestions(frame).set_index("rule").loc["minimum"]
    assert (row["found"], row["seeds"]) == (2, 3)
    assert row["low"] == row["high"]
    frame = range_test.range_frame(rates, np.array([good, FALLING, FALLING]), range(3))
    assert range_test.suggestions(frame)["suggestion"].isna().all()
    figure = figures.range_figure(frame, range_test.suggestions(frame))
    assert not figure.layout.shapes  # one seed diverged, not the median seed
