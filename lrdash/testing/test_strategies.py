"""Strategies: they describe themselves, have a rate for every update, and always the same."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.source import modules_of
from lrdash.strategies import STRATEGIES, RateProgram, Rule, Schedule, Strategy, make, preview
from lrdash.strategies.horizon import Horizon

every = pytest.mark.parametrize("name", list(STRATEGIES))


def at_the_bounds(name: str) -> Iterator[Strategy]:
    """With each number at its lowest and at its highest, where the others allow that."""
    for knob in STRATEGIES[name].knobs():
        if knob.kind not in ("number", "integer"):
            continue
        for bound, excluded in ((knob.low, knob.low_open), (knob.high, knob.high_open)):
            if bound is not None and not excluded:
                value = int(bound) if knob.kind == "integer" else bound
                try:
                    yield make(name, {knob.name: value})
                except InvalidField:  # does not go with the defaults of the others
                    continue


@every
def test_it_describes_itself(name: str) -> None:
    kind = STRATEGIES[name]
    assert kind.id == name
    assert kind.prefix == f"{name}."
    assert issubclass(kind, Schedule if kind.kind == "schedule" else Rule)
    for text in (kind.label, kind.formula, kind.symbols, kind.source, kind.when, kind.__doc__):
        assert text
    assert kind.label[0].isupper()
    assert "$" not in kind.formula
    assert not re.search(r"\\quad[a-zA-Z]", kind.formula), "no such command"
    assert kind.when.startswith("Use it")
    assert kind.when.endswith(".")


@every
def test_every_setting_has_label_help_and_bounds(name: str) -> None:
    for knob in STRATEGIES[name].knobs():
        assert knob.label != knob.name
        assert knob.help.endswith(".")
        if knob.kind in ("number", "integer"):
            assert knob.low is not None
            assert knob.high is not None
            assert knob.step
        if knob.kind == "choice":
            assert knob.default in knob.choices


@every
def test_the_defaults_hold_for_thirty_epochs(name: str) -> None:
    program = RateProgram(make(name), base_lr=0.1, epochs=30, steps_per_epoch=47)
    assert program.rates(0).shape == (47,)
    for mark in program.marks():
        assert 0 <= mark.update < 30 * 47
        assert mark.text
    assert len(program.marks()) <= 50


@every
def test_settings_survive_json(name: str) -> None:
    made = make(name)
    assert make(name, json.loads(json.dumps(made.as_dict()))) == made


@every
def test_a_sentence_says_what_the_settings_do(name: str) -> None:
    sentence = make(name).sentence()
    assert sentence[0].isupper()
    assert sentence.endswith((".", "lr"))
    assert "\n" not in sentence


@every
@pytest.mark.parametrize("updates", [1, 2, 3])
def test_very_short_trainings_have_a_rate_for_every_update(name: str, updates: int) -> None:
    params = {"milestones": [1]} if name == "multistep" else {}
    found = preview(name, params, base_lr=0.5, epochs=updates)
    assert found.shape == (updates,)
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    assert (found <= 0.5).all()


@every
def test_rates_at_the_bounds_of_each_setting_are_finite_and_never_negative(name: str) -> None:
    for made in at_the_bounds(name):
        try:
            program = RateProgram(made, base_lr=0.1, epochs=30, steps_per_epoch=3)
        except InvalidField:  # makes no sense over so few epochs, and says so
            continue
        rates = np.concatenate([program.rates(epoch) for epoch in range(30)])
        assert rates.dtype == np.float64
        assert np.isfinite(rates).all(), made
        assert (rates >= 0).all(), made


@every
def test_the_same_settings_give_the_same_rates_to_the_bit(name: str) -> None:
    monitored = [1.0, 0.5, 0.5, float("nan"), 0.5, 0.5, 0.5, 0.4] * 4
    first, second = (
        preview(name, base_lr=0.1, epochs=32, steps_per_epoch=5, warmup_epochs=1.5,
                monitored=monitored)
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


@every
def test_the_state_of_a_rule_survives_json_and_is_not_changed(name: str) -> None:
    rule = make(name)
    if not isinstance(rule, Rule):
        return
    state = rule.start(0.1)
    for epoch, value in enumerate((1.0, 0.5, float("nan"), 0.5, 0.5), start=1):
        written = json.dumps(state)
        after, decision = rule.decide(json.loads(written), epoch, value)
        assert rule.decide(state, epoch, value)[0] == after
        assert json.dumps(state) == written
        assert decision.reason
        assert after["rate"] == decision.rate_after >= 0
        state = after


@every
def test_its_keras_code_can_be_read_or_is_refused_in_words(name: str) -> None:
    made = make(name)
    if isinstance(made, Schedule) and made.rate is None and type(made).keras is Schedule.keras:
        with pytest.raises(InvalidField, match="as a script"):
            made.keras_code(base_lr=0.1, epochs=30, steps_per_epoch=7)
    elif type(made).keras is not Strategy.keras:
        ast.parse(made.keras_code(base_lr=0.1, epochs=30, steps_per_epoch=7))


@every
def test_the_source_of_its_formula_gives_its_rates_to_the_last_bit(name: str) -> None:
    made = make(name)
    if not isinstance(made, Schedule) or made.rate is None:
        return
    horizon = Horizon(base_lr=0.3, steps_per_epoch=7, updates=210)
    text = made.text(horizon)
    names = {
        "np": np, "t": horizon.time(), "UPDATES": 210, "STEPS": 7, "BASE_LR": 0.3,
    }
    code = [*modules_of(text.definitions), text.definitions, *text.lines]
    exec("\n".join(code), names)  # noqa: S102
    np.testing.assert_array_equal(names["rates"], made.rates(horizon))
