"""Monitor in real fits: rates, decisions, endings, and a store that refuses."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest

import lrdash
from lrdash.analysis import settings_in_words
from lrdash.core.errors import InvalidField
from lrdash.core.events import RateDecided
from lrdash.store import EpochRow, RunRow, Store
from lrdash.tracking.monitor import Monitor, deciders, optimizers
from tests import ROOT

CALLBACKS, SCHEDULES = keras.callbacks, keras.optimizers.schedules

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


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


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 4)).astype("float32")
    return x, (x.sum(1) > 0).astype("int32")


def compiled(learning_rate: Any = 0.1, **how: Any) -> keras.Model:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    optimizer = how.pop("optimizer", None) or keras.optimizers.SGD(learning_rate)
    model.compile(optimizer, "sparse_categorical_crossentropy",
                  **{"metrics": ["accuracy"], **how})
    return model


def fitted(
    data: tuple[Any, Any], model: keras.Model, callbacks: list[Any], monitor: Monitor | None = None,
    **how: Any,
) -> str:
    watching = monitor or Monitor("mine")
    given = {"epochs": 3, "batch_size": 16, "verbose": 0, "validation_split": 1 / 3, **how}
    model.fit(*data, callbacks=[watching, *callbacks], **given)
    assert watching.run_id
    return watching.run_id


def stored(store: Store, run_id: str) -> tuple[RunRow, list[EpochRow], list[RateDecided]]:
    return store.runs.one(run_id), store.runs.epochs(run_id), store.runs.decisions(run_id)


def used(rows: list[EpochRow]) -> np.ndarray:
    return np.concatenate([row.rates for row in rows])


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


def test_a_wrapped_optimizer_is_read_inside(data: tuple[Any, Any], store: Store) -> None:
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.003))
    row, epochs, _ = stored(store, fitted(data, compiled(optimizer=wrapped), [], epochs=1))
    assert used(epochs) == pytest.approx([0.003] * 4)
    assert row.spec.facts
    assert row.spec.facts.optimizer == "Adam"


class Own(keras.Model):  # type: ignore[misc]
    """Steps with optimizers of its own, as the GANs of the Keras examples do."""

    def __init__(self, **optimizers: Any) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.names = list(optimizers)
        for name, optimizer in optimizers.items():
            setattr(self, name, optimizer)
        self.compile(jit_compile=False)

    def call(self, x: Any) -> Any:
        return self.dense(x)

    def train_step(self, data: Any) -> dict[str, Any]:
        import tensorflow as tf

        x, y = data
        for name in self.names:
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self.dense(x)[:, 0] - tf.cast(y, tf.float32)) ** 2)
            weights = self.dense.trainable_variables
            getattr(self, name).apply(tape.gradient(loss, weights), weights)
        return {"loss": loss}


def test_the_rate_of_an_optimizer_that_makes_no_update_is_not_the_rate(
    data: tuple[Any, Any], store: Store
) -> None:
    sgd, adam = keras.optimizers.SGD(0.01), keras.optimizers.Adam(0.02)
    model = Own(g_optimizer=sgd, d_optimizer=adam)
    plateau = CALLBACKS.ReduceLROnPlateau(monitor="loss", patience=1, min_delta=9.0)
    run_id = fitted(data, model, [plateau], validation_split=0.0)
    row, epochs, decided = stored(store, run_id)
    assert (row.status, row.epochs_done, decided) == ("finished", 3, [])
    assert not used(epochs).size
    assert row.spec.params == {"known": "none"}
    assert row.spec.facts
    assert row.spec.facts.optimizer == "d_optimizer: Adam, g_optimizer: SGD"
    (note,) = row.spec.facts.notes
    assert note == ("The compiled optimizer makes no updates, and the model has others "
                    "(d_optimizer: Adam, g_optimizer: SGD): the rate is not known.")
    assert settings_in_words(row.spec).endswith("d_optimizer: Adam, g_optimizer: SGD, 3 epochs")


def test_the_one_other_optimizer_that_makes_the_updates_is_read(
    data: tuple[Any, Any], store: Store
) -> None:
    cosine = SCHEDULES.CosineDecay(0.1, 18)
    model = Own(own_optimizer=keras.optimizers.SGD(cosine, momentum=0.9))
    row, epochs, _ = stored(store, fitted(data, model, [], validation_split=0.0))
    np.testing.assert_allclose(used(epochs), [float(cosine(step)) for step in range(18)], atol=1e-8)
    assert row.spec.facts
    assert row.spec.params == {"known": "updates"}
    assert (row.spec.facts.optimizer, row.spec.base_lr) == ("SGD 0.9", pytest.approx(0.1))
    assert row.spec.facts.notes == (
        "The compiled optimizer makes no updates; the rate is that of own_optimizer.",)


def test_an_optimizer_that_merely_stands_by_changes_nothing(
    data: tuple[Any, Any], store: Store
) -> None:
    model = compiled()
    model.spare_optimizer = keras.optimizers.Adam(0.5)
    row, epochs, _ = stored(store, fitted(data, model, []))
    assert used(epochs) == pytest.approx([0.1] * 12)
    assert row.spec.facts
    assert (row.spec.facts.optimizer, row.spec.facts.notes) == ("SGD", ())


def test_names_that_cannot_be_shown_are_refused() -> None:
    with pytest.raises(InvalidField, match="name must have at most 200 characters"):
        Monitor("x" * 201)
    with pytest.raises(InvalidField, match="tags must be a list of texts"):
        lrdash.Monitor(tags="a")


def test_a_fault_of_the_monitor_itself_ends_no_training(
    data: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(optimizers.Optimizers, "end", lambda _self, _batches: 1 / 0)
    history = compiled().fit(*data, epochs=2, verbose=0, callbacks=[Monitor("mine")])
    assert len(history.history["loss"]) == 2
    assert "lrdash.Monitor failed" in caplog.text


def test_a_fault_in_every_epoch_is_reported_once(
    data: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(optimizers.Optimizers, "end", lambda _self, _batches: 1 / 0)
    monitor = Monitor("mine")
    for _ in range(2):
        compiled().fit(*data, epochs=3, verbose=0, callbacks=[monitor])
    assert caplog.text.count("lrdash.Monitor failed") == 1


def test_copies_of_a_used_monitor_are_fresh_ones(data: tuple[Any, Any], store: Store) -> None:
    monitor = Monitor("mine", dataset="hills", tags=["a"])
    fitted(data, compiled(), [], monitor, epochs=1)
    for other in (copy.deepcopy(monitor), copy.copy(monitor), pickle.loads(pickle.dumps(monitor))):
        assert other.run_id is None
        row = store.runs.one(fitted(data, compiled(), [], other, epochs=1))
        assert (row.name, row.spec.dataset, row.tags) == ("mine", "hills", ("a",))


def test_the_reason_names_the_stopping_that_stopped(data: tuple[Any, Any], store: Store) -> None:
    never = CALLBACKS.EarlyStopping(monitor="val_loss", patience=90)
    soon = CALLBACKS.EarlyStopping(monitor="loss", patience=2, min_delta=9.0)
    row = store.runs.one(fitted(data, compiled(), [never, soon], epochs=9))
    assert row.reason == "early stopping: loss had not improved for 2 epochs"


def endless(data: tuple[Any, Any], batches: int) -> Iterator[Any]:
    for first in range(batches):
        yield data[0][first : first + 8], data[1][first : first + 8]


def test_a_generator_that_runs_out_leaves_no_update_that_was_not_made(
    data: tuple[Any, Any], store: Store
) -> None:
    monitor = Monitor("short")
    with pytest.warns(UserWarning, match="ran out of data"):
        compiled().fit(endless(data, 10), epochs=3, steps_per_epoch=4, verbose=0,
                       shuffle=False, callbacks=[monitor])
    assert [len(epoch.rates) for epoch in store.runs.epochs(str(monitor.run_id))] == [4, 4, 2]


@pytest.mark.parametrize("learning_rate", [0.1, SCHEDULES.CosineDecay(0.1, 50)])
def test_an_epoch_without_a_batch_has_no_update_and_no_loss(
    data: tuple[Any, Any], store: Store, learning_rate: Any
) -> None:
    monitor, validation = Monitor("short"), (data[0][:8], data[1][:8])
    with pytest.warns(UserWarning, match="ran out of data"):
        compiled(learning_rate).fit(
            endless(data, 12), epochs=4, steps_per_epoch=4, verbose=0, shuffle=False,
            validation_data=validation, callbacks=[monitor])
    row, epochs, _ = stored(store, str(monitor.run_id))
    assert [len(epoch.rates) for epoch in epochs] == [4, 4, 4, 0]
    assert set(epochs[3].metrics) == {"val_loss", "val_accuracy"}  # measured all the same
    assert row.status == "finished"
    assert row.spec.facts
    assert row.spec.facts.metrics == ("accuracy", "loss", "val_accuracy", "val_loss")
    assert row.spec.facts.notes == (
        "The data ran out: 1 epoch had no batch (epoch 4), so it made no update and has no loss.",)


def test_a_loop_that_tells_no_batches_keeps_its_epochs(
    data: tuple[Any, Any], store: Store
) -> None:
    model, monitor = compiled(), Monitor("own loop")
    ready = CALLBACKS.CallbackList([monitor], model=model)
    ready.on_train_begin()
    for epoch in range(2):
        ready.on_epoch_begin(epoch)
        loss = model.train_on_batch(data[0][:8], data[1][:8])
        ready.on_epoch_end(epoch, {"loss": float(np.asarray(loss).reshape(-1)[0])})
    ready.on_train_end()
    epochs = store.runs.epochs(str(monitor.run_id))
    assert [(len(epoch.rates), list(epoch.metrics)) for epoch in epochs] == [(1, ["loss"])] * 2


def test_a_ready_list_of_callbacks_with_the_monitor_last_counts_too(
    data: tuple[Any, Any], store: Store
) -> None:
    import tensorflow as tf

    kinds = (tf.TensorSpec((None, 4), tf.float32), tf.TensorSpec((None,), tf.int32))
    stream = tf.data.Dataset.from_generator(lambda: endless(data, 5), output_signature=kinds)
    model, monitor = compiled(), Monitor("ready")
    ready = CALLBACKS.CallbackList([CALLBACKS.History(), monitor], model=model)
    for _ in range(2):
        with pytest.warns(UserWarning, match="ran out of data"):
            model.fit(stream, epochs=2, verbose=0, shuffle=False, callbacks=ready)
        rows = store.runs.epochs(str(monitor.run_id))
        assert [len(epoch.rates) for epoch in rows] == [5, 5]


SCRIPT = """
import os, signal, sys, keras, numpy as np, lrdash
x = np.zeros((64, 4), "float32"); y = np.zeros(64, "int32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
class Fall(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 2:
            {fall}
model.fit(x, y, epochs=5, verbose=0, callbacks=[Fall(), lrdash.Monitor("falls")])
"""


CHAINED = "try:\n    {fit}\nexcept ValueError as first:\n    raise RuntimeError('outer') {how}"


@pytest.mark.parametrize("how", ["from first", "", "from None"])
def test_an_exception_that_another_one_followed_is_the_reason(store: Store, how: str) -> None:
    *lines, fit = SCRIPT.format(fall="raise ValueError('no more')").strip().splitlines()
    script = "\n".join([*lines, CHAINED.format(fit=fit, how=how)])
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=False,
    )
    (row,) = store.runs.listing()
    assert (row.status, row.reason) == ("failed", "ValueError: no more (after 2 epochs)"), \
        done.stderr


@pytest.mark.parametrize(
    ("fall", "status", "reason"),
    [
        ("raise ValueError('no more')", "failed", "ValueError: no more (after 2 epochs)"),
        ("raise KeyboardInterrupt", "interrupted", "KeyboardInterrupt after 2 epochs"),
        ("__import__('time').sleep(1.5); os.kill(os.getpid(), signal.SIGKILL)", "interrupted",
         "the training process ended unexpectedly"),
    ],
)
def test_a_script_that_falls_leaves_a_run_that_says_so(
    store: Store, fall: str, status: str, reason: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(fall=fall)], capture_output=True, text=True,
        cwd=ROOT, check=False,
    )
    assert done.returncode
    store.workers.mark_interrupted()
    (row,) = store.runs.listing()
    assert (row.status, row.reason, row.epochs_done) == (status, reason, 2), done.stderr


def test_the_example_runs_and_can_be_walked_through(store: Store) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples/monitor_script.py"), "6"], capture_output=True,
        text=True, cwd=ROOT, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    (row,) = store.runs.listing()
    assert (row.name, row.status, row.epochs_done) == ("digits, plateau", "finished", 6)
    assert (row.spec.dataset, row.spec.model) == ("digits", "digits-64")
    assert len(store.runs.decisions(row.run_id)) == 6


def test_training_in_a_notebook_that_an_exception_left_does_not_run_for_ever(
    data: tuple[Any, Any], store: Store
) -> None:
    class Fall(CALLBACKS.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise ValueError("no more")

    monitor = Monitor("mine")
    with pytest.raises(ValueError, match="no more"):
        fitted(data, compiled(), [Fall()], monitor)
    assert monitor._fit
    watcher = monitor._fit.watcher
    watcher._thread.join(30)  # it sees that fit is over
    assert watcher.ended
    row = store.runs.one(str(monitor.run_id))
    assert row.status == "interrupted"
    assert row.reason == "training was left by an exception or by hand after 1 epoch"
