"""Monitor where a script replaces the rate of an optimizer after training was compiled."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from lrdash.core.spec import Facts
from lrdash.store import Store
from lrdash.tracking.monitor import Monitor
from lrdash.tracking.monitor.optimizers import EARLIER

CosineDecay = keras.optimizers.schedules.CosineDecay
X, Y = np.ones((64, 4), np.float32), np.ones((64, 1), np.float32)
OLD, NEW = 0.01, 0.005


def compiled(learning_rate: Any, **how: Any) -> keras.Model:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(learning_rate), "mse", **how)
    return model


def fit(model: keras.Model, *others: Any, epochs: int = 2, **how: Any) -> str:
    monitor = Monitor("mine")
    model.fit(X, Y, epochs=epochs, batch_size=16, verbose=0, callbacks=[monitor, *others], **how)
    return str(monitor.run_id)


def stored(store: Store, run_id: str) -> tuple[list[int], tuple[str, ...], str]:
    """Numbers of rates of the epochs, notes, and what is known of the rates."""
    spec = store.runs.one(run_id).spec
    sizes = [len(epoch.rates) for epoch in store.runs.epochs(run_id)]
    return sizes, (spec.facts or Facts()).notes, str(spec.params["known"])


class Replacing(keras.callbacks.Callback):  # type: ignore[misc]
    """Gives the optimizer another rate as the epoch of this index begins."""

    def __init__(self, epoch: int) -> None:
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == self.epoch:
            self.model.optimizer.learning_rate = CosineDecay(NEW, 80)


@pytest.mark.parametrize("how", [
    {}, {"jit_compile": True}, {"jit_compile": False}, {"steps_per_execution": 2},
])
def test_a_schedule_set_after_an_unseen_fit_is_not_taken_for_the_rate(
    store: Store, how: dict[str, Any]
) -> None:
    model = compiled(OLD, **how)
    model.fit(X, Y, batch_size=16, verbose=0)
    model.optimizer.learning_rate = CosineDecay(NEW, 80)
    sizes, notes, known = stored(store, fit(model))
    assert (sizes, notes[0], known) == ([0, 0], EARLIER, "none")


def test_after_a_seen_fit_the_rate_is_that_of_the_schedule_that_was_compiled(store: Store) -> None:
    model = compiled(CosineDecay(OLD, 40))
    fit(model)
    model.optimizer.learning_rate = CosineDecay(NEW, 80)
    run_id = fit(model)
    assert store.runs.epochs(run_id)[0].rates[0] == pytest.approx(float(CosineDecay(OLD, 40)(8)))
    model.compile(model.optimizer, "mse")
    run_id = fit(model)
    assert store.runs.epochs(run_id)[0].rates[0] == pytest.approx(float(CosineDecay(NEW, 80)(16)))


@pytest.mark.parametrize("rate", [OLD, CosineDecay(OLD, 40)])
def test_what_a_callback_sets_in_a_fit_under_way_changes_nothing(store: Store, rate: Any) -> None:
    run_id = fit(compiled(rate), Replacing(2), epochs=4)
    first = rate if rate == OLD else float(rate(8))
    assert store.runs.epochs(run_id)[2].rates[0] == pytest.approx(first)


@pytest.mark.parametrize(("first", "how"), [(0, {}), (1, {"run_eagerly": True})])
def test_what_is_set_before_anything_is_compiled_is_the_rate(
    store: Store, first: int, how: dict[str, Any]
) -> None:
    run_id = fit(compiled(OLD, **how), Replacing(first))
    assert stored(store, run_id) == ([4, 4], (), "updates")
    assert store.runs.epochs(run_id)[1].rates[0] == pytest.approx(float(CosineDecay(NEW, 80)(4)))


@pytest.mark.parametrize(("rate", "seen", "known"), [
    (OLD, True, True), (OLD, False, True),
    (CosineDecay(OLD, 40), True, True), (CosineDecay(OLD, 40), False, False),
])
def test_a_later_fit_knows_what_was_recorded_or_what_a_variable_holds(
    store: Store, rate: Any, seen: bool, known: bool
) -> None:
    model = compiled(rate)
    if seen:
        fit(model)
    else:
        model.fit(X, Y, batch_size=16, verbose=0)
    expected = ([4, 4], (), "updates") if known else ([0, 0], (EARLIER,), "none")
    assert stored(store, fit(model)) == expected
