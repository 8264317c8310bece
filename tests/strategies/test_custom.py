"""The user's own rate of each epoch: evaluated, checked before training, explained, exported."""

from __future__ import annotations

import doctest
import math
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdash.core.errors import InvalidField
from lrdash.strategies import custom
from lrdash.strategies.base import Horizon
from lrdash.strategies.custom import Custom
from lrdash.strategies.program import RateProgram


def horizon(epochs: int = 30, steps: int = 2, base_lr: float = 0.1, lead: int = 0) -> Horizon:
    return Horizon(
        base_lr=base_lr, steps_per_epoch=steps, updates=epochs * steps + lead, lead=lead
    )


def refusal(text: str, over: Horizon | None = None) -> str:
    with pytest.raises(InvalidField) as fault:
        Custom(expression=text).check(over or horizon())
    return str(fault.value)


def test_the_default_cuts_once_at_epoch_10() -> None:
    rates = Custom().rates(horizon())

    assert rates.dtype == np.float64
    np.testing.assert_array_equal(rates, [0.1] * 20 + [0.1 * 0.1] * 40)


def test_each_name_means_what_it_says() -> None:
    over = horizon(epochs=4, steps=5, base_lr=0.5, lead=3)

    assert Custom(expression="epoch").rates(over)[3::5].tolist() == [0, 1, 2, 3]
    assert Custom(expression="step").rates(over)[3::5].tolist() == [3, 8, 13, 18]
    assert Custom(expression="lr / 2").rates(over)[3::5].tolist() == [0.25, 0.125, 0.0625, 0.03125]
    assert set(Custom(expression="base_lr * epochs").rates(over)[3:]) == {2.0}


def test_the_rest_of_the_epoch_in_which_warm_up_ends_uses_the_peak_rate() -> None:
    program = RateProgram(
        Custom(expression="lr / 2"), base_lr=0.4, epochs=4, steps_per_epoch=4, warmup_epochs=1.5
    )

    assert program.table is not None
    np.testing.assert_allclose(program.rates(1), [0.4 * 5 / 6, 0.4, 0.4, 0.4])
    assert program.table[8:].tolist() == [0.2] * 4 + [0.1] * 4


def test_decisions_follow_the_course_s_epochs() -> None:
    program = RateProgram(
        Custom(expression="lr / 2 if epoch == 1 else lr"),
        base_lr=0.4, epochs=4, steps_per_epoch=4, warmup_epochs=1.5,
    )
    made = [program.end_epoch(epoch, {}) for epoch in range(4)]

    assert program.before_start() is None
    assert [d and (d.epoch, d.reason) for d in made] == [
        None, (2, "schedule(0, 0.4) = 0.4, unchanged"), (3, "schedule(1, 0.4) = 0.2"), None,
    ]
    assert [(m.update, m.text) for m in program.marks()] == [
        (6, "warm-up ends"), (12, "0.4 to 0.2"),
    ]


def test_a_course_resumes_exactly() -> None:
    settings = {"base_lr": 0.1, "epochs": 6, "steps_per_epoch": 3, "warmup_epochs": 0.5}
    first, second = (RateProgram(Custom(expression="lr * 0.7"), **settings) for _ in range(2))
    first.end_epoch(0, {})
    second.restore(first.state(), 1)

    for epoch in range(6):
        assert second.rates(epoch).tolist() == first.rates(epoch).tolist()


def test_without_warm_up_the_first_epoch_is_decided_before_training() -> None:
    program = RateProgram(
        Custom(expression="base_lr / 4"), base_lr=0.4, epochs=2, steps_per_epoch=1
    )
    before = program.before_start()

    assert before is not None
    assert (before.epoch, before.rate_before, before.rate_after) == (0, 0.4, 0.1)
    assert before.reason == "schedule(0, 0.4) = 0.1"


def test_a_curve_that_changes_at_every_epoch_has_no_marks_when_long() -> None:
    gliding = Custom(expression="lr * 0.99")

    assert len(gliding.marks(horizon(50))) == 50
    assert gliding.marks(horizon(51)) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.1 - epoch / 100 if epoch else lr",
         "custom.expression gives -0.01 at epoch 11: a rate must be between 0 and 1000, "
         "got '0.1 - epoch / 100 if epoch else lr'."),
        ("lr * 10",
         "custom.expression gives 10000 at epoch 4: a rate must be between 0 and 1000, "
         "got 'lr * 10'."),
        ("lr / (epoch - 3)",
         "custom.expression gives -0.0333333 at epoch 0: a rate must be between 0 and 1000, "
         "got 'lr / (epoch - 3)'."),
        ("1 / abs(epoch - 3)", "custom.expression cannot be computed where epoch = 3: division by "
         "zero at column 5, got '1 / abs(epoch - 3)'."),
        ("lr / (lr - 0.1)", "custom.expression cannot be computed where lr = 0.1: division by "
         "zero at column 7 (epoch 0), got 'lr / (lr - 0.1)'."),
    ],
)
def test_a_value_that_is_no_rate_is_refused_before_training(text: str, message: str) -> None:
    assert refusal(text) == message


def test_an_unknown_name_is_refused_when_the_record_is_made() -> None:
    with pytest.raises(InvalidField) as fault:
        Custom(expression="lr * os")

    assert str(fault.value) == (
        "custom.expression is not allowed at column 6: names are epoch, lr, step, base_lr, epochs, "
        "got 'os'."
    )


def test_too_long_an_expression_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"custom\.expression .*500 characters"):
        Custom(expression="lr" + " " * 499)


def test_a_value_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"custom\.expression must be a text, got \[3\]\."):
        Custom(expression=[3])


def test_a_plain_number_is_an_expression() -> None:
    assert Custom(expression=0.25).rates(horizon(2, steps=1)).tolist() == [0.25, 0.25]


class Optimizer:
    """An optimizer whose rate is a plain float."""

    learning_rate = 0.1


class Model:
    """What a callback needs of a model."""

    def __init__(self) -> None:
        self.optimizer = Optimizer()


@pytest.mark.parametrize(
    "text",
    [
        "lr * 0.1 if epoch == 10 else lr",
        "base_lr * (1 + cos(pi * epoch / epochs)) / 2",
        "base_lr * exp(-step / 20) + 1e-3 * floor(sqrt(epoch)) / e",
        "max(lr * 0.9, 10 ** -3) if epoch % 3 else min(pow(lr, 2), abs(-lr))",
        "0.5 * (5 < epoch <= 20) or base_lr",
        "epoch == 3",
    ],
)
def test_the_exported_callback_gives_the_same_rates(text: str) -> None:
    rule, over = Custom(expression=text), horizon(epochs=25, steps=4)
    code = rule.keras(over)
    names: dict[str, Any] = {}
    exec("\n".join([*code.imports, code.definitions]), names)
    callback = eval(code.callbacks[0], names)
    model = Model()
    callback.set_model(model)

    rates = []
    for epoch in range(25):
        callback.on_epoch_begin(epoch)
        rates.append(model.optimizer.learning_rate)

    assert isinstance(callback, keras.callbacks.LearningRateScheduler)
    assert rates == rule.rates(over)[::4].tolist()


def test_the_sentence_shows_the_expression_on_one_line() -> None:
    assert Custom(expression="(lr\n  * 2)").sentence() == (
        "Sets the rate of each epoch to (lr * 2)."
    )


@given(
    st.one_of(st.text(max_size=520), st.text(alphabet="epochlrst_*/+-() 019.<", max_size=40)),
    st.integers(0, 5),
)
def test_any_text_gives_rates_or_a_clear_message(text: str, lead: int) -> None:
    over = horizon(epochs=6, lead=lead)
    message, rates = "custom.expression ", np.zeros(over.updates)
    try:
        rates = Custom(expression=text).rates(over)
    except InvalidField as fault:
        message = str(fault)

    assert message.startswith("custom.expression ")
    assert rates.shape == (over.updates,)
    assert all(math.isfinite(rate) and 0 <= rate <= 1000 for rate in rates)


def test_the_example_in_the_documentation_holds() -> None:
    assert doctest.testmod(custom).failed == 0
