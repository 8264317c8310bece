"""One line in somebody's own script: `model.fit(..., callbacks=[lrdash.Monitor("resnet")])`."""

# ruff: noqa: ARG002 (Keras passes these arguments by name)
from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from lrdash.events import EpochEnded, RateDecided, Status
from lrdash.monitor import facts, stack
from lrdash.monitor.deciders import Deciders, merged
from lrdash.monitor.rates import Rates, Reader
from lrdash.spec import MAX_RATE, NAME_LIMIT, Facts, RunSpec
from lrdash.store.runs import checked_name, checked_tags
from lrdash.watching import Watcher
from lrdash.watching.logged import LONGEST, MOST_METRICS, NAME_LENGTH, OPEN, ending

Logs = Mapping[str, Any] | None
LEFT = 3  # times that a fit has to be seen gone before its silence is taken for an end

log = logging.getLogger("lrdash.monitor")


@dataclass(kw_only=True)
class _Fit:
    """One call of `fit`."""

    watcher: Watcher
    spec: RunSpec
    reader: Reader | None
    deciders: Deciders
    place: stack.Place | None
    epochs: int | None  # planned
    done: int = 0  # epochs
    rate: float = math.nan  # last one seen
    peak: float = 0.0  # highest so far
    loss: float = 0.0  # of the last epoch
    pending: RateDecided | None = None  # said, but another callback may add to it
    gone: int = 0  # times that the call was not on the stack
    notes: list[str] = field(default_factory=list)


class _Stood(keras.callbacks.Callback):  # type: ignore[misc]
    """Stands in the list where a monitor stood, until that has begun at its end."""


class _Counter(keras.callbacks.Callback):  # type: ignore[misc]
    """Counts the batches of data whose number is not known beforehand.

    Keras' own count has one too many there: it is raised before the data turn out to be at an end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0  # done in this epoch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Take note; Keras calls this beside the training."""
        self.batches = batch + 1


class Monitor(keras.callbacks.Callback):  # type: ignore[misc]
    """Puts the runs of an own Keras script on the dashboard, live; each `fit` is a run.

    It records loss, metrics and the rate of every update, and what `ReduceLROnPlateau` and
    `LearningRateScheduler` among the callbacks decide. Wherever it stands in the list, it goes to
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
        self._dataset = _checked_dataset(dataset)
        self._fits = 0
        self._counter: _Counter | None = None
        self._moving: Any = None  # the list of callbacks to whose end it goes
        self._fit: _Fit | None = None

    @property
    def run_id(self) -> str | None:
        """Id of the latest run on the dashboard; None until the database has taken it."""
        return self._fit.watcher.run_id if self._fit else None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Go to the end of the list; begin a run."""
        self._guarded(self._arrive)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """See what was set for the epoch that begins."""
        self._guarded(lambda: self._epoch_begins(epoch))

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Read the rate, where it may have changed since the epoch began."""
        fit = self._fit
        if fit is not None and fit.reader is not None and fit.reader.every_batch:
            fit.reader.before_batch(batch)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Tell the epoch, and what was decided at its end."""
        self._guarded(lambda: self._epoch_ends(epoch + 1, logs or {}))

    def on_train_end(self, logs: Logs = None) -> None:
        """End the run, and wait a moment until it is written down."""
        self._guarded(self._end)

    def _guarded(self, job: Callable[[], None]) -> None:
        """A fault of the monitor itself must not end the training either."""
        try:
            job()
        except Exception:
            log.warning("lrdash.Monitor saw something that it does not understand; the training "
                        "goes on", exc_info=True)

    def _arrive(self) -> None:
        """Begin at the end of the list; from elsewhere in it, go there first.

        Keras is on its way through the list, which therefore keeps its places: the monitor leaves
        a stand-in, is called once more at the end, and only then is the stand-in taken out.
        """
        among = stack.callers(self)
        callbacks: list[Any] = among.callbacks if among else []
        if among is None or self._moving is among or callbacks[-1] is self:
            self._moving = None
            if among is not None:
                among.callbacks = [one for one in callbacks if not isinstance(one, _Stood)]
            self._begin(callbacks)
            return
        self._moving = among
        self._counter = None if (self.params or {}).get("steps") else _Counter()
        for place, one in enumerate(callbacks):
            if one is self:
                callbacks[place] = _Stood()
        callbacks += [*([self._counter] if self._counter else ()), self]

    def _begin(self, callbacks: Sequence[Any]) -> None:
        if self._fit is not None and not self._fit.watcher.ended:  # left without an end
            self._fit.watcher.close()
            if self._fit.reader is not None:
                self._fit.reader.release()
        self._fit, self._fits = None, self._fits + 1
        deciders = Deciders([one for one in callbacks if not isinstance(one, (Monitor, _Counter))])
        optimizer = getattr(self.model, "optimizer", None)
        reader = None
        if optimizer is not None:
            reader = Reader(optimizer, every_batch=False)
            reader.every_batch = deciders.at_batches and not reader.scheduled
        params = self.params or {}
        epochs = params.get("epochs")
        known = facts.facts_of(self.model, params.get("steps"))
        notes = _notes(self.model, optimizer) + ([] if epochs else [OPEN])
        rate = reader.now if reader else math.nan
        spec = RunSpec(
            dataset=self._dataset, model=facts.model_name(self.model), strategy="recorded",
            params={**deciders.params(), "known": "updates" if reader else "none"},
            base_lr=rate if 0 < rate <= MAX_RATE else 1e-12, epochs=min(LONGEST, int(epochs or 1)),
            origin="watched", facts=Facts(**known, notes=tuple(notes)),
        )
        name = self._name if self._fits == 1 else f"{self._name} ({self._fits})".strip()
        watcher = Watcher(
            spec, name=name, tags=self._tags, engine="keras", versions=facts.versions(),
            gone=self._gone,
        )
        self._fit = _Fit(
            watcher=watcher, spec=spec, reader=reader, deciders=deciders,
            place=stack.fit_of(self.model), epochs=epochs, rate=rate, notes=notes,
        )

    def _epoch_begins(self, epoch: int) -> None:
        fit = self._fit
        if fit is None or fit.reader is None:
            return
        fit.reader.begin()
        now = fit.reader.now
        decided = fit.deciders.epoch_begins(epoch, fit.rate, now)
        if decided is not None:
            fit.watcher.say(merged(fit.pending, decided))
        fit.rate, fit.pending = now, None

    def _epoch_ends(self, done: int, logs: Mapping[str, Any]) -> None:
        fit = self._fit
        if fit is None or done > LONGEST:
            return
        batches = self._counter.batches if self._counter else None
        rates = fit.reader.end(batches) if fit.reader else np.empty(0, np.float32)
        metrics = _metrics(logs)
        fit.done, fit.loss = done, metrics.get("loss", 0.0)
        self._learn(fit, metrics, rates)
        fit.watcher.say(EpochEnded(
            epoch=done, metrics=metrics, rates=rates, seconds=fit.watcher.seconds
        ))
        if fit.reader is None:
            return
        used = float(rates[-1]) if rates.size else fit.rate
        now = fit.reader.now
        fit.pending = fit.deciders.epoch_ends(done, used, now, logs)
        if fit.pending is not None:
            fit.watcher.say(fit.pending)
        elif not fit.reader.scheduled and not fit.reader.every_batch and now != used:
            fit.reader.every_batch = True  # somebody moves it whom we do not know: look closely
        fit.rate = now if fit.reader.scheduled or fit.pending else used

    def _learn(self, fit: _Fit, metrics: Mapping[str, float], rates: Rates) -> None:
        """Complete the spec by what only an epoch shows."""
        assert fit.spec.facts is not None  # noqa: S101 (as it was made)
        known = fit.spec.facts.as_dict()
        names = tuple(metrics) if known["metrics"] == ["loss"] else known["metrics"]
        known["metrics"] = tuple(dict.fromkeys((*names, *metrics)))
        known["parameters"] = known["parameters"] or facts.parameters(self.model)
        if rates.size and (known["steps_per_epoch"] == 1 or not (self.params or {}).get("steps")):
            known["steps_per_epoch"] = max(known["steps_per_epoch"], rates.size)
        fit.peak = max(fit.peak, float(rates.max(initial=0.0)))
        changes: dict[str, Any] = {"facts": known}
        if 0 < fit.peak <= MAX_RATE:
            changes["base_lr"] = fit.peak
        if fit.epochs is None:
            changes["epochs"] = min(LONGEST, fit.done + 1)
        if fit.deciders.params():  # which way is better is settled when the first epoch ends
            changes["params"] = {**fit.spec.params, **fit.deciders.params()}
        fit.spec = fit.spec.replace(**changes)
        fit.watcher.amend(fit.spec)

    def _end(self) -> None:
        fit = self._fit
        if fit is None:
            return
        if fit.epochs is None and fit.done:
            told = (fit.spec.facts.as_dict() if fit.spec.facts else {}) | {"notes": fit.notes[:-1]}
            fit.watcher.amend(fit.spec.replace(epochs=fit.done, facts=told))
        if fit.reader is not None:
            fit.reader.release()
        status: Status = "finished" if math.isfinite(fit.loss) else "diverged"
        reason = "" if status == "finished" else "the loss was no longer a finite number"
        if status == "finished" and fit.epochs and fit.done < fit.epochs:
            reason = fit.deciders.stopped()
        fit.watcher.end(status, reason)
        fit.watcher.close()

    def _gone(self) -> tuple[Status, str] | None:
        """Asked by the watcher: the end of a `fit` that an exception left."""
        fit = self._fit
        if fit is None or fit.place is None or stack.under_way(fit.place):
            return None
        fault = stack.exception_from(fit.place)
        if fault is not None:
            return ending(fault, fit.done)
        fit.gone += 1
        if fit.gone < LEFT:
            return None
        epochs = f"{fit.done} epoch{'' if fit.done == 1 else 's'}"
        return "interrupted", f"training was left by an exception after {epochs}"


def _metrics(logs: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of the logs; the rate, which other callbacks put there, is no metric."""
    found: dict[str, float] = {}
    for name, value in logs.items():
        if not isinstance(name, str) or not name.isprintable() or len(name) > NAME_LENGTH or \
                name == "learning_rate" or name.startswith("learning_rate_"):
            continue
        try:
            array = np.asarray(value)
        except ValueError:  # lists of lists of different lengths
            continue
        if array.size == 1 and array.dtype.kind in "fiub" and len(found) < MOST_METRICS:
            found[name] = float(array.reshape(()))
    return found


def _notes(model: Any, optimizer: Any) -> list[str]:
    notes = []
    if optimizer is None:
        notes.append("The model has no optimizer of its own, so its rate is not known.")
    elif len(getattr(optimizer, "optimizers", ())) > 1:
        notes.append("It has several optimizers: the rate is that of the first.")
    at_once = int(getattr(model, "steps_per_execution", 1) or 1)
    if at_once > 1:
        notes.append(
            f"Keras makes {at_once} updates at a time; the rate of a variable is read between "
            "them, that of a schedule is known of each."
        )
    return notes


def _checked_dataset(name: str) -> str:
    tidy = checked_name(name) or "own data"
    return tidy[:NAME_LIMIT]
