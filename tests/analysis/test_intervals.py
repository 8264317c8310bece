"""The interval of a difference, its estimate and its verdict: one consistent statement."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lrdash import analysis
from lrdash.analysis.verdicts.bounds import bounds
from lrdash.analysis.verdicts.flips import better_p, two_sided_p
from lrdash.analysis.verdicts.pairs import judged_pairs, paired
from lrdash.analysis.verdicts.scores import Scores
from tests.factories.frames import INF, NAN, framed, grid, judged, noisy, runs

Floats = NDArray[np.float64]


def scored(value: object) -> Scores:
    costs = np.asarray(value, dtype=np.float64)
    return Scores(rates=np.arange(1.0, len(costs) + 1), value=costs, least=costs)


def assert_consistent(pairs: pd.DataFrame) -> None:
    """The interval excludes 0 exactly where the verdict is decided, and holds the estimate."""
    for row in pairs.to_dict(orient="records"):
        if not np.isfinite(row["difference"]):
            assert np.isnan([row["low"], row["high"]]).all()
            continue
        excludes = row["low"] > 0 or row["high"] < 0
        assert excludes == (row["verdict"] != "no evidence"), row
        assert row["low"] < row["difference"] < row["high"] or row["low"] == row["high"], row


# The test, inverted


def test_with_one_rate_each_the_ends_are_means_of_some_seeds() -> None:
    """The k-th largest of all 2^n - 1 means, where 2 * k / 2^n first exceeds the level."""
    d = np.random.default_rng(2).normal(0.3, 1, 7)
    means = sorted(
        float(np.mean(some)) for size in range(1, 8) for some in combinations(d, size)
    )
    for level, place in ((0.05, 3), (0.02, 1), (0.5, 32)):
        assert place == int(level / 2 * 2**7)
        found = bounds(d[None, None], level, 0)
        assert found == pytest.approx((means[place - 1], means[-place]), abs=1e-7)


def test_what_is_inside_is_not_rejected_and_what_is_outside_is() -> None:
    random = np.random.default_rng(3)
    table = random.normal(0.4, 1, (3, 2, 9))
    low, high = bounds(table, 0.05, 0)
    for shift in (low + 1e-6, high - 1e-6, (low + high) / 2):
        assert two_sided_p(table - shift)[0] > 0.05
    for shift in (low - 1e-6, high + 1e-6):
        assert two_sided_p(table - shift)[0] <= 0.05


def test_more_seeds_and_a_weaker_level_give_a_narrower_interval() -> None:
    d = np.random.default_rng(4).normal(0, 1, (1, 1, 40))
    widths = [np.ptp(bounds(d[..., :n], 0.05, 0)) for n in (8, 14, 40)]
    assert widths == sorted(widths, reverse=True)
    assert np.ptp(bounds(d, 0.01, 0)) > np.ptp(bounds(d, 0.1, 0))


def test_many_seeds_agree_with_the_t_interval() -> None:
    from scipy import stats

    d = np.random.default_rng(5).normal(0.35, 1, 60)
    oracle = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert bounds(d[None, None], 0.05, 0) == pytest.approx((oracle.low, oracle.high), abs=0.03)


def test_too_few_seeds_have_an_interval_without_ends() -> None:
    d = np.random.default_rng(6).normal(5, 0.1, (1, 1, 6))
    assert bounds(d[..., :5], 0.05, 0) == (-INF, INF)
    low, high = bounds(d, 0.05, 1)
    assert 0 < low < d.mean() < high
    assert np.isnan(bounds(np.full((1, 1, 3), NAN), 0.05, 0)).all()


def test_equal_differences_are_their_own_interval() -> None:
    assert bounds(np.full((1, 1, 8), 0.3), 0.05, 1) == (0.3, 0.3)
    assert bounds(np.zeros((1, 1, 8)), 0.05, 0) == (0.0, 0.0)


def test_shifted_arms_have_a_shifted_interval() -> None:
    table = np.random.default_rng(7).normal(0, 1, (2, 2, 8))
    low, high = bounds(table, 0.05, 0)
    assert bounds(table + 3, 0.05, 1) == pytest.approx((low + 3, high + 3), abs=1e-6)
    turned = bounds(-table.swapaxes(0, 1), 0.05, 0)
    assert turned == pytest.approx((-high, -low), abs=1e-6)


def test_rates_that_might_be_the_best_widen_the_interval() -> None:
    random = np.random.default_rng(4)
    first, second = random.normal(0, 1, (3, 8)), random.normal(0, 1, (1, 8))
    best = first[[first.mean(axis=1).argmin()]]
    wide, alone = (
        bounds(paired(scored(arm), scored(second)), 0.05, 0) for arm in (first, best)
    )
    assert wide[0] <= alone[0] <= alone[1] <= wide[1]
    assert wide != alone


def test_a_rate_at_which_a_run_diverged_is_not_searched_but_must_be_beaten() -> None:
    good, other = np.array(noisy(0.1, 0)), np.array(noisy(0.9, 1))
    lost = np.where(np.arange(8) == 2, INF, good)
    plain = bounds(paired(scored([good]), scored([other])), 0.05, -1)
    assert bounds(paired(scored([good, lost]), scored([other])), 0.05, -1)[1] == plain[1]
    beaten = paired(scored([other]), scored([other + 1, lost]))
    assert better_p(beaten) > better_p(paired(scored([other]), scored([other + 1])))


# With the verdict


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 4), st.integers(1, 3), st.integers(1, 9), st.integers(0, 2**16),
    st.sampled_from(["normal", "wild", "ties", "diverged", "too high", "missing"]),
)
def test_interval_estimate_and_verdict_agree(
    arms: int, rates: int, seeds: int, seed: int, kind: str
) -> None:
    random = np.random.default_rng(seed)
    scores = {}
    for place in range(arms):
        value = random.normal(place * random.choice([0, 0.5, 2]), 1, (rates, seeds))
        if kind == "wild":
            value = np.where(random.random(value.shape) < 0.1, 300.0, value)
        if kind == "ties":
            value = np.round(value)
        if kind == "diverged":
            value = np.where(random.random(value.shape) < 0.1, INF, value)
        if kind == "too high":
            value[random.integers(rates)] = INF
        if kind == "missing":
            value = np.where(random.random(value.shape) < 0.1, NAN, value)
        scores[f"arm {place}"] = scored(value)
    for sign in (1.0, -1.0):
        pairs = judged_pairs(scores, sign)
        if kind != "missing":
            assert_consistent(pairs)
        else:
            known = pairs[np.isfinite(pairs["low"])]
            assert (known["low"] <= known["difference"]).all()
            assert (known["difference"] <= known["high"]).all()


def test_a_wild_run_does_not_put_the_estimate_at_the_end_of_its_interval() -> None:
    """Without its wild seed the low rate looks best, and is what that seed was judged at."""
    calm, wild = noisy(1.5, 0), noisy(0.9, 1)
    wild[1] = 300.0
    arms, curves = framed(
        [*grid({0.12: wild, 0.2: calm}, "constant"), *grid({0.12: noisy(0.6, 2)})], 1
    )
    found = analysis.judge(arms, curves)
    row, means = found.pairs.iloc[0], analysis.leaderboard(arms, curves)["final_val_loss"]
    assert_consistent(found.pairs)
    assert row["verdict"] == "worse"
    assert row["difference"] == pytest.approx(means[1] - means[0])
    assert 0 < row["low"] < row["difference"] < row["high"]


def test_the_order_is_that_of_the_leaderboard() -> None:
    """Judged at the rate that others chose, the best strategy would have a run that diverged."""
    lost = noisy(0.1, 0)
    lost[3] = INF
    arms, curves = framed([
        *grid({0.1: noisy(0.3, 1), 0.2: lost}, "step"), *grid({0.1: noisy(0.6, 2)}, "cosine"),
    ], 1)
    found = analysis.judge(arms, curves)
    assert found.order == tuple(analysis.leaderboard(arms, curves)["label"]) == ("Step", "Cosine")
    assert found.pairs["difference"].iloc[0] == pytest.approx(-0.3, abs=0.02)
    assert_consistent(found.pairs)


def test_the_interval_is_at_the_level_that_is_left_to_the_open_pairs() -> None:
    parts = [runs(name, noisy(mean, i, 9)) for i, (name, mean) in
             enumerate({"linear": 0.3, "cosine": 0.9, "constant": 0.301, "step": 0.302}.items())]
    found = judged(*parts)
    assert (found.pairs["verdict"] == "no evidence").sum() == 3
    assert_consistent(found.pairs)
    assert "an interval at 98.3%" in found.method
    row = found.pairs.iloc[1]
    d = np.array(noisy(0.3, 0, 9)) - np.array(noisy(0.301, 2, 9))
    assert (row["low"], row["high"]) == pytest.approx(bounds(d[None, None], 0.05 / 3, 0), abs=1e-9)


def test_intervals_of_accuracies_turn_with_their_sign() -> None:
    arms = [runs("step", noisy(0.2, 0)), runs("cosine", noisy(0.6, 1))]
    found = judged(*arms, metric="final_val_accuracy")
    assert_consistent(found.pairs)
    row = found.pairs.iloc[0]
    assert row["verdict"] == "better"
    assert 0 < row["low"] < row["difference"] < row["high"]
