"""Gradient descent on the surfaces: by hand, under every strategy, and in words."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from lrdash.core.errors import InvalidField, UnknownName
from lrdash.strategies import STRATEGIES, preview
from lrdash.teaching import SURFACES, compare_in_words, descend, path_in_words
from lrdash.teaching.descent import limit
from lrdash.teaching.description import noise_floor, settled

BOWL, RAVINE, NOISY = SURFACES["bowl"], SURFACES["ravine"], SURFACES["noisy"]
TWO = SURFACES["two_valleys"]


def test_a_constant_rate_on_the_bowl_multiplies_the_distance_by_one_minus_rate() -> None:
    path = descend(BOWL, "constant", base_lr=1.5, steps=5, start=[2.0])
    np.testing.assert_allclose(path.places[:, 0], 2.0 * (-0.5) ** np.arange(6))
    np.testing.assert_allclose(path.losses, 2.0 * 0.25 ** np.arange(6))
    assert path.crossings == (1, 2, 3, 4, 5)
    assert path.limits.tolist() == [2.0] * 6


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_rates_are_those_of_the_preview_to_the_bit(strategy: str) -> None:
    path = descend(RAVINE, strategy, base_lr=0.09, steps=60)
    watched = path.losses[1:].tolist() if STRATEGIES[strategy].kind == "rule" else None
    assert path.ended == "done"
    assert path.rates.tolist() == preview(
        strategy, base_lr=0.09, epochs=60, monitored=watched
    ).tolist()


def test_each_step_goes_against_the_slope_as_far_as_the_rate_says() -> None:
    for surface in SURFACES.values():
        path = descend(surface, "cosine", base_lr=surface.base_lr / 2, steps=20)
        noise = surface.noise * np.random.default_rng(0).standard_normal(
            (500, surface.dimensions)
        )
        for step, (here, there) in enumerate(pairwise(path.places)):
            slope = surface.gradient(here) + noise[step]
            np.testing.assert_allclose(there, here - path.rates[step] * slope, atol=1e-15)


def test_a_plateau_rule_watches_the_loss_and_cuts_when_it_stands_still() -> None:
    path = descend(RAVINE, "plateau", {"patience": 2}, base_lr=0.1, steps=40, start=[0.0, 0.8])
    assert path.losses[0] == pytest.approx(path.losses[3])  # exactly at the limit it only bounces
    assert path.rates[:4].tolist() == [0.1, 0.1, 0.1, 0.05]
    assert path.losses[-1] < 1e-20


def test_a_warm_up_stands_in_front() -> None:
    path = descend(RAVINE, "constant", base_lr=0.08, steps=10, warmup_steps=4)
    assert path.rates[:5].tolist() == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.08])


@pytest.mark.parametrize(("share", "ended"), [(0.99, "done"), (1.01, "diverged")])
def test_the_limit_parts_walks_that_stay_from_those_that_climb(share: float, ended: str) -> None:
    for surface in (BOWL, RAVINE):
        rate = share * float(descend(surface, "constant", base_lr=0.01, steps=1).limits[0])
        path = descend(surface, "constant", base_lr=rate, steps=500)
        assert path.ended == ended
        assert surface.inside(path.places[-1]) == (ended == "done")


def test_a_walk_ends_at_the_first_place_outside_of_the_picture() -> None:
    path = descend(RAVINE, "constant", base_lr=0.115, steps=50)
    assert path.steps < 10
    assert len(path.losses) == len(path.curvatures) == path.steps + 1
    assert all(RAVINE.inside(place) for place in path.places[:-1])
    assert not RAVINE.inside(path.places[-1])
    assert path.losses[-1] > path.losses[0]


def test_a_walk_can_leave_the_picture_without_climbing() -> None:
    path = descend(TWO, "constant", base_lr=20.0, steps=50, start=[-1.7, 1.9])
    assert path.ended in ("left", "diverged")
    lower = descend(RAVINE, "constant", base_lr=1.5, steps=50, start=[-2.9, 0.0])
    assert (lower.ended, lower.steps) == ("left", 1)
    assert lower.losses[-1] < lower.losses[0]


def test_equal_seeds_give_equal_noise_whatever_the_strategy() -> None:
    first = descend(NOISY, "constant", base_lr=0.2, steps=30, seed=3)
    again = descend(NOISY, "linear", base_lr=0.2, steps=30, seed=3)
    other = descend(NOISY, "constant", base_lr=0.2, steps=30, seed=4)
    assert first.places[1].tolist() == again.places[1].tolist()
    assert first.places[1].tolist() != other.places[1].tolist()


def test_noise_holds_a_constant_rate_at_the_height_that_theory_says() -> None:
    ends = [
        descend(NOISY, "constant", base_lr=0.1, steps=500, seed=seed).losses[-200:].mean()
        for seed in range(12)
    ]
    floor = noise_floor(NOISY, 0.1)
    assert floor == pytest.approx(0.1 * 0.64 * (1 / (2 * 1.95) + 1 / (2 * 1.6)))
    assert np.mean(ends) == pytest.approx(floor, rel=0.15)
    assert noise_floor(NOISY, 0.5) is None


def test_there_is_no_limit_where_the_surface_bends_down() -> None:
    path = descend(TWO, "constant", base_lr=0.01, steps=1, start=[-1.6, 0.0])
    here, _ = TWO.curvature(np.array([0.0, 0.0]))
    assert path.limits[0] == pytest.approx(2 / path.curvatures[0])
    assert here > 0
    assert np.isnan(limit(np.array([-1.0, 0.0]))).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps must be a whole number between 1 and 500, got 0"),
        ({"steps": 501}, "steps must be a whole number between 1 and 500, got 501"),
        ({"base_lr": 0}, "base_lr must be above 0"),
        ({"start": [0.0]}, r"start must be a place in the picture \(-3 to 1 and -1.2 to 1.2\)"),
        ({"start": [9.0, 0.0]}, "start must be a place in the picture"),
        ({"start": ["a", 0.0]}, "start must be a place in the picture"),
        ({"params": {"monitor": "val_accuracy"}}, "plateau.monitor must be one of val_loss, loss"),
        ({"warmup_steps": 10}, "warmup_epochs must be shorter than the training"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict[str, object], message: str) -> None:
    usual = {"base_lr": 0.1, "steps": 10, "params": None} | changes
    with pytest.raises(InvalidField, match=message):
        descend(RAVINE, "plateau", **usual)  # type: ignore[arg-type]


def test_an_unknown_strategy_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'cosine'"):
        descend(RAVINE, "cosin", base_lr=0.1, steps=10)


def test_words_say_why_a_constant_rate_bounces_and_a_decayed_one_settles() -> None:
    constant = descend(RAVINE, "constant", base_lr=0.099, steps=60)
    cosine = descend(RAVINE, "cosine", base_lr=0.099, steps=60)
    bouncing = path_in_words(RAVINE, constant, "Constant")
    assert "at 60 of 60 steps, until the end" in bouncing
    assert "99.0% of the limit 0.1" in bouncing
    assert "0.980 times as far out, so it bounces" in bouncing
    falling = path_in_words(RAVINE, cosine, "Cosine")
    last = cosine.crossings[-1]
    assert f"the last time at step {last}" in falling
    assert cosine.rates[last] < 0.05 <= cosine.rates[last - 1] * 1.001
    assert "1 / curvature (0.05)" in falling
    assert "settles" in falling
    both = compare_in_words([constant, cosine], ["Constant", "Cosine"])
    assert both.startswith("Cosine ends lowest")
    assert f"{settled(constant) / settled(cosine):.3g} times that" in both


@pytest.mark.parametrize(
    ("surface", "rate", "said"),
    [
        ("ravine", 0.03, "never jumps over the floor: its rate stays below 1 / curvature (60.0%"),
        ("ravine", 0.12, "above the limit 0.1 there, and such a step lands 1.40 times as far"),
        ("bowl", 1.05, "the last time at step 8. By then it has reached the bottom"),
        ("two_valleys", 0.05, "in the narrow valley, whose limit is 0.194 at its bottom"),
        ("noisy", 0.2, "Its rate is still 0.2, so the noise of every step scatters it"),
    ],
)
def test_words_follow_what_the_walk_did(surface: str, rate: float, said: str) -> None:
    path = descend(SURFACES[surface], "constant", base_lr=rate, steps=60)
    assert said in path_in_words(SURFACES[surface], path, "Constant")


def test_words_know_that_the_best_rate_jumps_and_falls_in_all_the_same() -> None:
    path = descend(BOWL, "constant", base_lr=1.3, steps=15)
    assert "close enough to the best rate 1 / curvature" in path_in_words(BOWL, path, "Constant")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("surface", SURFACES)
def test_every_walk_can_be_reported(surface: str, strategy: str) -> None:
    on = SURFACES[surface]
    paths = [descend(on, strategy, base_lr=on.base_lr * part, steps=on.steps)
             for part in (0.1, 1.0, 3.0)]
    for path in paths:
        found = path_in_words(on, path, "Walk")
        assert found.startswith("**Walk** ")
        assert found.endswith(".")
        assert "nan" not in found
    assert compare_in_words(paths, ["a", "b", "c"])


def test_paths_that_all_leave_are_reported_so() -> None:
    gone = descend(RAVINE, "constant", base_lr=0.2, steps=10)
    kept = descend(RAVINE, "constant", base_lr=0.02, steps=10)
    assert compare_in_words([gone, gone], ["a", "b"]).startswith("No path stayed")
    assert compare_in_words([gone, kept], ["a", "b"]).endswith("a left the picture.")
    assert compare_in_words([kept], ["b"]) == ""
