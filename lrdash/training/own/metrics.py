"""The metrics that a caller gives, fresh for each model."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import keras


def fresh(given: Any) -> Any:
    """Fresh metrics for a model.

    They are copied, not made from their configuration: that of a caller's own class may lack
    arguments, and that of a function cannot be read back.

    Args:
        given: a metric, its name, a function, or a structure of these, as `model.compile` has it.
    """
    if isinstance(given, dict):
        return {name: fresh(one) for name, one in given.items()}
    if isinstance(given, list | tuple):
        return [fresh(one) for one in given]
    if not isinstance(given, keras.metrics.Metric):
        return given
    try:
        return deepcopy(given)
    except Exception:  # it holds what cannot be copied: runs use it one after the other
        given.reset_state()
        return given
