"""A model and data as a script brings them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import lrdash

layers = keras.layers
RNG = np.random.default_rng(7)
X = RNG.normal(size=(150, 6)).astype(np.float32)
CLASSES = ((X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)).astype(np.int64)
NUMBERS = (X[:, :2].sum(axis=1) + 0.1 * RNG.normal(size=150)).astype(np.float64)
FEW: dict[str, Any] = {"base_lrs": [0.05], "seeds": 1, "epochs": 3, "batch_size": 32}


def network(
    outputs: int = 3, activation: str | None = "softmax", *, compiled: dict[str, Any] | None = None,
    between: Callable[[], list[Any]] = list, hidden: str = "tanh",
) -> Callable[[], Any]:
    """Makes functions that build a small network."""

    def build_small() -> Any:
        model = keras.Sequential([
            layers.Input((6,)), layers.Dense(8, activation=hidden), *between(),
            layers.Dense(outputs, activation=activation),
        ])
        if compiled is not None:
            model.compile(**{name: _made(value) for name, value in compiled.items()})
        return model

    return build_small


def _made(value: Any) -> Any:
    return value() if callable(value) and getattr(value, "__name__", "") == "<lambda>" else value


def curves(build: Any, data: Any, engine: str, **more: Any) -> Any:
    made = lrdash.compare(build, data, engine=engine, **{**FEW, **more})
    assert {row.status for row in made.rows} == {"finished"}, [row.reason for row in made.rows]
    return made, made.curves()


class Scale(layers.Layer):
    """A layer of one's own."""

    def build(self, shape: Any) -> None:
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones")

    def call(self, x: Any) -> Any:
        return x * self.scale


class Whole(keras.Model):
    """A model of one's own, with a call of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last = layers.Dense(8, activation="relu"), layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.last(self.first(x))


def own_loss(y: Any, prediction: Any) -> Any:
    return keras.ops.mean(keras.ops.square(keras.ops.abs(y - prediction)), axis=-1)


class Batches(keras.utils.PyDataset):
    """Five batches of thirty."""

    def __init__(self) -> None:
        super().__init__(workers=1)

    @property
    def num_batches(self) -> int:
        return 5

    def __getitem__(self, place: int) -> Any:
        return X[place * 30 : place * 30 + 30], CLASSES[place * 30 : place * 30 + 30]


def stream(repeat: bool = False) -> tf.data.Dataset:
    made = tf.data.Dataset.from_tensor_slices((X, CLASSES)).batch(30)
    return made.repeat() if repeat else made


def centred(x: Any) -> Any:
    return x - keras.ops.mean(x, axis=0, keepdims=True)


def centred_network() -> Any:
    inputs = keras.Input((6,))
    return keras.Model(inputs, layers.Dense(3)(centred(layers.Dense(4)(inputs))))


def several_inputs() -> Any:
    one, two = keras.Input((6,), name="one"), keras.Input((6,), name="two")
    model = keras.Model({"one": one, "two": two}, layers.Dense(1)(layers.Add()([one, two])))
    model.compile("adam", loss="mae")
    return model
mse = {"optimizer": "adam", "loss": "mse"}
ALONE = {
    "a layer of its own": (
        network(between=lambda: [Scale()]), (X, CLASSES), "the layer Scale",
    ),
    "a loss of its own": (
        network(1, None, compiled={"optimizer": "adam", "loss": own_loss}), (X, NUMBERS),
        "the loss own_loss",
    ),
    "a metric of its own": (
        network(1, None, compiled={**mse, "metrics": ["mae"]}), (X, NUMBERS), "the metric mae",
    ),
    "a class of its own": (Whole, (X, CLASSES), "Whole is a class with a call of its own"),
    "another optimizer": (
        network(1, None, compiled={**mse, "optimizer": lambda: keras.optimizers.Lion(0.01)}),
        (X, NUMBERS), "the optimizer Lion",
    ),
    "an optimizer with settings": (
        network(1, None, compiled={
            **mse, "optimizer": lambda: keras.optimizers.Adam(0.01, beta_1=0.8, clipnorm=1.0),
        }), (X, NUMBERS), "the optimizer Adam (clipnorm 1.0, beta_1 0.8)",
    ),
    "weights with a constraint": (
        network(between=lambda: [layers.Dense(4, kernel_constraint="non_neg", name="held")]),
        (X, CLASSES), "the layer held has a constraint on its weights",
    ),
    "an activity regularizer": (
        network(between=lambda: [layers.Dense(4, activity_regularizer="l2", name="calm")]),
        (X, CLASSES), "the layer calm has an activity regularizer",
    ),
    "an activation over the batch": (
        network(between=lambda: [layers.Dense(4, activation=centred, name="mixed")]),
        (X, CLASSES), "the layer mixed has the activation centred",
    ),
    "a softmax over the batch": (
        network(between=lambda: [layers.Softmax(axis=0, name="across")]), (X, CLASSES),
        "the layer across works across the examples of a batch",
    ),
    "an operation over the batch": (centred_network, (X, CLASSES), "lanes do not know the oper"),
    "a loss that leaves classes out": (
        network(compiled={"optimizer": "adam", "loss": lambda: (
            keras.losses.SparseCategoricalCrossentropy(ignore_class=2))}),
        (X, CLASSES), "is no plain mean over the examples",
    ),
    "a loss of the whole batch": (
        network(compiled={"optimizer": "adam", "loss": lambda: keras.losses.Dice()}),
        (X, np.eye(3, dtype=np.float32)[CLASSES]), "is no plain mean over the examples",
    ),
    "several inputs": (
        several_inputs, ({"one": X, "two": X}, NUMBERS), "inputs or targets are several arrays",
    ),
    "a tf.data.Dataset": (network(), (stream(), stream()), "the data are a tf.data.Dataset"),
    "a PyDataset alone": (network(), Batches(), "the data are a keras.utils.PyDataset"),
    "a tf.data.Dataset and arrays": (
        network(), (stream(), (X, CLASSES)), "the data are a tf.data.Dataset",
    ),
}
