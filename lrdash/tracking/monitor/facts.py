"""What is known of somebody's model and data without asking for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from lrdash.core.spec import NAME_LIMIT
from lrdash.core.wording import can_be_shown


def facts_of(model: Any, steps: int | None) -> dict[str, Any]:
    """Fields of `Facts` before the first epoch."""
    shape, outputs = _shape(model, "input_shape"), _shape(model, "output_shape")
    return {
        "steps_per_epoch": max(1, int(steps or 1)), "parameters": parameters(model),
        "metrics": ("loss",), "input_shape": shape, "loss": _name(getattr(model, "loss", "")),
        "num_classes": outputs[-1] if len(outputs) == 1 and outputs[-1] > 1 and _classes(model)
        else 0,
    }


def versions() -> dict[str, str]:
    """Library versions."""
    found = {"keras": keras.__version__, "numpy": np.__version__}
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        found["tensorflow"] = tf.__version__
    return found


def ran_out(empty: Sequence[int]) -> list[str]:
    """That these epochs, counted from 1, had no batch; nothing without such."""
    if not empty:
        return []
    if len(empty) == 1:
        return [f"The data ran out: 1 epoch had no batch (epoch {empty[0]}), so it made no update "
                "and has no loss."]
    return [f"The data ran out: {len(empty)} epochs had no batch (the first was epoch {empty[0]}), "
            "so they made no update and have no loss."]


def model_name(model: Any) -> str:
    """The model's own name, cut to the length that a run allows."""
    return _printable(str(getattr(model, "name", "") or "own model")) or "own model"


def _printable(text: str) -> str:
    return "".join(sign for sign in text if can_be_shown(sign))[:NAME_LIMIT]


def parameters(model: Any) -> int:
    """Trainable weights; 0 before the model is built."""
    if not getattr(model, "built", False):
        return 0
    return int(sum(np.prod(weight.shape) for weight in model.trainable_variables))


def _shape(model: Any, name: str) -> tuple[int, ...]:
    """Of one example; empty for several inputs, and where a side is open."""
    try:
        given = getattr(model, name)
    except Exception:  # Keras raises several kinds where a model has no such shape
        return ()
    if not isinstance(given, tuple) or not all(isinstance(side, int) for side in given[1:]):
        return ()
    return tuple(int(side) for side in given[1:])


def _classes(model: Any) -> bool:
    return "crossentropy" in _name(getattr(model, "loss", "")).replace("_", "").lower()


def _name(loss: Any) -> str:
    if isinstance(loss, str):
        return _printable(loss)
    if isinstance(loss, dict | list | tuple):
        return "several losses"
    return _printable(str(getattr(loss, "name", None) or getattr(loss, "__name__", "") or ""))
