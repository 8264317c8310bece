"""Early stopping of a lane, with the same decisions as `keras.callbacks.EarlyStopping`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lrdash.core.spec import EarlyStopping


class EarlyStop:
    """Waits for a metric to improve. Comparisons are made in float32, as Keras makes them."""

    def __init__(self, wanted: EarlyStopping) -> None:
        self._wanted = wanted
        self._rising = wanted.mode == "max"
        self._best: float | None = None
        self._wait = 0  # epochs without improvement

    def state(self) -> dict[str, Any]:
        """What `restore` needs, as JSON types."""
        return {"best": self._best, "wait": self._wait}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state given by `state`."""
        self._best, self._wait = state["best"], state["wait"]

    def restart(self) -> None:
        """Wait from 0 again, since the rate has changed; the best value stays."""
        self._wait = 0

    def ends(self, epoch: int, metrics: Mapping[str, float]) -> bool:
        """Whether training ends after this epoch, counted from 1; call it for each in turn."""
        value = metrics[self._wanted.monitor]
        self._wait += 1
        if self._improves(value):
            self._best, self._wait = value, 0
            return False
        return self._wait >= self._wanted.patience and epoch > 1

    def _improves(self, value: float) -> bool:
        if self._best is None:
            return True
        best, delta = np.float32(self._best), self._wanted.min_delta
        if self._rising:
            return bool(np.float32(value - delta) > best)
        return bool(np.float32(value + delta) < best)
