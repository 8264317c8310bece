"""A fit that Keras wrote down in three ways, and data for others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.factories.logs import EPOCHS


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[float]]]:
    """One fit, written down by Keras in three ways: log folder, CSV files, JSON."""
    folder = tmp_path_factory.mktemp("keras")
    keras.utils.set_random_seed(0)  # other tests may have asked TensorFlow for repeatability
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 4)).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, activation="softmax")])
    model.compile(
        keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    callbacks = keras.callbacks
    history = model.fit(
        x, (x.sum(1) > 0).astype("int32"), epochs=EPOCHS, batch_size=16, verbose=0,
        validation_split=1 / 3, callbacks=[
            callbacks.LearningRateScheduler(lambda epoch, _lr: 0.1 / (1 + epoch)),
            callbacks.TensorBoard(folder / "logs", histogram_freq=1, write_graph=True),
            callbacks.CSVLogger(folder / "comma.csv"),
            callbacks.CSVLogger(folder / "semicolon.csv", separator=";"),
        ],
    )
    (folder / "history.json").write_text(json.dumps(history.history))
    return folder, history.history


@pytest.fixture(scope="module")
def data() -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    x = random.normal(size=(96, 4)).astype("float32")
    return x, (x.sum(1) > 0).astype("int32")
