"""Monitor in real fits: rates, decisions, endings, and a store that refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

from lrdash.store import Store
from lrdash.tracking.monitor import Monitor, deciders
from tests.factories.watched import CALLBACKS, SCHEDULES, compiled, fitted, stored, used


class Actual(CALLBACKS.Callback):  # type: ignore[misc]
    """Reads the rate before each update, the slow and certain way; stands behind all others."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.rates.append(float(self.model.optimizer.learning_rate))


class Sawtooth(CALLBACKS.Callback):  # type: ignore[misc]
    """A user's own: another rate for each update."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.model.optimizer.learning_rate = 0.1 / (1 + batch)


class Stepwise(SCHEDULES.LearningRateSchedule):  # type: ignore[misc]
    """One that takes single steps only."""

    def __call__(self, step: Any) -> Any:
        import tensorflow as tf

        return tf.cond(step < 5, lambda: 0.1, lambda: 0.01)

    def get_config(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize(
    ("learning_rate", "others"),
    [
        (0.1, list),
        (0.1, lambda: [CALLBACKS.LearningRateScheduler(lambda epoch, lr: float(lr * 0.5))]),
        (0.1, lambda: [Sawtooth()]),
        (SCHEDULES.CosineDecay(0.1, 9, warmup_target=0.2, warmup_steps=3), list),
        (SCHEDULES.PiecewiseConstantDecay([4, 8], [0.1, 0.01, 0.001]), list),
        (Stepwise(), list),
    ],
    ids=["variable", "scheduler", "each batch", "cosine", "pieces", "single steps"],
)
def test_the_rate_of_every_update_is_what_the_optimizer_used(
    data: tuple[Any, Any], store: Store, learning_rate: Any, others: Callable[[], list[Any]]
) -> None:
    actual = Actual()
    run_id = fitted(data, compiled(learning_rate), [*others(), actual])
    row, epochs, _ = stored(store, run_id)
    np.testing.assert_allclose(used(epochs), np.float32(actual.rates), rtol=2e-7)
    assert (row.status, row.steps_per_epoch, row.update, row.updates) == ("finished", 4, 12, 12)
    assert row.spec.base_lr == pytest.approx(max(actual.rates), rel=1e-6)


class Bypass(CALLBACKS.Callback):  # type: ignore[misc]
    """Goes around Keras' own way to set a rate, now and then or at every batch."""

    def __init__(self, *, every: int) -> None:
        super().__init__()
        self.every = every

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        rate = 0.1 / (1 + batch)
        if batch % self.every == 0:
            self.model.optimizer._learning_rate.value.assign(rate)
        else:
            self.model.optimizer.learning_rate = rate


@pytest.mark.parametrize("other", [Sawtooth(), Bypass(every=1), Bypass(every=3)])
def test_whatever_sets_a_rate_at_batches_the_rates_are_those_used(
    data: tuple[Any, Any], store: Store, other: Any
) -> None:
    model, actual = compiled(), Actual()
    run_id = fitted(data, model, [other, actual], batch_size=1, epochs=2)
    np.testing.assert_array_equal(used(store.runs.epochs(run_id)), np.float32(actual.rates))
    assert "_backend_update_step" not in vars(model.optimizer)


def test_what_plateau_decides_is_read_off_the_callback(
    data: tuple[Any, Any], store: Store
) -> None:
    plateau = CALLBACKS.ReduceLROnPlateau(
        monitor="val_top", mode="max", factor=0.5, patience=2, min_delta=0.9, cooldown=2,
        min_lr=0.01,
    )
    seen: list[tuple[float | None, int, int, float]] = []

    class Witness(CALLBACKS.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            rate = float(self.model.optimizer.learning_rate)
            seen.append((plateau.best, plateau.wait, plateau.cooldown_counter, rate))

    top = keras.metrics.SparseCategoricalAccuracy(name="top")
    model = compiled(0.1, metrics=["accuracy", top])
    run_id = fitted(data, model, [plateau, Witness()], epochs=9)
    row, epochs, decided = stored(store, run_id)
    assert [made.epoch for made in decided] == list(range(1, 10))
    assert [made.best for made in decided] == [pytest.approx(best) for best, *_ in seen]
    assert [made.wait for made in decided] == [wait for _, wait, _, _ in seen]
    assert [made.rate_after for made in decided] == [pytest.approx(rate) for *_, rate in seen]
    assert [made.monitored for made in decided] == [e.metrics["val_top"] for e in epochs]
    assert sum(made.rate_after < made.rate_before for made in decided) == 3
    assert "wait 2 of 2, rate 0.1 to 0.05" in decided[2].reason
    assert row.spec.params == {
        "known": "updates", "callback": "ReduceLROnPlateau", "monitor": "val_top", "mode": "max",
        "factor": 0.5, "patience": 2, "min_delta": 0.9, "cooldown": 2, "min_lr": 0.01,
    }
    assert row.spec.facts
    assert {"loss", "top", "val_top", "val_loss"} <= set(row.spec.facts.metrics)
    assert "learning_rate" not in row.spec.facts.metrics


def test_a_plateau_of_large_losses_can_be_walked_through(
    data: tuple[Any, Any], store: Store
) -> None:
    plateau = CALLBACKS.ReduceLROnPlateau(min_delta=100.0)
    row, _, decided = stored(store, fitted(data, compiled(), [plateau], epochs=1))
    assert row.spec.params["min_delta"] == 100.0
    assert decided[0].reason.endswith("is a new best: wait 0")


def test_what_the_scheduler_gives_is_a_decision_at_each_epochs_begin(
    data: tuple[Any, Any], store: Store
) -> None:
    scheduler = CALLBACKS.LearningRateScheduler(lambda epoch, lr: 0.2 if epoch == 2 else float(lr))
    row, _, decided = stored(store, fitted(data, compiled(), [scheduler]))
    assert [made.epoch for made in decided] == [0, 1, 2]
    assert [round(made.rate_after, 6) for made in decided] == [0.1, 0.1, 0.2]
    assert decided[2].reason == "schedule(2, 0.1) gives 0.2: rate 0.1 to 0.2"
    assert row.spec.params["callback"] == "LearningRateScheduler"


def test_both_callbacks_between_the_same_epochs_make_one_decision(
    data: tuple[Any, Any], store: Store
) -> None:
    plateau = CALLBACKS.ReduceLROnPlateau(patience=1, min_delta=9.0, factor=0.5)
    scheduler = CALLBACKS.LearningRateScheduler(lambda _epoch, lr: float(lr))
    _, _, decided = stored(store, fitted(data, compiled(), [plateau, scheduler]))
    assert "rate 0.1 to 0.05; schedule(2, 0.05) gives 0.05" in decided[2].reason
    first = deciders.merged(None, decided[0])
    assert first is decided[0]


def test_several_fits_are_several_runs(data: tuple[Any, Any], store: Store) -> None:
    model, monitor = compiled(), Monitor("mine", tags=["a"])
    first = fitted(data, model, [], monitor, epochs=1)
    second = fitted(data, model, [], monitor, epochs=3, initial_epoch=1, validation_split=0.0)
    assert store.runs.one(first).name == "mine"
    row, epochs, _ = stored(store, second)
    assert (row.name, row.tags) == ("mine (2)", ("a",))
    assert [epoch.epoch for epoch in epochs] == [2, 3]
    assert "val_loss" not in epochs[0].metrics


@pytest.mark.parametrize("places", ["MN", "MNx", "MxN", "xMN", "MM", "MxM"])
def test_several_monitors_in_a_list_make_a_run_each_and_the_same_one_makes_one(
    places: str, data: tuple[Any, Any], store: Store
) -> None:
    seen: list[str] = []

    class Last(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append("begin")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = 0.1 / (1 + epoch)

    known = {"M": Monitor("M"), "N": Monitor("N"), "x": Last()}
    callbacks = [known[place] for place in places]
    for _ in range(2):
        compiled().fit(*data, epochs=2, verbose=0, callbacks=callbacks)
    rows = store.runs.listing()
    names = sorted(set(places) - {"x"})
    assert sorted(row.name for row in rows) == sorted([*names, *(f"{one} (2)" for one in names)])
    assert {(row.status, row.epochs_done) for row in rows} == {("finished", 2)}
    if "x" in places:
        assert len(seen) == 2
        for row in rows:
            firsts = [epoch.rates[0] for epoch in store.runs.epochs(row.run_id)]
            assert firsts == [np.float32(0.1), np.float32(0.05)]


def test_what_is_no_number_in_the_logs_is_passed_over(
    data: tuple[Any, Any], store: Store
) -> None:
    class Odd(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs.update({"ragged": [[1, 2], [3]], 5: 1.0, "fine": 2.0, "epoch": 7.0})

    row, epochs, _ = stored(store, fitted(data, compiled(), [Odd()]))
    assert (row.status, row.reason) == ("finished", "")
    assert epochs
    assert {"ragged", "5", "epoch"}.isdisjoint(epochs[0].metrics)
    assert epochs[0].metrics["epoch (logged)"] == 7.0
    assert epochs[0].metrics["fine"] == 2.0


@pytest.mark.parametrize("begins", [True, False])
def test_a_monitor_that_is_called_by_hand_tells_every_epoch(
    begins: bool, data: tuple[Any, Any], store: Store
) -> None:
    model, monitor = compiled(), Monitor("by hand")
    monitor.set_model(model)
    monitor.on_train_begin()
    for epoch in range(3):
        if begins:
            monitor.on_epoch_begin(epoch)
        loss = model.train_on_batch(data[0][:8], data[1][:8])
        monitor.on_epoch_end(epoch, {"loss": float(np.asarray(loss).reshape(-1)[0])})
    monitor.on_train_end()
    row, epochs, _ = stored(store, str(monitor.run_id))
    assert (row.status, len(epochs)) == ("finished", 3)
    assert {float(epoch.rates[-1]) for epoch in epochs} == {float(np.float32(0.1))}


def test_several_updates_at_once_are_reported(data: tuple[Any, Any], store: Store) -> None:
    actual = Actual()
    run_id = fitted(data, compiled(SCHEDULES.CosineDecay(0.1, 9), steps_per_execution=2), [actual])
    _, epochs, _ = stored(store, run_id)
    assert [len(epoch.rates) for epoch in epochs] == [4, 4, 4]
    np.testing.assert_allclose(used(epochs)[::2], np.float32(actual.rates), rtol=2e-7)
    run_id = fitted(data, compiled(0.1, steps_per_execution=2), [Sawtooth()], epochs=1)
    assert store.runs.epochs(run_id)[0].rates == pytest.approx([0.1, 0.1, 0.1 / 3, 0.1 / 3])


def test_a_dataset_of_unknown_length_and_early_stopping(
    data: tuple[Any, Any], store: Store
) -> None:
    stopping = CALLBACKS.EarlyStopping(monitor="loss", patience=1, min_delta=9.0)

    def batches() -> Iterator[Any]:
        for first in range(0, 96, 32):
            yield data[0][first : first + 32], data[1][first : first + 32]

    import tensorflow as tf

    kinds = (tf.TensorSpec((None, 4), tf.float32), tf.TensorSpec((None,), tf.int32))
    stream = tf.data.Dataset.from_generator(batches, output_signature=kinds)
    monitor = Monitor("stream")
    with pytest.warns(UserWarning, match="ran out of data"):
        compiled().fit(stream, epochs=9, verbose=0, shuffle=False, callbacks=[monitor, stopping])
    row = store.runs.one(str(monitor.run_id))
    assert (row.status, row.epochs_done, row.steps_per_epoch, row.update) == ("finished", 2, 3, 6)
    assert row.reason == "early stopping: loss had not improved for 1 epoch"


def test_a_loss_that_is_no_longer_a_number_is_reported(data: tuple[Any, Any], store: Store) -> None:
    broken = (np.full_like(data[0], np.nan), data[1])
    assert store.runs.one(fitted(broken, compiled(), [], epochs=1)).status == "diverged"
