"""Models and trainings that a watcher watches."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from lrdash.core.events import RateDecided
from lrdash.store import EpochRow, RunRow, Store
from lrdash.tracking.monitor import Monitor

CALLBACKS, SCHEDULES = keras.callbacks, keras.optimizers.schedules


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
