"""The walk through a callback: equal to the real one, and shown with the right numbers."""

from __future__ import annotations

import doctest
import importlib
import math
from typing import Any

import keras
import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.strategies.custom import Custom
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.program import RateProgram
from lrdash.teaching import EXAMPLES, Recorded, Walk, remarks, walk_plateau, walk_scheduler
from lrdash.teaching.moments import held
from tests.factories.settings import any_rule, series
from tests.factories.training import Model, Rounded, callback_of


def walked(rule: Plateau, *values: float, base_lr: float = 0.1, lead: Any = ()) -> Walk:
    return walk_plateau(rule, Recorded(values=values, base_lr=base_lr, lead=lead))


def shown(walk: Walk, place: int) -> dict[str, tuple[str, str]]:
    """The variables of a moment: name to (before, after)."""
    return {v.name: (v.was or v.now, v.now) for v in walk.moments[place].variables}


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize("block", range(3))
def test_each_moment_is_what_the_real_keras_callback_did(block: int) -> None:
    random = np.random.default_rng(200 + block)
    for _ in range(250):
        rule, values = any_rule(random), series(random)
        callback, optimizer = callback_of(rule), Rounded(0.1)
        callback.set_model(Model(optimizer))
        callback.on_train_begin()
        walk = walked(rule, *values)
        for place, moment in enumerate(walk.moments):
            rate, best = float(optimizer.learning_rate), callback.best
            callback.on_epoch_end(place, {rule.monitor: values[place]})
            state = shown(walk, place)

            assert state["wait"][1] == str(callback.wait)
            assert state["cooldown"][1] == str(callback.cooldown_counter)
            assert state["best"][1] == f"{callback.best:.6g}"
            assert float(state["in float32"][1]) == pytest.approx(
                float(optimizer.learning_rate), rel=1e-6
            )
            assert moment.rate_after == pytest.approx(float(optimizer.learning_rate), rel=1e-6)
            assert (moment.outcome == "cut") == (float(optimizer.learning_rate) < rate)
            improved = best is None or not same(callback.best, best)
            assert (moment.outcome == "improved") == improved
            cut = moment.outcome == "cut"
            assert (moment.outcome == "resting") == (
                callback.in_cooldown() and not improved and not cut
            )


def test_the_real_scheduler_of_keras_sets_the_same_rates() -> None:
    strategy = Custom(expression="lr * 0.7 if epoch % 3 == 2 else lr")
    program = RateProgram(strategy, base_lr=0.1, epochs=20, steps_per_epoch=4)
    optimizer = Rounded(0.1)
    callback = keras.callbacks.LearningRateScheduler(
        lambda epoch, lr: float(lr * 0.7 if epoch % 3 == 2 else lr)
    )
    callback.set_model(Model(optimizer))

    moments = walk_scheduler(program).moments

    assert [m.epoch for m in moments] == list(range(20))
    for moment in moments:
        callback.on_epoch_begin(moment.epoch)
        assert moment.rate_after == pytest.approx(float(optimizer.learning_rate), rel=2e-6)
        assert float(held(moment.rate_after)) == np.float32(moment.rate_after)


def test_a_cut_shows_every_step_that_led_to_it_in_numbers() -> None:
    walk = walked(Plateau(patience=3, cooldown=2), 0.4119, 0.412, 0.4119, 0.41185, base_lr=0.05)
    cut = walk.moments[-1]

    assert cut.words == "0.41185 is not below best 0.4119 - 0.0001: wait 3 of 3, rate 0.05 to 0.025"
    assert cut.notes == {
        0: "0.41185", 2: "0.41185 is not below best 0.4119 - 0.0001", 4: "wait 2 to 3",
        5: "3 >= 3: yes", 6: "0.05 × 0.5 = 0.025", 7: "wait 3 to 0, cooldown 0 to 2",
    }
    assert walk.steps[cut.step].title == "Cut the rate, but not below the lowest"
    assert shown(walk, 3) == {
        "value": ("0.41185", "0.41185"), "best": ("0.4119", "0.4119"), "wait": ("3", "0"),
        "cooldown": ("0", "2"), "rate": ("0.05", "0.025"),
        "in float32": ("0.0500000007", "0.0250000004"),
    }
    assert walk.cuts == (4,)
    assert cut.bar == pytest.approx(0.4118)


def test_a_better_value_lights_the_step_that_keeps_it() -> None:
    moment = walked(Plateau(), 0.4, 0.5, 0.35).moments[-1]
    assert (moment.outcome, moment.step) == ("improved", 3)
    assert moment.notes == {
        0: "0.35", 2: "0.35 is a new best, 0.4 before", 3: "best 0.4 to 0.35, wait 1 to 0",
    }


def test_a_cooldown_rests_and_then_counts_again() -> None:
    walk = walked(Plateau(patience=1, cooldown=2), 1.0, 1.0, 1.0, 1.0)
    assert [m.outcome for m in walk.moments] == ["improved", "cut", "resting", "cut"]
    assert walk.moments[2].notes[1] == "cooldown 2 to 1"
    assert walk.moments[2].notes[4] == "resting: nothing is counted"
    assert walk.moments[3].notes[1] == "cooldown 1 to 0"


def test_torch_waits_one_epoch_longer_and_has_its_own_order_of_steps() -> None:
    walk = walked(Plateau(rules="torch", patience=1, cooldown=1), 1.0, 1.0, 1.0, 1.0)
    assert [m.outcome for m in walk.moments] == ["improved", "waited", "cut", "resting"]
    assert walk.moments[2].notes[5] == "2 > 1: yes"
    assert walk.moments[3].notes[4] == "cooldown 1 to 0"
    assert walk.steps[walk.moments[3].step].title == "Rest during the cooldown"
    assert "in float32" not in shown(walk, 2)


@pytest.mark.parametrize(
    ("rules", "note", "again"),
    [("keras", "already at the lowest rate, 0.1", False),
     ("torch", "already at the lowest rate, 0.1", True)],
)
def test_at_the_lowest_rate_nothing_is_cut(rules: Any, note: str, again: bool) -> None:
    walk = walked(Plateau(patience=1, min_lr=0.1, rules=rules), 1.0, 1.0, 1.0)
    last = walk.moments[-1]
    assert last.outcome == "floor"
    assert last.notes[6] == note
    assert (7 in last.notes) == again


def test_a_cut_that_would_fall_below_the_lowest_rate_says_so() -> None:
    moment = walked(Plateau(patience=1, min_lr=0.08), 1.0, 1.0).moments[-1]
    assert moment.notes[6] == "0.1 × 0.5 is below the lowest: 0.08"


def test_the_rule_is_asleep_in_the_warm_up_of_a_run() -> None:
    walk = walked(Plateau(patience=1), 1.0, 1.0, 1.0, 1.0, lead=(0.05, 0.1))
    assert [m.outcome for m in walk.moments] == ["asleep", "asleep", "improved", "cut"]
    assert [m.rate_after for m in walk.moments] == [0.1, 0.1, 0.1, 0.05]
    assert walk.moments[0].notes == {}


def test_values_without_a_number_leave_gaps_and_are_named() -> None:
    walk = walked(Plateau(), math.nan, 0.5, math.inf)
    assert [m.value for m in walk.moments] == [None, 0.5, None]
    assert walk.moments[0].words.startswith("the first value is nan")
    assert walk.moments[2].notes[0] == "inf"


def test_a_scheduler_tells_the_call_and_counts_epochs_after_the_warm_up() -> None:
    strategy = Custom(expression="lr / 2 if epoch == 1 else lr")
    program = RateProgram(
        strategy, base_lr=0.1, epochs=4, steps_per_epoch=2, warmup_epochs=1.5
    )
    walk = walk_scheduler(program, [0.9, 0.8, 0.7, 0.6])
    assert [(m.epoch, m.outcome, m.value) for m in walk.moments] == [
        (2, "kept", 0.8), (3, "set", 0.7)
    ]
    assert walk.moments[1].words == "schedule(1, 0.1) = 0.05"
    assert walk.moments[1].notes[2] == "0.1 to 0.05"
    assert walk.steps[1].code == "new = lr / 2 if epoch == 1 else lr"


def test_only_an_expression_has_calls_to_walk_through() -> None:
    plan = make(RunSpec(strategy="cosine"))
    with pytest.raises(InvalidField, match="strategy must be custom to walk through its calls"):
        walk_scheduler(plan.program())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cooldown": 1}, "a cooldown of 1 has no effect"),
        ({"cooldown": 3}, "a cooldown of 3 lasts 2 epochs"),
        ({"patience": 0}, "acts as 1"),
        ({"rules": "torch"}, "one epoch later than Keras"),
        ({"mode": "max"}, "counts a worse val_loss as better"),
    ],
)
def test_what_surprises_is_remarked(settings: Any, said: str) -> None:
    assert said in " ".join(remarks(Plateau(**settings)))
    assert remarks(Plateau()) == ()


def test_the_examples_are_whole_and_reach_their_cuts() -> None:
    for example in EXAMPLES.values():
        plan = make(example.spec)
        assert {len(values) for values in example.metrics.values()} == {plan.spec.epochs}
        assert set(example.metrics) == set(plan.metrics)
    plateau = EXAMPLES["plateau"]
    walk = walked(Plateau(**plateau.spec.params), *plateau.metrics["val_loss"], base_lr=0.5)
    assert {m.outcome for m in walk.moments} == {"improved", "waited", "cut", "resting"}


@pytest.mark.parametrize("name", ["series", "outlook"])
def test_the_examples_in_the_documentation_hold(name: str) -> None:
    module = importlib.import_module(f"lrdash.teaching.{name}")
    assert doctest.testmod(module).failed == 0
