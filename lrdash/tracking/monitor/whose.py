"""Whose rate it is: that of the compiled optimizer, or of one that the model has of its own.

Keras compiles an optimizer into every model, also where a `train_step` of the user's own uses
others. One whose count of updates never moves did not train the model, so its rate is not shown;
nor is one that was replaced when training was compiled already.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from lrdash.tracking.monitor import traced
from lrdash.tracking.monitor.facts import optimizer_in_words
from lrdash.tracking.monitor.rates import Rates, Reader, innermost


class Whose:
    """The optimizers of a model, and which of them is seen to make the updates.

    Args:
        model: that is trained.
        at_batches: whether a callback is about that may change a rate at batches.
    """

    def __init__(self, model: Any, *, at_batches: bool) -> None:
        self._model, self._at_batches = model, at_batches
        self._compiled = getattr(model, "optimizer", None)
        self._own = _own(model, self._compiled)
        self.reader = None if self._compiled is None else self._reader(self._compiled)
        self._spare = self._reader(*self._own.values()) if len(self._own) == 1 else None
        self._taken = False  # whether the one of its own makes the updates
        self._epochs = 0  # seen, without those that had no batch
        self._replaced = self._stale()  # whether another rate than the optimizer's was ever used
        self.moved = False  # whether any update was seen whose rate is known

    @property
    def sure(self) -> bool:
        """Whether the rate of the reader is the rate, as far as is known now."""
        return self.moved or bool(
            self.reader and not self._own and not self._epochs and not self._replaced
        )

    @property
    def compiled(self) -> bool:
        """Whether it is the compiled one, about which Keras' callbacks decide."""
        return not self._taken

    def begin(self) -> None:
        """An epoch begins."""
        for reader in (self.reader, self._spare):
            if reader is not None:
                reader.begin()
                traced.remember(self._model, reader.optimizer)

    def end(self, batches: int | None) -> Rates:
        """The rates of the epoch that is over, one an update; see `Reader.end`."""
        self._epochs += batches != 0
        rates = self.reader.end(batches) if self.reader else np.empty(0, np.float32)
        if not rates.size and self._spare is not None:
            rates = self._spare.end(batches)
            if rates.size:
                self.reader, self._taken = self._spare, True
        if not rates.size:
            return rates
        self._spare = None
        if self._stale():
            self._replaced = True
            return np.empty(0, np.float32)
        self.moved = True
        return rates

    def release(self) -> None:
        """Leave the optimizers as they were."""
        if self.reader is not None:
            self.reader.release()

    def in_words(self) -> str:
        """The optimizer; all of its own where it is not known which."""
        if self._taken:
            return optimizer_in_words(*self._own.values())
        return self._names() if self._own and not self.moved else optimizer_in_words(self._compiled)

    def notes(self) -> list[str]:
        """Sentences about whose rate is shown, where that is not obvious."""
        if self._replaced:
            return [traced.NOTE]
        if self._taken:
            return [f"{self._idle()}; the rate is that of {self._names(words=False)}."]
        if self.reader is None and not self._own:
            return ["The model has no optimizer of its own, so its rate is not known."]
        if self._epochs and not self.moved:
            others = f", and the model has others ({self._names()})" if self._own else ""
            return [f"{self._idle()}{others}: the rate is not known."]
        if len(getattr(self._compiled, "optimizers", ())) > 1:
            return ["It has several optimizers: the rate is that of the first."]
        return []

    def _stale(self) -> bool:
        reader = self.reader
        return reader is not None and traced.replaced(self._model, reader.optimizer)

    def _idle(self) -> str:
        none = "The model was compiled without an optimizer"
        return none if self._compiled is None else "The compiled optimizer makes no updates"

    def _names(self, *, words: bool = True) -> str:
        return ", ".join(
            f"{name}: {optimizer_in_words(one)}" if words else name
            for name, one in self._own.items()
        )

    def _reader(self, optimizer: Any) -> Reader:
        reader = Reader(optimizer, every_batch=False)
        reader.every_batch = self._at_batches and not reader.scheduled
        return reader


def _own(model: Any, compiled: Any) -> dict[str, Any]:
    """Optimizers among the attributes of a model, by name, without the compiled one."""
    return {
        name: value for name, value in sorted(vars(model).items())
        if isinstance(value, keras.optimizers.Optimizer)
        and (compiled is None or innermost(value) is not innermost(compiled))
    }
