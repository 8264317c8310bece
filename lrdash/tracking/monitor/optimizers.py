"""Which optimizer updates the model: the compiled one, or one that the model has of its own.

Keras compiles an optimizer into every model, also where a `train_step` of the user's own uses
others. The rate shown is that of the compiled one if it makes updates, else of the only other one
that does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from lrdash.core.wording import listed
from lrdash.tracking.monitor.recorder import (
    NONE,
    Rates,
    innermost,
    only_epochs_change,
    recorder_of,
    variable_rate,
)

COMPILED = ""  # its name among the optimizers of a model
TOO_MANY = "An epoch had more updates than lrdash can record: its rates are not known."
EARLIER = (
    "The rate is not known: training was compiled before lrdash watched it. Compile the model "
    "again to see the rate."
)
MAY_CHANGE = "The rate is not known: it may change within an epoch."
EPOCHS_ONLY = "On this backend (JAX) lrdash watches epochs only: it reads the rate as each begins."


class Optimizers:
    """The optimizers of a model, and the rates that they use.

    Args:
        model: that is trained.
        steps: batches an epoch, if that is known.
        at_batches: callbacks that act at batches and may change the rate.
    """

    def __init__(self, model: Any, steps: int | None, at_batches: Sequence[Any]) -> None:
        self._model, self._at_batches = model, at_batches
        self._compiled = getattr(model, "optimizer", None)
        self._all = _optimizers(model, self._compiled)
        self._recorders = {name: recorder_of(one, steps) for name, one in self._all.items()}
        self._updating: set[str] = set()  # names of those that made updates
        self._from = 0  # iterations of the compiled one as the epoch began
        self._reason = ""  # why a rate is not known
        self.rate: float | None = None  # of the compiled one as the epoch began, if a variable
        self.moved = False  # whether any update was seen whose rate is known
        self.epochs = 0  # seen, without those that had no batch
        for recorder in self._recorders.values():
            recorder.start()

    @property
    def now(self) -> float | None:
        """The rate of the compiled optimizer's next update; None if no variable holds it."""
        found = self._all.get(COMPILED)
        return None if found is None else variable_rate(found)

    @property
    def compiled(self) -> bool:
        """Whether the compiled one makes the updates, about which Keras' callbacks decide."""
        return COMPILED in self._updating

    @property
    def shown(self) -> str | None:
        """Name of the one whose rate is shown; None if it is not known which."""
        if self.compiled:
            return COMPILED
        return next(iter(self._updating)) if len(self._updating) == 1 else None

    def begin(self) -> None:
        """An epoch begins."""
        self.rate, self._from = self.now, self._iterations()

    def end(self, batches: int | None) -> Rates:
        """The rates of the epoch that is over.

        Args:
            batches: of the epoch; None if that is not known.

        Returns:
            Float32 [updates]; empty if there were none or their rates are not known.
        """
        self.epochs += batches != 0
        taken = {name: recorder.taken() for name, recorder in self._recorders.items()}
        self._updating |= {name for name, rates in taken.items() if rates is None or rates.size}
        rates = taken[self.shown] if self.shown is not None else NONE
        if rates is None:
            self._reason = TOO_MANY
            return NONE
        if not rates.size and batches != 0:
            rates = self._of_the_variable(batches)
        self.moved = self.moved or rates.size > 0
        return rates

    def _of_the_variable(self, batches: int | None) -> Rates:
        """The rates of updates that could not be recorded, where a variable holds them."""
        count = self._iterations() - self._from
        optimizer = self._all.get(COMPILED)
        if optimizer is None or count <= 0 or self._updating - {COMPILED}:
            return NONE
        self._updating.add(COMPILED)
        if self.rate is None or not only_epochs_change(self._model, optimizer, self._at_batches):
            self._reason = MAY_CHANGE if keras.backend.backend() == "jax" else EARLIER
            return NONE
        return np.full(count if batches is None else min(count, batches), self.rate, np.float32)

    def release(self) -> None:
        """Leave the optimizers as they were."""
        for recorder in self._recorders.values():
            recorder.release()

    def in_words(self) -> str:
        """The optimizer; all that the model has where it is not known which."""
        others = self._others_in_words()
        if self.shown:
            return optimizer_in_words(self._all[self.shown])
        if others and not self.compiled:
            return others
        return optimizer_in_words(self._compiled)

    def notes(self) -> list[str]:
        """Sentences about whose rate is shown, where that is not plain, and why it is not known."""
        others, found = self._others_in_words(), []
        if keras.backend.backend() == "jax":
            found.append(EPOCHS_ONLY)
        if self._reason:
            return [*found, self._reason]
        idle = "The compiled optimizer makes no updates"
        if self._compiled is None:
            idle = "The model was compiled without an optimizer"
        if not self._all:
            found.append("The model has no optimizer of its own, so its rate is not known.")
        elif self.shown:
            found.append(f"{idle}; the rate is that of {self.shown}.")
        elif self.epochs and self.shown is None:
            others_too = f", and the model has others ({others})" if others else ""
            found.append(f"{idle}{others_too}: the rate is not known.")
        elif self._updating - {COMPILED}:
            names = listed(sorted(self._updating - {COMPILED}))
            found.append(f"Other optimizers update the model, too ({names}): the rate is that of "
                         "the compiled one.")
        elif len(getattr(self._compiled, "optimizers", ())) > 1:
            found.append("It has several optimizers: the rate is that of the first.")
        return found

    def _others_in_words(self) -> str:
        others = {name: one for name, one in self._all.items() if name != COMPILED}
        return ", ".join(f"{name}: {optimizer_in_words(one)}" for name, one in others.items())

    def _iterations(self) -> int:
        optimizer = self._all.get(COMPILED)
        return 0 if optimizer is None else int(keras.ops.convert_to_numpy(optimizer.iterations))


def optimizer_in_words(optimizer: Any) -> str:
    """Its kind, and momentum where it has some: `SGD 0.9`."""
    if optimizer is None:
        return "none"
    inner = innermost(optimizer)
    momentum = getattr(inner, "momentum", 0)
    number = f" {momentum:g}" if isinstance(momentum, float) and momentum else ""
    return f"{type(inner).__name__}{number}"


def _optimizers(model: Any, compiled: Any) -> dict[str, Any]:
    """The compiled optimizer and those among the attributes of a model, without wrappers."""
    found = {} if compiled is None else {COMPILED: innermost(compiled)}
    for name, value in sorted(vars(model).items()):
        if isinstance(value, keras.optimizers.Optimizer):
            inner = innermost(value)
            if all(inner is not one for one in found.values()):
                found[name] = inner
    return found
