"""What holds for every open-loop strategy at any settings that it accepts."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrdash.strategies import RateProgram, make, preview
from tests.factories.settings import OPEN_LOOP, settings_of

every_open_loop = pytest.mark.parametrize("name", OPEN_LOOP)
base_rates = st.floats(1e-6, 100)
few = settings(max_examples=40)


@every_open_loop
@few
@given(data=st.data())
def test_rates_are_finite_and_never_negative(name: str, data: st.DataObject) -> None:
    epochs, steps = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 9))
    params = data.draw(settings_of(name, epochs))
    rates = preview(name, params, base_lr=data.draw(base_rates), epochs=epochs,
                    steps_per_epoch=steps)
    assert rates.shape == (epochs * steps,)
    assert rates.dtype == np.float64
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()


@every_open_loop
@few
@given(data=st.data())
def test_settings_survive_json_and_give_the_same_rates(name: str, data: st.DataObject) -> None:
    made = make(name, data.draw(settings_of(name, 10)))
    again = make(name, json.loads(json.dumps(made.as_dict())))
    assert again == made
    first, second = (
        RateProgram(one, base_lr=0.1, epochs=10, steps_per_epoch=3).table for one in (made, again)
    )
    assert first is not None
    assert second is not None
    assert np.array_equal(first, second)


@every_open_loop
@few
@given(data=st.data())
def test_marks_lie_within_training_and_are_few(name: str, data: st.DataObject) -> None:
    epochs, steps = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 9))
    made = make(name, data.draw(settings_of(name, epochs)))
    marks = RateProgram(made, base_lr=0.1, epochs=epochs, steps_per_epoch=steps).marks()
    assert len(marks) <= 51
    assert all(0 <= mark.update < epochs * steps for mark in marks)


@every_open_loop
@few
@given(data=st.data())
def test_warmup_stands_in_front_and_changes_nothing_behind(
    name: str, data: st.DataObject
) -> None:
    epochs, warmup = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 5))
    steps, base_lr = data.draw(st.integers(1, 9)), data.draw(base_rates)
    params = data.draw(settings_of(name, epochs))
    common = {"base_lr": base_lr, "steps_per_epoch": steps}
    rates = preview(name, params, epochs=epochs + warmup, warmup_epochs=warmup, **common)  # type: ignore[arg-type]
    alone = preview(name, params, epochs=epochs, **common)  # type: ignore[arg-type]
    assert np.array_equal(rates[warmup * steps :], alone)


@every_open_loop
@few
@given(data=st.data())
def test_warmup_never_wastes_the_first_update_and_ends_at_the_peak(
    name: str, data: st.DataObject
) -> None:
    base_lr, steps = data.draw(base_rates), data.draw(st.integers(2, 9))
    warmup, start = data.draw(st.floats(0.5, 4)), data.draw(st.floats(0, 1))
    params = {"milestones": [1]} if name == "multistep" else {}
    rates = preview(name, params, base_lr=base_lr, epochs=6, steps_per_epoch=steps,
                    warmup_epochs=warmup, warmup_start_factor=start)
    last = round(warmup * steps) - 1
    assert rates[0] > 0
    assert rates[0] >= start * base_lr * (1 - 1e-12)
    assert rates[last] == pytest.approx(base_lr, rel=1e-12)
    assert (np.diff(rates[: last + 1]) >= -1e-12 * base_lr).all()
