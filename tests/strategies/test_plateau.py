"""Reduce on plateau: equal to Keras and PyTorch, epoch by epoch, and clear in its words."""

from __future__ import annotations

import doctest
import json
import math
from typing import Any

import keras
import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.strategies import plateau
from lrdash.strategies.base import Horizon
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.program import RateProgram
from tests import DATA
from tests.factories.settings import any_rule, series
from tests.factories.training import Model, Rounded, callback_of

CASES = [
    case
    for case in json.loads((DATA / "schedules.json").read_text())["cases"]
    if case["strategy"] == "plateau"
]
HORIZON = Horizon(base_lr=0.1, steps_per_epoch=4, updates=40)


class Exact:
    """An optimizer whose rate is a plain float."""

    def __init__(self, rate: float) -> None:
        self.learning_rate = rate


def follow(rule: Plateau, base_lr: float, values: list[float]) -> list[dict[str, Any]]:
    """The state after each epoch."""
    states, state = [], rule.start(base_lr)
    for epoch, value in enumerate(values, start=1):
        state, _ = rule.decide(state, epoch, value)
        states.append(state)
    return states


def watch(callback: Any, optimizer: Any, monitor: str, values: list[float]) -> list[tuple]:
    """Rate, wait and cooldown of a Keras callback after each epoch."""
    callback.set_model(Model(optimizer))
    callback.on_train_begin()
    seen = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {monitor: value})
        cooldown = getattr(callback, "cooldown_counter", callback.cooldown)
        seen.append((float(optimizer.learning_rate), callback.wait, cooldown))
    return seen


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["source"][:5] + str(case["params"]))
def test_the_reference_implementations_give_the_same_rates_and_waits(case: dict[str, Any]) -> None:
    states = follow(Plateau(**case["params"]), case["base_lr"], case["monitored"])

    rates = [case["base_lr"], *(state["rate"] for state in states)]

    assert rates[: case["epochs"]] == case["rates"]
    if "wait_after_epoch" in case:
        assert [state["wait"] for state in states] == case["wait_after_epoch"]


@pytest.mark.parametrize("block", range(4))
def test_keras_itself_decides_the_same_on_random_metrics(block: int) -> None:
    random = np.random.default_rng(block)
    for _ in range(800):
        rule, values, base_lr = any_rule(random), series(random), 0.1
        ours = [(s["rate"], s["wait"], s["cooldown"]) for s in follow(rule, base_lr, values)]
        theirs = watch(callback_of(rule), Exact(base_lr), rule.monitor, values)

        assert ours == theirs, (rule, values)


@pytest.mark.parametrize("block", range(2))
def test_a_float32_rate_in_keras_is_cut_at_the_same_epochs(block: int) -> None:
    random = np.random.default_rng(100 + block)
    for _ in range(400):
        rule, values, base_lr = any_rule(random), series(random), 0.1
        ours = follow(rule, base_lr, values)
        theirs = watch(callback_of(rule), Rounded(base_lr), rule.monitor, values)

        assert [(s["wait"], s["cooldown"]) for s in ours] == [t[1:] for t in theirs], (rule, values)
        np.testing.assert_allclose([s["rate"] for s in ours], [t[0] for t in theirs], rtol=1e-6)


@pytest.mark.parametrize("min_lr", [0.1, 0.01, 0.001, 1e-4, 1e-5, 0.3, 0.07])
def test_a_rate_at_its_lowest_is_seen_as_keras_sees_it(min_lr: float) -> None:
    rule = Plateau(patience=1, min_lr=min_lr, factor=0.1)
    ours = follow(rule, max(0.1, min_lr), [1.0] * 12)
    theirs = watch(callback_of(rule), Rounded(max(0.1, min_lr)), "val_loss", [1.0] * 12)

    assert [s["wait"] for s in ours] == [t[1] for t in theirs]


def test_a_change_that_float32_cannot_hold_is_no_improvement_for_keras() -> None:
    values = [0.5, 0.5 - 1e-9]

    assert follow(Plateau(min_delta=0), 0.1, values)[-1]["wait"] == 1
    assert follow(Plateau(min_delta=0, rules="torch"), 0.1, values)[-1]["wait"] == 0


def test_auto_raises_accuracy_and_lowers_loss() -> None:
    rising = {
        monitor: Plateau(monitor=monitor).rising
        for monitor in ("loss", "val_loss", "accuracy", "val_accuracy")
    }

    assert rising == {"loss": False, "val_loss": False, "accuracy": True, "val_accuracy": True}
    assert not Plateau(monitor="accuracy", mode="min").rising


def test_keras_takes_a_first_nan_as_the_best_and_torch_does_not() -> None:
    values = [math.nan, 0.5, 0.4]

    assert [s["wait"] for s in follow(Plateau(), 0.1, values)] == [0, 1, 2]
    assert [s["wait"] for s in follow(Plateau(rules="torch"), 0.1, values)] == [1, 0, 0]


@pytest.mark.parametrize("rules", ["keras", "torch"])
@pytest.mark.parametrize("first", [1.0, math.nan, math.inf, -math.inf])
def test_a_state_goes_through_strict_json_unchanged(rules: Any, first: float) -> None:
    rule = Plateau(rules=rules, patience=1, cooldown=2)
    values = [first, 0.5, 0.5, 0.6, 0.5, 0.5, 0.4, 0.4]
    whole = follow(rule, 0.1, values)

    state = json.loads(json.dumps(whole[2], allow_nan=False))
    rest = []
    for epoch, value in enumerate(values[3:], start=4):
        state, _ = rule.decide(state, epoch, value)
        rest.append(state)

    assert rest == whole[3:]


@pytest.mark.parametrize("rules", ["keras", "torch"])
def test_a_resumed_course_goes_on_exactly_after_warm_up(rules: Any) -> None:
    rule = Plateau(rules=rules, patience=2, cooldown=1)
    settings = {"base_lr": 0.1, "epochs": 12, "steps_per_epoch": 4, "warmup_epochs": 1.5}
    losses = [{"val_loss": 1.0 if epoch % 5 else 0.9} for epoch in range(12)]
    whole, first = RateProgram(rule, **settings), RateProgram(rule, **settings)

    expected = [(whole.rates(e).tolist(), whole.end_epoch(e, m)) for e, m in enumerate(losses)]
    for epoch in range(6):
        first.end_epoch(epoch, losses[epoch])
    second = RateProgram(rule, **settings)
    second.restore(json.loads(json.dumps(first.state())), 6)
    rest = [(second.rates(e).tolist(), second.end_epoch(e, losses[e])) for e in range(6, 12)]

    assert rest == expected[6:]
    assert expected[-1][0][0] < 0.1


def test_the_rule_sleeps_through_warm_up() -> None:
    program = RateProgram(
        Plateau(patience=1), base_lr=0.1, epochs=6, steps_per_epoch=2, warmup_epochs=1.5
    )
    decisions = [program.end_epoch(epoch, {"val_loss": 1.0}) for epoch in range(4)]

    assert [d.wait for d in decisions if d] == [None, None, 0, 0]
    assert program.rates(1).tolist() == [0.1, 0.1]
    assert program.rates(4).tolist() == [0.05, 0.05]


def words(rule: Plateau, *values: float) -> list[str]:
    state, said = rule.start(0.1), []
    for epoch, value in enumerate(values, start=1):
        state, decision = rule.decide(state, epoch, value)
        said.append(decision.reason)
    return said


def test_a_cut_is_explained_in_words() -> None:
    rule = Plateau(patience=3)

    assert words(rule, 0.4119, 0.412, 0.4119, 0.41185)[-1] == (
        "0.41185 is not below best 0.4119 - 0.0001: wait 3 of 3, rate 0.1 to 0.05"
    )


def test_an_improvement_is_explained_in_words() -> None:
    assert words(Plateau(), 0.4, 0.35) == [
        "0.4 is a new best: wait 0", "0.35 is a new best, 0.4 before: wait 0",
    ]


def test_digits_are_added_until_the_comparison_can_be_seen() -> None:
    said = words(Plateau(min_delta=0, rules="torch"), 0.41190001, 0.41190002, 0.41190000)

    assert said[1].startswith("0.41190002 is not below best 0.41190001:")
    assert said[2] == "0.4119 is a new best, 0.41190001 before: wait 0"


def test_a_cooldown_is_explained_and_shorter_by_one_under_keras() -> None:
    keras_says = words(Plateau(patience=1, cooldown=3), 1.0, 1.0, 1.0, 1.0, 1.0)
    torch_says = words(Plateau(patience=0, cooldown=2, rules="torch"), 1.0, 1.0, 1.0, 1.0)

    assert [text.partition("; ")[2] for text in keras_says] == [
        "", "", "cooling down: 1 epoch left", "cooling down: 0 epochs left", "",
    ]
    assert [text.partition("; ")[2] for text in torch_says] == [
        "", "", "cooling down: 1 epoch left", "cooling down: 0 epochs left",
    ]


@pytest.mark.parametrize(
    ("rules", "end"), [("keras", "wait 2 of 1, already at the lowest rate 0.1"),
                       ("torch", "already at the lowest rate 0.1, wait starts again")],
)
def test_the_lowest_rate_is_named(rules: Any, end: str) -> None:
    rule = Plateau(patience=1, min_lr=0.1, rules=rules)

    assert words(rule, 1.0, 1.0, 1.0)[-1].endswith(end)


def test_a_value_without_a_number_is_named_in_words_only() -> None:
    rule = Plateau()
    state, _ = rule.decide(rule.start(0.1), 1, 0.5)
    _, decision = rule.decide(state, 2, math.nan)

    assert decision.monitored is None
    assert (decision.best, decision.wait) == (0.5, 1)
    assert decision.reason.startswith("nan is not below best 0.5 - 0.0001")


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (Plateau(), "Halves the rate when val_loss has not improved for 5 epochs."),
        (
            Plateau(factor=0.1, patience=0, cooldown=3, min_lr=0.001),
            "Cuts the rate to a tenth when val_loss has not improved for 1 epoch, then rests "
            "2 epochs; never below 0.001.",
        ),
        (
            Plateau(factor=0.8, rules="torch", monitor="accuracy"),
            "Multiplies the rate by 0.8 when accuracy has not improved for more than 5 epochs.",
        ),
    ],
)
def test_one_sentence_says_what_the_settings_do(rule: Plateau, sentence: str) -> None:
    assert rule.sentence() == sentence


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 1.0}, "plateau.factor must be above 0 and below 1, got 1."),
        ({"patience": -1}, "plateau.patience must be between 0 and 10,000, got -1."),
        ({"rules": "jax"}, "plateau.rules must be one of keras, torch, got 'jax'."),
    ],
)
def test_settings_outside_their_bounds_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(InvalidField) as fault:
        Plateau(**settings)

    assert str(fault.value) == message


def test_a_floor_above_the_peak_rate_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"plateau.min_lr must be at most the peak rate \(0.1\)"):
        Plateau(min_lr=0.2).check(HORIZON)


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize("rules", ["keras", "torch"])
def test_the_exported_callback_cuts_at_the_same_epochs(rules: Any, monitor: Any) -> None:
    rule = Plateau(rules=rules, monitor=monitor, patience=1, cooldown=2, min_lr=0.01)
    code = rule.keras(HORIZON)
    names: dict[str, Any] = {}
    exec("\n".join([*code.imports, code.definitions]), names)
    values = series(np.random.default_rng(7)) + [0.5] * 12

    seen = watch(eval(code.callbacks[0], names), Exact(0.1), monitor, values)

    ours = follow(rule, 0.1, values)
    assert [t[:2] for t in seen] == [(s["rate"], s["wait"]) for s in ours]
    assert ours[-1]["rate"] == 0.01


def test_the_exported_torch_rules_decide_the_same_on_random_metrics() -> None:
    random = np.random.default_rng(11)
    for _ in range(300):
        settings = {**any_rule(random).as_dict(), "rules": "torch", "factor": 0.3}
        rule, values = Plateau(**settings), series(random)
        names: dict[str, Any] = {"keras": keras}
        exec(rule.keras(HORIZON).definitions, names)

        seen = watch(names["ReduceOnPlateau"](), Exact(0.1), rule.monitor, values)

        ours = [(s["rate"], s["wait"], s["cooldown"]) for s in follow(rule, 0.1, values)]
        assert seen == ours, (rule, values)


def test_the_example_in_the_documentation_holds() -> None:
    assert doctest.testmod(plateau).failed == 0
