"""Models with training steps of their own: the rate of a strategy has an effect, or a message says
that it has none."""

from __future__ import annotations

import types
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import lrdash
from lrdash.core.errors import InvalidField
from lrdash.store import Store

RNG = np.random.default_rng(1)
X = RNG.normal(size=(64, 3)).astype(np.float32)
Y = X @ np.array([[1.0], [2.0], [-1.0]], np.float32)
FEW: dict[str, Any] = {"base_lrs": [0.01], "seeds": 1, "epochs": 3, "batch_size": 16,
                       "progress": False}
SGD = keras.optimizers.SGD


class Stepping(keras.Model):
    """A model of two layers whose step a subclass writes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = keras.layers.Dense(4), keras.layers.Dense(1)

    def call(self, x: Any) -> Any:
        return self.last(self.first(x))

    def train_step(self, data: Any) -> Any:
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(x=x, y=y, y_pred=self(x, training=True))
        weights = self.trainable_variables
        self.update(tape.gradient(loss, weights), weights)
        return {"loss": loss}

    def update(self, gradients: Any, weights: Any) -> None:
        raise NotImplementedError


class Another(Stepping):
    def compile(self, d_optimizer: Any, **more: Any) -> None:
        super().compile(**more)
        self.d_optimizer = d_optimizer

    def update(self, gradients: Any, weights: Any) -> None:
        self.d_optimizer.apply(gradients, weights)


class ByHand(Stepping):
    def update(self, gradients: Any, weights: Any) -> None:
        for gradient, weight in zip(gradients, weights, strict=True):
            weight.assign(weight - 0.01 * gradient)


class Parts(Another):
    """The compiled optimizer has the last layer, the other one the first."""

    def update(self, gradients: Any, weights: Any) -> None:
        self.d_optimizer.apply(gradients[:2], weights[:2])
        self.optimizer.apply(gradients[2:], weights[2:])


class Twice(Stepping):
    def update(self, gradients: Any, weights: Any) -> None:
        for _ in range(2):
            self.optimizer.apply(gradients, weights)


class EverySecond(Stepping):
    """Updates the weights with every second batch."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = self.add_weight(shape=(), dtype="int32", initializer="zeros",
                                       trainable=False)

    def update(self, gradients: Any, weights: Any) -> None:
        self.optimizer.build(weights)
        self.batches.assign_add(1)
        tf.cond(self.batches.value % 2 == 0, lambda: self.applied(gradients, weights), lambda: 0)

    def applied(self, gradients: Any, weights: Any) -> int:
        self.optimizer.apply(gradients, weights)
        return 0


class Alias(Stepping):
    """Steps with the compiled optimizer by another name."""

    def compile(self, optimizer: Any = "rmsprop", **more: Any) -> None:
        super().compile(optimizer=optimizer, **more)
        self.mine = self.optimizer

    def update(self, gradients: Any, weights: Any) -> None:
        self.mine.apply(gradients, weights)


class Deaf(SGD):
    """Ignores the rate that it is given."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        super().update_step(gradient, variable, keras.ops.cast(0.01, variable.dtype))


class Uncounted(SGD):
    """Updates without counting."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        for gradient, weight in zip(grads, trainable_variables, strict=True):
            weight.assign(weight - keras.ops.cast(self.learning_rate, "float32") * gradient)


def made(kind: Any, *args: Any, **more: Any) -> Any:
    def build() -> Any:
        model = kind()
        model.compile(*(one() for one in args), loss="mse",
                      **{name: value() for name, value in more.items()})
        return model
    return build


def patched() -> Any:
    """A plain model whose instance has a step of its own."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(SGD(0.01), "mse")
    model.other = SGD(0.01)
    step = Another.train_step

    def update(self: Any, gradients: Any, weights: Any) -> None:
        self.other.apply(gradients, weights)

    model.update = types.MethodType(update, model)
    model.train_step = types.MethodType(step, model)
    return model


def message(build: Any) -> str:
    with pytest.raises(InvalidField) as caught:
        lrdash.compare(build, (X, Y), strategies=["constant", "cosine"], **FEW)
    assert not Store().runs.listing()
    return str(caught.value)


@pytest.mark.parametrize(("build", "given"), [
    (made(Another, lambda: SGD(0.01)), "d_optimizer: SGD"),
    (made(Another, lambda: SGD(0.01), optimizer=lambda: "adam"), "d_optimizer: SGD"),
    (made(ByHand), "ByHand"),
    (patched, "other: SGD"),
])
def test_a_model_that_steps_without_its_compiled_optimizer_is_refused(
    build: Any, given: str
) -> None:
    shown = message(build)
    assert shown.startswith("build_model must make a model whose steps use self.optimizer")
    assert "the strategies would have no effect" in shown
    assert given in shown


def test_an_optimizer_that_ignores_its_rate_is_refused() -> None:
    build = made(keras.Sequential, lambda: Deaf(0.1))
    shown = message(lambda: _with_layer(build))
    assert "a batch trained at two rates leaves the same weights" in shown


def _with_layer(build: Any) -> Any:
    model = build()
    model.add(keras.Input((3,)))
    model.add(keras.layers.Dense(1))
    return model


def test_an_optimizer_that_does_not_count_its_updates_is_refused() -> None:
    build = made(keras.Sequential, lambda: Uncounted(0.1))
    assert "must have an optimizer that counts its updates" in message(lambda: _with_layer(build))


def test_weights_of_a_second_optimizer_get_a_note() -> None:
    build = made(Parts, lambda: SGD(0.01), optimizer=lambda: SGD(0.02))
    found = lrdash.compare(build, (X, Y), strategies=["constant", "cosine"], **FEW)
    (note,) = (one for one in found.notes() if "2 of 4 trainable weights" in one)
    assert "at the rate of another optimizer (d_optimizer: SGD)" in note
    assert {row.status for row in found.rows} == {"finished"}


@pytest.mark.parametrize("kind", [Twice, EverySecond])
def test_rates_are_set_for_each_batch_where_updates_are_not_one_a_batch(kind: Any) -> None:
    run = lrdash.train(build_model=made(kind, lambda: SGD(0.01)), data=(X, Y), strategy="linear",
                       base_lr=0.02, epochs=3, batch_size=16, progress=False)
    assert run.status == "finished", run.reason
    wanted = lrdash.preview("linear", base_lr=0.02, epochs=3, steps_per_epoch=4)
    np.testing.assert_array_equal(run.rates()["learning_rate"], np.float32(wanted))
    assert any("do not make one update a batch" in note for note in run.notes())


def test_the_compiled_optimizer_by_another_name_has_the_rates() -> None:
    build = made(Alias, lambda: SGD(0.01, momentum=0.5, clipnorm=1.0))
    rates = {**FEW, "base_lrs": [0.001, 0.1]}
    found = lrdash.compare(build, (X, Y), strategies=["constant"], **rates)
    losses = found.frame()["final_val_loss"]
    assert losses[0] != losses[1]
    assert not any("another optimizer" in note for note in found.notes())
