"""The loss of a model that is not compiled follows from its targets and its output, with a note."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lrdash
from lrdash.training.own.data import own_data
from lrdash.training.own.usual import usual_loss

layers = keras.layers
RNG = np.random.default_rng(3)
X = RNG.normal(size=(80, 4)).astype(np.float32)
CLASSES = (X[:, 0] > 0).astype(np.int64) + (X[:, 1] > 0)
MANY = (X[:, :3] > 0).astype(np.int64)
ONE_HOT = np.eye(3)[CLASSES]
FEW: dict[str, Any] = {
    "strategies": ["constant"], "base_lrs": [0.05], "epochs": 1, "progress": False, "seeds": 1,
}


def network(outputs: int, activation: str | None) -> Any:
    return keras.Sequential([layers.Input((4,)), layers.Dense(outputs, activation=activation)])


BINARY, SPARSE = "binary_crossentropy", "sparse_categorical_crossentropy"
CATEGORICAL, SQUARED = "categorical_crossentropy", "mean_squared_error"
CASES: dict[str, tuple[int, str | None, Any, str]] = {
    "floats of 0 and 1, sigmoid": (1, "sigmoid", (CLASSES > 0).astype(np.float32), BINARY),
    "a column of them": (1, "sigmoid", (CLASSES > 0).astype(np.float64)[:, None], BINARY),
    "whole numbers, sigmoid": (1, "sigmoid", (CLASSES > 0).astype(np.int32), BINARY),
    "shares, sigmoid": (1, "sigmoid", 1 / (1 + np.exp(-X[:, 0])), SQUARED),
    "several labels": (3, "sigmoid", MANY.astype(np.float32), BINARY),
    "several labels as whole numbers": (3, "sigmoid", MANY, BINARY),
    "float classes, softmax": (3, "softmax", CLASSES.astype(np.float32), SPARSE),
    "float classes, logits": (3, None, CLASSES.astype(np.float64)[:, None], SPARSE),
    "whole classes": (3, "softmax", CLASSES, SPARSE),
    "numbers behind a sigmoid": (3, "sigmoid", (X[:, :3] * 9).astype(np.int64), SQUARED),
    "one-hot rows": (3, "softmax", ONE_HOT, CATEGORICAL),
    "numbers": (1, None, X[:, 0], SQUARED),
    "rows of numbers": (3, None, X[:, :3], SQUARED),
}


@pytest.mark.parametrize("case", CASES)
def test_targets_and_output_decide_the_loss(case: str) -> None:
    outputs, activation, y, wanted = CASES[case]
    made = lrdash.compare(lambda: network(outputs, activation), (X, y), engine="keras", **FEW)
    facts = made.rows[0].spec.facts
    assert facts is not None
    assert facts.loss == wanted.replace("_", " ")
    assert ("accuracy" in facts.metrics) == (wanted != SQUARED)
    note, = (note for note in made.notes() if note.startswith("The model is not compiled"))
    assert wanted.split("_", maxsplit=1)[0] in note
    assert "Compile it, or give loss, to choose." in note


@pytest.mark.parametrize("case", ["floats of 0 and 1, sigmoid", "float classes, logits"])
def test_lanes_read_floats_as_classes_too(case: str) -> None:
    outputs, activation, y, _ = CASES[case]
    few = {**FEW, "epochs": 3}
    fast = lrdash.compare(lambda: network(outputs, activation), (X, y), **few)
    plain = lrdash.compare(lambda: network(outputs, activation), (X, y), engine="keras", **few)
    assert {row.engine for row in fast.rows} == {"lanes"}, fast.notes()
    for metric in ("loss", "val_loss", "accuracy", "val_accuracy"):
        np.testing.assert_allclose(fast.curves()[metric], plain.curves()[metric], rtol=1e-5)


def test_the_accuracy_of_several_labels_counts_each_label() -> None:
    made = lrdash.compare(lambda: network(3, "sigmoid"), (X, MANY), **FEW)
    theirs = lrdash.compare(
        lambda: network(3, "sigmoid"), (X, MANY), loss=BINARY, metrics=["binary_accuracy"], **FEW
    )
    np.testing.assert_array_equal(
        made.curves()["val_accuracy"], theirs.curves()["val_accuracy"]
    )


def test_a_loss_that_was_given_or_compiled_is_not_guessed() -> None:
    def compiled() -> Any:
        model = network(1, None)
        model.compile("sgd", "mae")
        return model

    given = lrdash.compare(lambda: network(1, None), (X, X[:, 0]), loss="mae", **FEW)
    for made in (given, lrdash.compare(compiled, (X, X[:, 0]), **FEW)):
        assert not any("not compiled" in note for note in made.notes())


@pytest.mark.parametrize("last", ["layer", "operation", "logits"])
def test_a_softmax_is_seen_whatever_makes_it(last: str) -> None:
    def build() -> Any:
        inputs = keras.Input((4,))
        scores = layers.Dense(3)(inputs)
        ends = {"layer": layers.Softmax(), "operation": keras.ops.softmax, "logits": lambda x: x}
        return keras.Model(inputs, ends[last](scores))

    plain = network(3, "softmax" if last != "logits" else None)
    assert _loss(build()).from_logits == (last == "logits") == _loss(plain).from_logits


def _loss(model: Any) -> Any:
    return usual_loss(model, own_data((X, CLASSES), 32)).loss
