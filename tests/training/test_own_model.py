"""A caller's own Keras model and data: trained exactly, by lanes where they apply, and recorded."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import lrdash
from lrdash.store import Store
from tests.factories.scripts import (
    ALONE,
    CLASSES,
    NUMBERS,
    X,
    curves,
    layers,
    network,
)


def image_network() -> Any:
    model = keras.Sequential([
        layers.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(2),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.1), loss=loss, metrics=["accuracy"])
    return model


def residual_network() -> Any:
    inputs = keras.Input((6,))
    x = layers.Dense(6, activation="relu", kernel_regularizer=keras.regularizers.L2(1e-3))(inputs)
    x = layers.BatchNormalization()(layers.Add()([x, inputs]))
    inner = keras.Sequential([layers.Input((6,)), layers.Dense(5), layers.BatchNormalization()])
    model = keras.Model(inputs, layers.Dense(1)(inner(x)))
    model.compile(keras.optimizers.SGD(0.05), loss="huber")
    return model
IMAGES = X.repeat(11, axis=1)[:, :64].reshape(150, 8, 8, 1)
CASES = {
    "classes, SGD with momentum": (
        network(compiled={
            "optimizer": lambda: keras.optimizers.SGD(0.1, momentum=0.8, nesterov=True),
            "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"],
        }), (X, CLASSES), "accuracy",
    ),
    "one-hot rows, AdamW": (
        network(compiled={
            "optimizer": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.02),
            "loss": lambda: keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
            "metrics": ["accuracy"],
        }), (X, np.eye(3)[CLASSES]), "accuracy",
    ),
    "two classes, one output": (
        network(1, "sigmoid"), (X, (CLASSES > 0).reshape(-1, 1)), "accuracy",
    ),
    "numbers, residual, L2, batch normalisation": (residual_network, (X, NUMBERS), ""),
    "small images": (image_network, (IMAGES, CLASSES > 0), "accuracy"),
    "logits, not compiled": (network(3, None), (X, CLASSES, X[:40], CLASSES[:40]), "accuracy"),
}


@pytest.mark.parametrize("case", CASES)
def test_lanes_give_the_curves_of_keras(case: str) -> None:
    build, data, accuracy = CASES[case]
    fast, mine = curves(build, data, "auto", strategies=["linear", "plateau"])
    _, theirs = curves(build, data, "keras", strategies=["linear", "plateau"])
    assert {row.engine for row in fast.rows} == {"lanes"}, fast.notes()
    metrics = ["loss", "val_loss", *([accuracy, f"val_{accuracy}"] if accuracy else [])]
    for metric in metrics:
        assert np.isfinite(mine[metric]).all()
        np.testing.assert_allclose(mine[metric], theirs[metric], rtol=1e-5, atol=1e-6)
    for row in fast.rows:
        assert row.spec.origin == "script"


@pytest.mark.parametrize("case", ALONE)
def test_keras_trains_what_lanes_cannot_and_a_note_says_why(case: str) -> None:
    build, data, reason = ALONE[case]
    strategy = "plateau" if "own" in case else "cosine"
    made, found = curves(build, data, "auto", strategies=[strategy])
    assert np.isfinite(found[["loss", "val_loss"]]).all(axis=None)
    for row in made.rows:
        assert row.engine == "keras"
        assert reason in row.engine_note
        run = lrdash.api.load_run(row.run_id, Store())
        wanted = lrdash.preview(
            strategy, base_lr=0.05, epochs=3, steps_per_epoch=row.steps_per_epoch
        )
        np.testing.assert_array_equal(run.rates()["learning_rate"], np.float32(wanted))
    assert any(reason in note for note in made.notes())
    assert reason in made._repr_html_()


def test_a_loss_without_metrics_is_no_reason_against_lanes() -> None:
    made, _ = curves(network(1, None), (X, NUMBERS), "auto", strategies=["constant"])
    assert {row.engine for row in made.rows} == {"lanes"}, made.notes()


def test_what_weight_decay_leaves_alone_stays_so() -> None:
    def build(*names: str) -> Any:
        def built() -> Any:
            optimizer = keras.optimizers.AdamW(0.05, weight_decay=0.5)
            if names:
                optimizer.exclude_from_weight_decay(var_names=list(names))
            return network(1, None, compiled={"optimizer": lambda: optimizer, "loss": "mse"})()
        return built

    for names, engine, differs in (((), "lanes", False), (("kernel", "bias"), "keras", True)):
        made, found = curves(build(*names), (X, NUMBERS), "auto", strategies=["constant"])
        assert {row.engine for row in made.rows} == {engine}
        assert any("no weight decay of" in note for note in made.notes()) == differs
        if not names:
            decayed = found
    assert not np.allclose(found["loss"], decayed["loss"])

