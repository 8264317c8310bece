"""The loss and metrics of a run, and the targets in the form that these need."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from lrdash.core.spec import DataShape, RunSpec

ERRORS = {  # also between probabilities and one-hot targets
    "mse": keras.losses.MeanSquaredError,
    "mae": keras.losses.MeanAbsoluteError,
    "huber": keras.losses.Huber,
}


def loss_of(spec: RunSpec, loss: str) -> keras.losses.Loss:
    """The Keras loss.

    Args:
        spec: gives the label smoothing.
        loss: `cross_entropy`, `mse`, `mae` or `huber`.
    """
    if loss != "cross_entropy":
        return ERRORS[loss]()
    if spec.label_smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=spec.label_smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def metrics_of(spec: RunSpec, loss: str, shape: DataShape) -> list[keras.metrics.Metric]:
    """The Keras metrics beside the loss: accuracy for classes, none for numbers."""
    if shape.task == "regression":
        return []
    if is_sparse(spec, loss):
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    return [keras.metrics.CategoricalAccuracy(name="accuracy")]


def targets_of(
    labels: NDArray[Any], spec: RunSpec, loss: str, shape: DataShape
) -> NDArray[Any]:
    """Labels [n] as the loss needs them.

    Returns:
        Class numbers int32 [n], one-hot rows float32 [n, num_classes], or for regression
        float32 [n, 1].
    """
    if shape.task == "regression":
        return labels.astype(np.float32).reshape(-1, 1)
    if is_sparse(spec, loss):
        return labels.astype(np.int32)
    rows: NDArray[Any] = np.eye(shape.num_classes, dtype=np.float32)[labels]
    return rows


def is_sparse(spec: RunSpec, loss: str) -> bool:
    """Whether the loss takes class numbers, not one-hot rows."""
    return loss == "cross_entropy" and not spec.label_smoothing
