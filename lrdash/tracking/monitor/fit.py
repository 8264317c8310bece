"""One call of `fit`: what Monitor sees of it becomes the events of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lrdash.core.events import EpochEnded, RateDecided, Status, metric_name
from lrdash.core.spec import MAX_RATE, Facts, RunSpec
from lrdash.core.wording import can_be_shown
from lrdash.tracking.monitor import facts, stack
from lrdash.tracking.monitor.deciders import Deciders, merged
from lrdash.tracking.monitor.optimizers import Optimizers
from lrdash.tracking.monitor.recorder import Rates
from lrdash.tracking.watching import Watcher
from lrdash.tracking.watching.logged import LONGEST, MOST_METRICS, NAME_LENGTH, OPEN, ending

LEFT = 3  # times that a fit has to be seen gone before its silence is taken for an end
UNKNOWN = 1e-12  # in place of a peak rate that is not known
TOO_LONG = f"lrdash records the first {LONGEST:,} epochs of a run."


class Fit:
    """A `fit` that is under way; called from the thread that trains, but for `gone`.

    Args:
        model: that is trained.
        params: what Keras passes to its callbacks about the call.
        others: the callbacks beside the monitor.
        dataset: what it learns from, in words.
        name: of the run.
        tags: to find it by.
    """

    def __init__(
        self, model: Any, params: Mapping[str, Any], others: Sequence[Any], *, dataset: str,
        name: str, tags: Sequence[str],
    ) -> None:
        self._model, self._steps, self._epochs = model, params.get("steps"), params.get("epochs")
        self._deciders = Deciders(others)
        self._optimizers = Optimizers(model, self._steps, self._deciders.at_batches)
        self._rate = self._optimizers.now or 0.0  # of the last update
        self._empty: list[int] = []  # epochs without a batch
        self._done = 0  # epochs
        spec = RunSpec(
            dataset=dataset, model=facts.model_name(model), strategy="recorded",
            params=self._params(), epochs=min(LONGEST, int(self._epochs or 1)), origin="watched",
            base_lr=self._rate if 0 < self._rate <= MAX_RATE else UNKNOWN, facts=Facts(
                **facts.facts_of(model, self._steps) | {"optimizer": self._optimizers.in_words()},
                notes=self._notes(),
            ),
        )
        self._place = stack.fit_of(model)
        self._peak = 0.0  # highest rate so far
        self._loss = 0.0  # of the last epoch that had one
        self._pending: RateDecided | None = None  # reported, but another callback may add to it
        self._held: RateDecided | None = None  # waits until it is known whose rate it is
        self._seen_gone = 0  # times that the call was not on the stack
        self.watcher = Watcher(
            spec, name=name, tags=tags, engine="keras", versions=facts.versions(), gone=self.gone,
        )

    def leave(self) -> None:
        """Another fit begins, and the end of this one was not seen."""
        if not self.watcher.ended:
            self.watcher.close()
            self._optimizers.release()

    def epoch_begins(self, done: int) -> None:
        """All callbacks have done what they do before an epoch."""
        optimizers = self._optimizers
        optimizers.begin()
        now = optimizers.rate
        self._held = None
        if now is None:
            return
        decided = self._deciders.epoch_begins(done, self._rate, now)
        if decided is not None and optimizers.compiled:
            self.watcher.send(merged(self._pending, decided))
        elif not optimizers.epochs:
            self._held = decided
        self._rate, self._pending = now, None

    def epoch_ends(self, done: int, batches: int | None, logs: Mapping[str, Any]) -> None:
        """All callbacks have done what they do after an epoch.

        Args:
            done: epochs done.
            batches: in this epoch; None if they were not counted.
            logs: of the epoch.
        """
        rates, metrics = self._optimizers.end(batches), _metrics(logs)
        if batches == 0:  # Keras logs a loss of 0; what it validated is measured all the same
            metrics = {name: value for name, value in metrics.items() if name.startswith("val_")}
            self._empty.append(done)
        self._done, self._loss = done, metrics.get("loss", self._loss)
        if done <= LONGEST:
            self._learn(metrics, rates)
            self.watcher.send(EpochEnded(
                epoch=done, metrics=metrics, rates=rates, seconds=self.watcher.seconds
            ))
            self._decided(done, rates, logs)
        elif done == LONGEST + 1:
            self.watcher.amend({"notes": self._notes()})

    def end(self) -> None:
        """Training is over: say so, and wait a moment until all is written down."""
        if self._epochs is None and self._done:
            self._epochs = self._done
            self.watcher.amend({"notes": self._notes()}, epochs=min(LONGEST, self._done))
        self._optimizers.release()
        status, reason = ending(None, self._done, self._loss)
        if status == "finished" and self._epochs and self._done < self._epochs:
            reason = self._deciders.stopped()
        self.watcher.end(status, reason)
        self.watcher.close()

    def gone(self) -> tuple[Status, str] | None:
        """Asked by the watcher: the end of a `fit` that an exception left."""
        if self._place is None or stack.under_way(self._place):
            return None
        fault = stack.exception_from(self._place)
        if fault is not None:
            return ending(fault, self._done)
        self._seen_gone += 1
        if self._seen_gone < LEFT:
            return None
        epochs = f"{self._done} epoch{'' if self._done == 1 else 's'}"
        return "interrupted", f"training was left by an exception or by hand after {epochs}"

    def _decided(self, done: int, rates: Rates, logs: Mapping[str, Any]) -> None:
        """Report what Keras' callbacks decided about the compiled optimizer."""
        used = float(rates[-1]) if rates.size else self._rate
        held, now = self._held, self._optimizers.now
        self._rate, self._held, self._pending = used, None, None
        if now is None or not self._optimizers.compiled:
            return
        if held is not None:
            self.watcher.send(held)
        self._pending = self._deciders.epoch_ends(done, used, now, logs)
        if self._pending is not None:
            self.watcher.send(self._pending)
            self._rate = now

    def _learn(self, metrics: Mapping[str, float], rates: Rates) -> None:
        """Complete the spec by what only an epoch shows."""
        known = self.watcher.facts
        names = tuple(metrics) if known["metrics"] == ["loss"] else known["metrics"]
        found: dict[str, Any] = {
            "metrics": tuple(dict.fromkeys((*names, *metrics))), "notes": self._notes(),
            "parameters": known["parameters"] or facts.parameters(self._model),
            "optimizer": self._optimizers.in_words(),
        }
        if rates.size and (known["steps_per_epoch"] == 1 or not self._steps):
            found["steps_per_epoch"] = max(known["steps_per_epoch"], rates.size)
        self._peak = max(self._peak, float(rates.max(initial=0.0)))
        changes: dict[str, Any] = {"params": self._params()}
        if 0 < self._peak <= MAX_RATE or not self._optimizers.moved:
            changes["base_lr"] = self._peak or UNKNOWN
        if self._epochs is None:
            changes["epochs"] = min(LONGEST, self._done + 1)
        self.watcher.amend(found, **changes)

    def _params(self) -> dict[str, Any]:
        """Of the strategy `recorded`; which way is better is settled when the first epoch ends."""
        optimizers = self._optimizers
        expected = not optimizers.epochs and self._rate > 0
        if not (optimizers.moved or expected):
            return {"known": "none"}
        deciding = self._deciders.params() if optimizers.compiled or expected else {}
        return {**deciding, "known": "updates"}

    def _notes(self) -> tuple[str, ...]:
        found = [
            *self._optimizers.notes(), *facts.ran_out(self._empty),
            *([TOO_LONG] if self._done > LONGEST else []),
        ]
        return (*found, OPEN) if self._epochs is None else tuple(found)


def _metrics(logs: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of the logs; the rate, which other callbacks put there, is no metric."""
    found: dict[str, float] = {}
    for name, value in logs.items():
        if not isinstance(name, str) or not can_be_shown(name) or len(name) > NAME_LENGTH or \
                name == "learning_rate" or name.startswith("learning_rate_"):
            continue
        try:
            array = np.asarray(value)
        except ValueError:  # lists of lists of different lengths
            continue
        if array.size == 1 and array.dtype.kind in "fiub" and len(found) < MOST_METRICS:
            found[metric_name(name)] = float(array.reshape(()))
    return found
