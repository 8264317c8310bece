"""Verdicts on pairs of strategies, against closed forms and SciPy."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lrdash import analysis
from lrdash.analysis.verdicts.crossfit import cross_fitted
from lrdash.analysis.verdicts.effects import (
    fewest_seeds,
    improvement,
    paired_d,
    seeds_needed,
)
from lrdash.analysis.verdicts.flips import better_p, holm, signed_ranks, two_sided_p
from lrdash.analysis.verdicts.metrics import METRICS
from lrdash.analysis.verdicts.scores import Scores, scores
from lrdash.analysis.verdicts.survival import median_wait
from lrdash.core.errors import InvalidField, UnknownName
from tests.factories.frames import INF, NAN, framed, judged, noisy, runs

SEEDS = list(range(8))


# The test


@settings(max_examples=40)
@given(st.lists(st.floats(-10, 10, allow_subnormal=False), min_size=2, max_size=9))
def test_with_one_rate_each_the_p_value_is_that_of_scipy(differences: list[float]) -> None:
    d = np.round(differences, 3)
    oracle = stats.permutation_test(
        (d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="less"
    )
    assert better_p(d[None, None]) == pytest.approx(oracle.pvalue)


def test_the_p_value_is_counted_by_hand() -> None:
    p, ahead = two_sided_p(np.array([[[-1.0, -2.0, -4.0]]]))
    assert (p, ahead) == (2 / 2**3, True)
    # Of the sums 7, 5, 3 and 1, up to the sign, three are at least 3.
    assert two_sided_p(np.array([[[1.0, -2.0, 4.0]]]))[0] == 6 / 8


def test_many_seeds_are_sampled_and_agree_with_the_t_test() -> None:
    d = np.random.default_rng(0).normal(0.35, 1, 40)
    p = two_sided_p(d[None, None])[0]
    assert p == pytest.approx(stats.ttest_1samp(d, 0).pvalue, abs=0.01)
    assert p == two_sided_p(d[None, None])[0]
    assert better_p(np.full((1, 1, 40), -1.0)) == 1 / 20_000


def test_no_p_value_is_below_what_the_seeds_allow() -> None:
    for n in range(1, 8):
        assert better_p(np.full((1, 1, n), -1.0)) == 2.0**-n


def test_the_search_over_rates_is_repeated_in_every_flip() -> None:
    d = np.random.default_rng(3).normal(-0.3, 1, (3, 1, 7))
    scaled = -d / np.sqrt((d**2).sum(axis=2, keepdims=True))
    flips = np.array(list(product([1, -1], repeat=7)))
    largest = (scaled[:, 0] @ flips.T).max(axis=0)
    by_hand = (largest >= scaled[:, 0].sum(axis=1).max() - 1e-9).mean()
    assert better_p(d) == pytest.approx(by_hand)
    assert better_p(d) > better_p(d[[int(d.sum(axis=2)[:, 0].argmin())]])


def test_the_hardest_rate_of_the_other_arm_decides() -> None:
    easy, hard = np.full(6, -1.0), np.array([-1.0, -1, -1, 1, -1, -1])
    both = np.stack([easy, hard])[None]
    assert better_p(both) == better_p(hard[None, None]) > better_p(easy[None, None])


def test_missing_seeds_and_no_seeds_do_not_matter() -> None:
    assert better_p(np.array([[[-1.0, NAN, -2.0]]])) == better_p(np.array([[[-1.0, -2.0]]]))
    assert two_sided_p(np.full((1, 1, 3), NAN))[0] == 1
    assert two_sided_p(np.zeros((1, 1, 5)))[0] == 1


def test_infinite_differences_share_the_highest_rank() -> None:
    ranks = signed_ranks([INF, -0.5, 0.0, -INF, NAN, 2.0])
    assert ranks[:4].tolist() == [4.5, -2, 0, -4.5]
    assert np.isnan(ranks[4])
    assert ranks[5] == 3


def test_signed_ranks_test_as_wilcoxon_does() -> None:
    d = np.random.default_rng(1).normal(0.5, 1, 10)
    oracle = stats.wilcoxon(d, method="exact").pvalue
    assert two_sided_p(signed_ranks(d)[None, None])[0] == pytest.approx(oracle)


def test_holm_is_computed_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert len(holm([])) == 0


# Effects and seeds


def test_the_effect_is_shrunk_for_few_pairs() -> None:
    assert paired_d([1.0, 2.0, 3.0]) == pytest.approx(2 * (1 - 3 / 7))
    assert np.isnan(paired_d([1.0, 2.0]))
    assert paired_d([2.0, 2.0, 2.0]) == INF
    assert paired_d([0.0, 0.0, 0.0]) == 0


def test_improvement_counts_equal_seeds_half() -> None:
    assert improvement([-1.0, 0.0, 1.0, -2.0]) == pytest.approx(2.5 / 4)
    assert np.isnan(improvement([NAN]))


def test_fewer_seeds_than_the_floor_never_suffice() -> None:
    assert [fewest_seeds(0.05 / pairs) for pairs in (1, 3, 10, 28)] == [6, 7, 9, 11]
    for level in (0.05, 0.05 / 28):
        assert seeds_needed(INF, level) == fewest_seeds(level)
        assert 2 / 2 ** fewest_seeds(level) <= level < 2 / 2 ** (fewest_seeds(level) - 1)


def test_weaker_effects_and_stricter_levels_need_more_seeds() -> None:
    assert seeds_needed(0.5, 0.05) == 34  # as in tables of the paired t test
    needed = [seeds_needed(d, 0.05) for d in (3.0, 1.0, 0.5, 0.3)]
    assert needed == sorted(needed)
    assert seeds_needed(0.5, 0.01) > seeds_needed(0.5, 0.05)
    assert seeds_needed(0.01, 0.05) == INF
    assert seeds_needed(0.0, 0.05) == seeds_needed(NAN, 0.05) == INF


# Peak rates


def test_each_seed_is_judged_at_the_rate_that_the_others_chose() -> None:
    value = np.array([[1.0, 1.0, 9.0], [2.0, 2.0, 0.0]])
    arm = cross_fitted(Scores(rates=np.array([0.1, 0.2]), value=value, least=value))
    assert arm.rate.tolist() == [0.2, 0.2, 0.1]  # without seed 2 the first rate is best
    assert arm.value.tolist() == [2.0, 2.0, 9.0]
    assert arm.flattery == pytest.approx(13 / 3 - 4 / 3)


def test_one_seed_has_only_itself_to_choose_by() -> None:
    value = np.array([[1.0], [0.5]])
    arm = cross_fitted(Scores(rates=np.array([0.1, 0.2]), value=value, least=value))
    assert arm.rate.tolist() == [0.2]
    assert arm.flattery == 0


def test_a_rate_at_which_another_run_diverged_is_not_chosen() -> None:
    value = np.array([[0.1, INF, 0.1], [2.0, 2.0, 2.0]])
    arm = cross_fitted(Scores(rates=np.array([0.1, 0.2]), value=value, least=value))
    assert arm.rate.tolist() == [0.2, 0.1, 0.2]
    assert np.isinf(arm.value[1])


# Times


def test_the_median_is_that_of_kaplan_and_meier() -> None:
    random = np.random.default_rng(6)
    for _ in range(30):
        time, censored = random.integers(1, 12, 9) * 1.0, random.random(9) < 0.3
        found = median_wait(np.where(censored, NAN, time), time)
        data = stats.CensoredData.right_censored(time, censored)
        curve = stats.ecdf(data).sf
        below = curve.quantiles[curve.probabilities < 0.5 - 1e-9]
        level = curve.quantiles[np.abs(curve.probabilities - 0.5) < 1e-9]
        events = np.unique(time[~censored])
        if len(level):
            later = events[events > level.min()]
            expected = (level.min() + later[0]) / 2 if len(later) else NAN
        else:
            expected = below.min() if len(below) else NAN
        assert found == pytest.approx(expected, nan_ok=True)


def test_runs_that_never_get_there_are_slower_than_all_that_do() -> None:
    fast = [("step", 0.1, seed, "finished", [1.0, 0.1]) for seed in SEEDS]
    never = [("cosine", 0.1, seed, "finished", [1.0, 0.9]) for seed in SEEDS]
    found = judged(fast, never, metric="epochs_to_target", target=0.5)
    assert found.pairs[["difference", "verdict"]].iloc[0].tolist() == [-INF, "better"]
    assert found.pairs["seeds"].iloc[0] == 8
    assert "Target not reached" in found.method


def test_an_unfinished_run_is_slower_only_than_those_it_has_outlived() -> None:
    there = [("step", 0.1, 0, "finished", [0.1]), ("step", 0.1, 1, "finished", [1.0, 1.0, 0.1])]
    late = [("cosine", 0.1, seed, "running", [1.0, 1.0]) for seed in (0, 1)]
    arms, curves = framed([*there, *late], 3)
    found = analysis.judge(arms, curves, metric="epochs_to_target", target=0.5)
    assert found.pairs["seeds"].iloc[0] == 1
    assert found.pairs["difference"].iloc[0] == -INF
    assert found.provisional


# Scores


def test_the_area_is_the_mean_over_all_epochs_with_the_last_value_held() -> None:
    arms, curves = framed([
        ("step", 0.1, 0, "finished", [4.0, 2.0]), ("step", 0.1, 1, "finished", [4.0, 2, 2, 2]),
        ("step", 0.1, 2, "running", [4.0, 2.0]), ("step", 0.1, 3, "diverged", [4.0, INF]),
    ])
    found, seeds = scores(arms, curves, METRICS["area_val_loss"])
    assert seeds.tolist() == [0, 1, 2, 3]
    assert found["Step"].value.tolist() == [[2.5, 2.5, 3.0, INF]]


def test_a_higher_accuracy_is_better() -> None:
    arms = [runs("step", noisy(0.2, 0)), runs("cosine", noisy(0.6, 1))]
    loss = judged(*arms).pairs.iloc[0]
    accuracy = judged(*arms, metric="final_val_accuracy").pairs.iloc[0]
    assert loss["verdict"] == accuracy["verdict"] == "better"
    assert loss["difference"] < 0 < accuracy["difference"]
    assert accuracy["low"] <= accuracy["difference"] <= accuracy["high"]


def test_what_a_metric_lacks_is_reported() -> None:
    arms, curves = framed(runs("step", [0.1, 0.2]), 2)
    with pytest.raises(UnknownName, match="Did you mean 'final_val_loss'"):
        analysis.judge(arms, metric="final_val_los")
    with pytest.raises(InvalidField, match="curves must be given"):
        analysis.judge(arms, metric="area_val_loss")
    with pytest.raises(InvalidField, match="target must be given"):
        analysis.judge(arms, curves, metric="epochs_to_target")
    with pytest.raises(UnknownName, match="No baseline named 'Stop'"):
        analysis.judge(arms, baseline="Stop")
    with pytest.raises(InvalidField, match="must be one that these runs have"):
        analysis.judge(arms.assign(final_val_accuracy=NAN), metric="final_val_accuracy")


# Verdicts


def test_a_strategy_is_no_better_than_itself_under_another_name() -> None:
    losses = noisy(0.5, 0, 12)
    found = judged(runs("step", losses), runs("cosine", losses))
    pair = found.pairs.iloc[0]
    assert (pair["verdict"], pair["p"], pair["difference"]) == ("no evidence", 1.0, 0.0)
    assert pair["seeds_needed"] == INF
    assert found.more_seeds == 0
    assert "50 more seeds would probably not change that" in found.sentence


def test_a_clear_difference_is_decided_once_there_are_enough_seeds() -> None:
    for count, verdict in ((5, "no evidence"), (6, "better")):
        found = judged(runs("step", noisy(0.1, 0, count)), runs("cosine", noisy(0.9, 1, count)))
        assert found.pairs["verdict"].iloc[0] == verdict
        assert found.more_seeds == 6 - count
    assert "**Step** is better than **Cosine**. Every pair is decided." in found.sentence


def test_lost_runs_count_as_the_worst_and_stay_in() -> None:
    good, lost = noisy(0.5, 0), [0.1] * 4 + [INF] * 4
    found = judged(runs("step", good), runs("cosine", lost)).pairs.iloc[0]
    assert found["seeds"] == 8
    assert found["difference"] == -INF
    assert np.isnan([found["low"], found["high"]]).all()
    assert found["verdict"] == "no evidence"  # better in four seeds, worse in four
    every = judged(runs("step", good), runs("cosine", [INF] * 8)).pairs.iloc[0]
    assert every["verdict"] == "better"


def test_unfinished_runs_make_it_provisional() -> None:
    first = [("step", 0.1, seed, "running", [1.0]) for seed in range(3)]
    found = judged(first, runs("cosine", [0.5, 0.6, 0.7]))
    assert found.provisional
    assert "provisional" in found.sentence
    assert "provisional" in found.method
    assert not judged(runs("step", [0.1]), runs("cosine", [0.2])).provisional


def test_one_seed_decides_nothing() -> None:
    found = judged(runs("step", [0.1]), runs("cosine", [0.9]))
    assert found.sentence.startswith("One seed decides nothing")
    assert "with 6." in found.sentence
    assert found.more_seeds == 5


@pytest.mark.parametrize("rates", [1, 2])
def test_two_seeds_promise_nothing(rates: int) -> None:
    arms = [runs(name, noisy(mean, rate, 2), 0.1 * rate)
            for name, mean in (("step", 0.1), ("cosine", 0.9)) for rate in range(1, rates + 1)]
    found = judged(*arms)
    assert found.sentence == (
        "By final validation loss: no evidence of a difference between **Step** and **Cosine**: "
        f"two seeds decide nothing, a clear difference can show with {5 + rates}."
    )
    assert found.more_seeds == 3 + rates
    assert found.pairs["seeds_needed"].isna().all()
    assert (found.pairs[["low", "high"]].abs() == INF).all(axis=None)


def test_pairs_of_few_seeds_beside_others_promise_nothing() -> None:
    few = runs("linear", noisy(0.5, 2, 2))
    found = judged(runs("step", noisy(0.5, 0)), runs("cosine", noisy(0.9, 1)), few)
    assert found.sentence.endswith(
        "No evidence of a difference between **Linear** and **Step**: two seeds decide nothing, a "
        "clear difference can show with 7."
    )
    assert found.more_seeds == 5  # until the pairs with two seeds can be decided


def test_one_strategy_and_no_strategy_are_reported() -> None:
    assert "nothing to compare it with" in judged(runs("step", [0.1, 0.2])).sentence
    empty = judged([])
    assert empty.pairs.empty
    assert list(empty.pairs) == list(judged(runs("step", [0.1])).pairs)


def test_arms_of_equal_standing_are_reported_together() -> None:
    arms = {"linear": 0.3, "cosine": 0.3, "constant": 0.9}
    found = judged(*(runs(name, noisy(m, i, 9)) for i, (name, m) in enumerate(arms.items())))
    words = analysis.without_markdown(found.sentence)
    names = " and ".join(found.order[:2])
    assert f"{names} are better than Constant. No evidence of a difference between " in words


def test_eight_strategies_take_two_sentences() -> None:
    names = ["constant", "step", "cosine", "linear", "plateau", "wsd", "one_cycle", "polynomial"]
    found = judged(*(runs(name, noisy(0.5 + i % 3, i, 12)) for i, name in enumerate(names)))
    assert len(found.pairs) == 28
    assert found.sentence.count(". ") <= 1
    assert len(found.sentence) < 400


def test_a_baseline_turns_the_sentence_and_the_view() -> None:
    arms = {"linear": 0.3, "cosine": 0.9, "constant": 0.6}
    parts = [runs(name, noisy(mean, i, 9)) for i, (name, mean) in enumerate(arms.items())]
    found = judged(*parts, baseline="Constant")
    assert "with **Constant**, **Linear** is better; **Cosine** is worse." in found.sentence
    view = analysis.against(found)
    assert view["label"].tolist() == ["Linear", "Cosine"]
    assert view["verdict"].tolist() == ["better", "worse"]
    assert view["difference"].iloc[0] < 0 < view["difference"].iloc[1]
    assert (view["low"] <= view["difference"]).all()
    matrix = analysis.verdict_matrix(found)
    assert matrix.loc["Linear", "Cosine"] == "better"
    assert matrix.loc["Cosine", "Linear"] == "worse"
    assert matrix.loc["Linear", "Linear"] == ""


def test_names_are_shown_letter_by_letter() -> None:
    arms, _ = framed(runs("step", [0.1, 0.2]) + runs("cosine", [0.3, 0.4]), 2)
    arms["label"] = arms["label"].replace("Step", "a_b *c* [d](e)")
    found = analysis.judge(arms)
    assert r"**a\_b \*c\* \[d\]\(e\)**" in found.sentence
    assert "a_b *c* [d](e)" in analysis.without_markdown(found.sentence)


def test_the_input_of_a_judgement_stays_as_it_is() -> None:
    arms, curves = framed(runs("step", noisy(0.1, 0)) + runs("cosine", noisy(0.2, 1)), 2)
    before = arms.copy(deep=True), curves.copy(deep=True)
    analysis.judge(arms, curves, metric="area_val_loss")
    pd.testing.assert_frame_equal(arms, before[0])
    pd.testing.assert_frame_equal(curves, before[1])


@pytest.mark.parametrize("ends", [("diverged", "failed"), ("finished", "finished")])
def test_arms_that_all_lost_their_runs_are_not_judged(ends: tuple[str, str]) -> None:
    arms, curves = framed([
        (strategy, 0.1, seed, status, [4.0, INF])
        for strategy, status in zip(("step", "cosine"), ends, strict=True) for seed in range(3)
    ])
    shown = analysis.judge(arms, curves)
    assert shown.sentence == (
        "By final validation loss: every run diverged or failed, so there is no verdict. "
        "Lower peak rates may help."
    )
    assert shown.more_seeds == 0
    assert np.isnan(shown.pairs["difference"][0])
    one_seed, its_curves = framed([
        (strategy, 0.1, 0, "diverged", [INF]) for strategy in ("step", "cosine")
    ])
    assert "every run diverged or failed" in analysis.judge(one_seed, its_curves).sentence


def test_a_target_that_nobody_reaches_is_reported() -> None:
    arms, curves = framed([
        (strategy, 0.1, seed, "finished", [4.0, 3.0])
        for strategy in ("step", "cosine") for seed in range(3)
    ])
    shown = analysis.judge(arms, curves, metric="epochs_to_target", target=1.0)
    assert shown.sentence == (
        "By epochs to the target: no run of any strategy reached it, so there is no verdict."
    )
