"""The watcher in unusual loops: own optimizers, generators, exceptions, notebooks."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest

import lrdash
from lrdash.analysis import settings_in_words
from lrdash.core.errors import InvalidField
from lrdash.store import Store
from lrdash.tracking.monitor import Monitor, optimizers
from tests import ROOT
from tests.factories.watched import CALLBACKS, SCHEDULES, compiled, fitted, stored, used


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


def test_an_unused_optimizer_changes_nothing(
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
