"""Verdicts compared with known answers: simulated comparisons whose answer is known.

Each test prints what it measured; `docs/statistics.md` has the table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from lrdash.analysis.verdicts.effects import ALPHA, seeds_needed
from lrdash.analysis.verdicts.flips import holm, two_sided_p
from lrdash.analysis.verdicts.pairs import OPEN, judged_pairs, paired
from lrdash.analysis.verdicts.pairs import tested as judged_scores
from lrdash.analysis.verdicts.scores import Scores

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1200)]
Floats = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Floats]
TRIALS = 2000
COMPARISONS = 1000  # of equal strategies, in each setting
# What 2,000 trials may show above 5% by chance: 3 standard errors.
SLACK = 3 * (ALPHA * (1 - ALPHA) / TRIALS) ** 0.5


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.normal(0, 1, shape)


def skewed(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.exponential(1, shape) - 1


def heavy(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return random.standard_t(2.5, shape)


def losing(random: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    return np.where(random.random(shape) < 0.1, np.inf, random.normal(0, 1, shape))


NOISES = [normal, skewed, heavy, losing]


def simulated(
    random: np.random.Generator, means: Sequence[Sequence[float]], seeds: int, noise: Noise
) -> dict[str, Scores]:
    """Arms at several rates, all with the same share of each seed."""
    share = random.normal(0, 2, seeds)
    arms = {}
    for place, bowl in enumerate(means):
        value = np.asarray(bowl)[:, None] + share + noise(random, (len(bowl), seeds))
        scores = Scores(rates=np.arange(1.0, len(bowl) + 1), value=value, least=value)
        arms[f"arm {place}"] = scores
    return arms


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(
    ("arms", "rates", "seeds"), [(2, 1, 6), (2, 3, 8), (2, 5, 12), (4, 3, 10), (8, 3, 12)]
)
def test_equal_strategies_are_found_different_in_at_most_one_of_twenty_comparisons(
    noise: Noise, arms: int, rates: int, seeds: int
) -> None:
    random = np.random.default_rng(arms * 100 + rates * 10 + seeds)
    alarms = 0
    for _ in range(COMPARISONS):
        p, _ = judged_scores(simulated(random, [[0.0] * rates] * arms, seeds, noise))
        alarms += bool((holm(p) <= ALPHA).any())
    share = alarms / COMPARISONS
    what = f"{arms} arms, {rates} rates, {seeds} seeds, {noise.__name__}"
    print(f"\nfalse alarms: {what}: {share:.2%}")
    assert share <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / COMPARISONS) ** 0.5


def test_a_strategy_with_more_rates_to_choose_from_is_not_flattered() -> None:
    random = np.random.default_rng(1)
    honest, naive, alarms, naive_alarms = [], [], 0, 0
    for _ in range(TRIALS):
        grids = [random.normal(0, 1, (rates, 10)) for rates in (8, 1)]
        arms = [Scores(rates=np.arange(1.0, len(g) + 1), value=g, least=g) for g in grids]
        pairs = judged_pairs({"many": arms[0], "one": arms[1]})
        honest.append(float(pairs["difference"].iloc[0]))
        best = grids[0][grids[0].mean(axis=1).argmin()] - grids[1][0]
        naive.append(best.mean())
        alarms += pairs["verdict"].iloc[0] != OPEN
        naive_alarms += two_sided_p(best[None, None])[0] <= ALPHA
    print(
        f"\n8 equal rates against 1, 10 seeds: bias {np.mean(honest):+.3f} with rates chosen on "
        f"other seeds, {np.mean(naive):+.3f} on the same; false alarms {alarms / TRIALS:.2%}; of a "
        f"plain test at the best rates {naive_alarms / TRIALS:.2%}"
    )
    assert abs(np.mean(honest)) < 0.1  # where the interval rejects it, the leaderboard's counts
    assert np.mean(naive) < -0.3
    assert alarms / TRIALS <= ALPHA + SLACK
    assert naive_alarms / TRIALS > 2 * ALPHA


@pytest.mark.parametrize("seeds", [6, 8, 12])
@pytest.mark.parametrize("bowl", [[0.0], [0.0, 3.0, 6.0], [0.0, 0.0, 0.0]])
def test_intervals_hold_the_true_difference_as_often_as_they_say(
    bowl: list[float], seeds: int
) -> None:
    random = np.random.default_rng(seeds)
    held = 0
    for _ in range(TRIALS):
        arms = simulated(random, [[x + 1.5 for x in bowl], bowl], seeds, normal)
        shown = judged_pairs(arms).iloc[0]
        held += shown["low"] <= 1.5 <= shown["high"]
        assert (shown["low"] > 0 or shown["high"] < 0) == (shown["verdict"] != OPEN)
        assert shown["low"] < shown["difference"] < shown["high"]
    share = held / TRIALS
    print(f"\ncoverage of 95% intervals: bowl {bowl}, {seeds} seeds: {share:.2%}")
    assert share >= 0.935
    assert len(bowl) > 1 or share <= 0.98  # with 6 seeds, 31 of 32 is the nearest to 95%


@pytest.mark.parametrize("bowl", [[0.0], [0.0, 4.0, 8.0], [0.0, 1.0, 4.0]])
@pytest.mark.parametrize("pairs", [1, 3, 28])
@pytest.mark.parametrize("effect", [0.5, 0.8, 1.2, 2.0, 3.0])
def test_the_seeds_said_to_be_needed_are_enough_four_times_in_five(
    effect: float, pairs: int, bowl: list[float]
) -> None:
    level = ALPHA / pairs
    needed = seeds_needed(effect, level / len(bowl))
    random = np.random.default_rng(int(needed))
    trials, found = 200, 0
    gap = effect * 2**0.5  # of differences between two runs with noise of 1
    for _ in range(trials):
        bowls = [bowl, [x + gap for x in bowl]]
        p, ahead = two_sided_p(paired(*simulated(random, bowls, int(needed), normal).values()))
        found += ahead and p <= level
    power = found / trials
    print(f"\npower: effect {effect}, {pairs} pairs, bowl {bowl}, {needed:.0f} seeds: {power:.1%}")
    assert power >= 0.68


def test_judging_again_after_adding_seeds_costs_what_the_docs_say() -> None:
    random = np.random.default_rng(5)
    alarms = second = 0
    for _ in range(TRIALS):
        differences = random.normal(0, 1, (1, 1, 14))
        first_look = two_sided_p(differences[..., :7])[0] <= ALPHA
        alarms += first_look
        second += first_look or two_sided_p(differences)[0] <= ALPHA
    print(f"\nfalse alarms: one look {alarms / TRIALS:.2%}, two looks {second / TRIALS:.2%}")
    assert alarms / TRIALS <= ALPHA + SLACK
    assert second / TRIALS <= 0.10


def test_strategies_with_one_clear_best_rate_are_found_different_no_more_often() -> None:
    random = np.random.default_rng(8)
    alarms = 0
    for _ in range(COMPARISONS):
        p, _ = judged_scores(simulated(random, [[0.0, 4.0, 8.0], [5.0, 0.0, 6.0]], 10, normal))
        alarms += p[0] <= ALPHA
    print(f"\nfalse alarms: clear best rates, 10 seeds: {alarms / COMPARISONS:.2%}")
    assert alarms / COMPARISONS <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / COMPARISONS) ** 0.5
