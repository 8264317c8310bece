"""Texts, ragged tensors and models with a fixed batch train as in Keras' own `fit`."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import lrdash
from lrdash.core.errors import InvalidField

layers = keras.layers
RNG = np.random.default_rng(0)
WORDS = np.array(["good film", "bad film", "great", "awful"] * 20)
GOOD = np.array([1, 0, 1, 0] * 20)
LISTS = [[1, 2], [3], [4, 5, 6], [7]] * 20
SHARES = np.arange(80.0) / 80
SERIES = RNG.normal(size=(64, 5, 1)).astype(np.float32)
NEXT = RNG.normal(size=(64, 1)).astype(np.float32)
FEW: dict[str, Any] = {"strategies": ["constant"], "base_lrs": [0.1], "epochs": 2, "seeds": 1,
                       "progress": False}


def done(model: Any, loss: str = "mse") -> Any:
    model.compile("sgd", loss)
    return model


def text(shape: tuple[int, ...] = ()) -> Any:
    vector = layers.TextVectorization(max_tokens=20, output_sequence_length=4)
    vector.adapt(WORDS)
    return done(keras.Sequential([
        keras.Input(shape, dtype="string"), vector, layers.Embedding(20, 4),
        layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid"),
    ]), "binary_crossentropy")


def category() -> Any:
    kind, number = keras.Input((1,), dtype="string", name="kind"), keras.Input((1,), name="number")
    known = layers.StringLookup(vocabulary=["good film", "great"], output_mode="one_hot")(kind)
    out = layers.Dense(1, activation="sigmoid")(layers.Concatenate()([known, number]))
    return done(keras.Model({"kind": kind, "number": number}, out), "binary_crossentropy")


def bag() -> Any:
    return done(keras.Sequential([
        layers.Embedding(9, 3), layers.GlobalAveragePooling1D(), layers.Dense(1),
    ]))


def memory(fixed: int | None = 16) -> Any:
    first = [keras.Input(batch_shape=(fixed, 5, 1))] if fixed else []
    return done(keras.Sequential([*first, layers.LSTM(4, stateful=True), layers.Dense(1)]))


def flat_fixed() -> Any:
    return done(keras.Sequential([
        keras.Input(batch_shape=(16, 5, 1)), layers.Flatten(), layers.Dense(1),
    ]))


class Texts(keras.utils.PyDataset):
    def __init__(self) -> None:
        super().__init__(workers=1)

    @property
    def num_batches(self) -> int:
        return 4

    def __getitem__(self, place: int) -> Any:
        rows = slice(place * 20, place * 20 + 20)
        return tf.constant(WORDS[rows]), GOOD[rows]


def stream(*parts: Any, size: int = 8) -> Any:
    return tf.data.Dataset.from_tensor_slices(parts).batch(size)


def ragged() -> Any:
    return tf.ragged.constant(LISTS)


DATA: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "a stream of texts": (text, lambda: stream(WORDS, GOOD), {}),
    "a PyDataset of texts": (text, Texts, {}),
    "arrays of texts": (text, lambda: (WORDS, GOOD), {}),
    "texts as objects": (text, lambda: (WORDS.astype(object), GOOD, WORDS, GOOD), {}),
    "bytes": (text, lambda: (np.char.encode(WORDS), GOOD), {}),
    "a column of pandas": (text, lambda: (pd.Series(WORDS), GOOD), {}),
    "a list of texts": (text, lambda: (WORDS.tolist(), GOOD), {}),
    "columns of texts and numbers": (
        category, lambda: ({"kind": WORDS[:, None], "number": SHARES[:, None]}, GOOD), {}),
    "a stream of columns": (
        category,
        lambda: stream({"kind": WORDS[:, None], "number": SHARES[:, None]}, GOOD), {}),
    "ragged batches": (bag, lambda: stream(ragged(), SHARES), {}),
    "ragged batches, validated": (
        bag, lambda: (stream(ragged(), SHARES), stream(ragged(), SHARES)), {}),
    "ragged in memory": (bag, lambda: (ragged(), SHARES), {}),
    "ragged in memory, with weights": (
        bag, lambda: ((ragged(), SHARES, np.ones(80)), (ragged(), SHARES)), {}),
    "a fixed batch": (
        memory, lambda: (SERIES, NEXT, SERIES[:32], NEXT[:32]), {"batch_size": 16}),
    "a state without a fixed input": (
        lambda: memory(None), lambda: (SERIES, NEXT, SERIES[:32], NEXT[:32]), {"batch_size": 16}),
    "a fixed batch of dense layers": (
        flat_fixed, lambda: (SERIES, NEXT, SERIES[:32], NEXT[:32]), {"batch_size": 16}),
    "a stream of fixed batches": (memory, lambda: stream(SERIES, NEXT, size=16), {}),
}


@pytest.mark.parametrize("case", DATA)
def test_what_fit_takes_is_compared(case: str) -> None:
    build, data, more = DATA[case]
    made = lrdash.compare(build, data(), **{**FEW, "batch_size": 8, **more})
    (row,) = made.rows
    assert row.status == "finished", row.reason
    assert row.engine == "keras"
    assert np.isfinite(made.curves()[["loss", "val_loss"]]).all(axis=None)


def test_texts_and_ragged_tensors_train_as_in_fit() -> None:
    for build, x, y in ((text, WORDS, GOOD), (bag, ragged(), SHARES)):
        made = lrdash.compare(build, (x, y, x, y), **{**FEW, "epochs": 1, "batch_size": 80})
        keras.utils.set_random_seed(0)
        model = build()
        model.optimizer.learning_rate = 0.1
        whole = tf.data.Dataset.from_tensors((x, y))
        history = model.fit(whole, validation_data=whole, shuffle=False, verbose=0).history
        for name in ("loss", "val_loss"):
            np.testing.assert_allclose(made.curves()[name], history[name], rtol=1e-5)


@pytest.mark.parametrize(("data", "more", "words"), [
    ((SERIES, NEXT), {}, "batch_size must be 16, since the model takes batches of 16 only, got 32"),
    ((SERIES, NEXT), {"batch_size": 16},
     "data must have a multiple of 16 examples for training and for validation, since the model "
     r"takes batches of 16 only: give \(x, y, x_val, y_val\), got '51 and 13'"),
    (stream(SERIES, NEXT, size=32), {}, "batch_size must be 16"),
])
def test_other_batches_than_the_fixed_one_are_refused(data: Any, more: Any, words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        lrdash.compare(memory, data, **FEW, **more)


@pytest.mark.parametrize(("x", "y", "words"), [
    (WORDS, WORDS, "data must hold arrays of numbers as targets"),
    (np.array([*WORDS[:-1], 3], object), GOOD, "data must hold arrays of numbers or texts as inp"),
    (np.array([*WORDS[:-1], None], object), GOOD, "data must hold arrays of numbers or texts"),
])
def test_texts_as_targets_and_mixed_objects_are_refused(x: Any, y: Any, words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        lrdash.compare(text, (x, y), **FEW)


def test_the_same_texts_give_the_same_names() -> None:
    first, again = (lrdash.compare(text, (WORDS, GOOD), **FEW) for _ in range(2))
    other = lrdash.compare(text, (np.flip(WORDS), GOOD), **FEW)
    tokens = [made.rows[0].spec.facts.token for made in (first, again, other)]
    assert tokens[0] == tokens[1] != tokens[2]
