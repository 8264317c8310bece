"""One line in somebody's own script: `model.fit(..., callbacks=[lrdash.Monitor("resnet")])`."""

# ruff: noqa: ARG002 (Keras passes these arguments by name)
from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras

from lrdash.core.spec import NAME_LIMIT
from lrdash.store.values import checked_name, checked_tags
from lrdash.tracking.monitor import stack
from lrdash.tracking.monitor.fit import Fit
from lrdash.tracking.monitor.optimizers import EPOCHS_ONLY

Logs = Mapping[str, Any] | None

log = logging.getLogger("lrdash.tracking.monitor")


class _Stood(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes a monitor's place in the list until the monitor has begun at its end."""


class _Counter(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the batches of an epoch: the data may end before an epoch does, even at once.

    Keras calls it beside the training, from several threads and in any order.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._batches = 0
        self._any = False  # whether there ever was one: loops of the user's own may report none

    @property
    def batches(self) -> int | None:
        """Done in this epoch; None in a loop that reports no batches."""
        return self._batches if self._any else None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Count from 0."""
        self._batches = 0

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Count this one and those before it."""
        with self._lock:
            self._batches, self._any = max(self._batches, batch + 1), True


class Monitor(keras.callbacks.Callback):  # type: ignore[misc]
    """Puts the runs of an own Keras script on the dashboard, live; each `fit` is a run.

    It records loss, metrics and the rate of every update, and what `ReduceLROnPlateau` and
    `LearningRateScheduler` among the callbacks decide. Wherever it is in the list, it moves to
    its end when training begins, so that it sees what all others did. Training never waits for it,
    and no fault of the database ends it: there is one warning.

    Args:
        name: of the run, shown to users; with several fits, the later ones are numbered.
        dataset: what it learns from, in words.
        tags: to find the run by.

    Raises:
        InvalidField: for a value that is not allowed.

    Example:
        >>> model.fit(x, y, callbacks=[Monitor("resnet, plateau")])  # doctest: +SKIP
    """

    def __init__(
        self, name: str = "", *, dataset: str = "own data", tags: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self._name, self._tags = checked_name(name), checked_tags(tags)
        self._dataset = (checked_name(dataset) or "own data")[:NAME_LIMIT]
        self._fits = 0
        self._warned = False
        self._counter: _Counter | None = None
        self._moving: Any = None  # the list of callbacks to whose end it goes
        self._fit: Fit | None = None

    def __reduce__(self) -> Any:
        """Copies are monitors that have seen nothing yet."""
        return partial(type(self), self._name, dataset=self._dataset, tags=self._tags), ()

    @property
    def run_id(self) -> str | None:
        """Id of the latest run on the dashboard; None until the database has taken it."""
        return self._fit.watcher.run_id if self._fit else None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Go to the end of the list; begin a run."""
        self._safely(self._arrive)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """See what was set for the epoch that begins."""
        self._guarded(lambda fit: fit.epoch_begins(epoch))

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Report the epoch, and what was decided at its end."""
        batches = self._counter.batches if self._counter else None
        self._guarded(lambda fit: fit.epoch_ends(epoch + 1, batches, logs or {}))

    def on_train_end(self, logs: Logs = None) -> None:
        """End the run, and wait a moment until it is written down."""
        self._guarded(Fit.end)

    def _guarded(self, job: Callable[[Fit], None]) -> None:
        fit = self._fit
        if fit is not None:
            self._safely(lambda: job(fit))

    def _safely(self, job: Callable[[], None]) -> None:
        """A fault of the monitor itself must not end the training either."""
        try:
            job()
        except Exception:
            if not self._warned:
                self._warned = True
                log.warning("lrdash.Monitor failed; training continues, and further failures are "
                            "not reported", exc_info=True)

    def _arrive(self) -> None:
        """Go to the end of the list, behind a counter of batches; begin there.

        Keras is on its way through the list, which therefore keeps its places: the monitor leaves
        a placeholder, is called once more at the end, and only then is the placeholder removed.
        """
        among = stack.callers(self)
        callbacks: list[Any] = among.callbacks if among else []
        if among is None:  # called by hand
            self._counter = None
        elif self._moving is not among:
            for place, one in enumerate(callbacks):
                if one is self or one is self._counter:
                    callbacks[place] = _Stood()
            self._moving, self._counter = among, _Counter()
            callbacks += [self._counter, self]
            return
        else:
            among.callbacks = [one for one in callbacks if not isinstance(one, _Stood)]
        self._moving = None
        self._begin(callbacks)

    def _begin(self, callbacks: Sequence[Any]) -> None:
        if self._fit is not None:
            self._fit.leave()
        self._fit, self._fits = None, self._fits + 1
        if self._fits == 1 and keras.backend.backend() == "jax":
            log.warning(EPOCHS_ONLY)
        self._fit = Fit(
            self.model, self.params or {},
            [one for one in callbacks if not isinstance(one, (Monitor, _Counter))],
            dataset=self._dataset, tags=self._tags,
            name=self._name if self._fits == 1 else f"{self._name} ({self._fits})".strip(),
        )
