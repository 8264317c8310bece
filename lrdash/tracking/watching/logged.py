"""A run of any loop, logged epoch by epoch."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from numbers import Real
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lrdash.core.errors import InvalidField
from lrdash.core.events import NOT_FINITE, EpochEnded, Status, metric_name
from lrdash.core.spec import MAX_RATE, Facts, RunSpec
from lrdash.core.wording import can_be_shown, plural
from lrdash.store.values import checked_name, checked_tags
from lrdash.tracking.watching.recorder import Watcher, report

LONGEST = 10_000  # epochs of a run
MOST_METRICS = 100
NAME_LENGTH = 80  # characters of a metric's name
OPEN = "The number of epochs is not known before its end."


def log_run(
    name: str,
    *,
    epochs: int | None = None,
    dataset: str = "own data",
    model: str = "own model",
    optimizer: str = "own optimizer",
    loss: str = "",
    tags: Sequence[str] = (),
) -> Logged:
    """Record a run of any loop; TensorFlow and Keras are not needed.

    Args:
        name: shown to users.
        epochs: how many there will be, if known.
        dataset: in words.
        model: in words.
        optimizer: in words.
        loss: in words.
        tags: to find it by.

    Returns:
        The run, for a `with` statement, which ends it.

    Raises:
        InvalidField: for a value that is not allowed.

    Example:
        >>> with log_run("hill climbing") as run:  # doctest: +SKIP
        ...     for loss in (0.9, 0.5, 0.4):
        ...         run.epoch(loss=loss, learning_rate=0.1)
    """
    facts = Facts(metrics=("loss",), loss=loss, optimizer=optimizer,
                  notes=() if epochs else (OPEN,))
    spec = RunSpec(
        dataset=dataset, model=model, strategy="recorded", params={"known": "none"},
        base_lr=1.0, epochs=1 if epochs is None else epochs, origin="watched", facts=facts,
    )
    return Logged(spec, checked_name(name), checked_tags(tags), planned=epochs)


class Logged:
    """A run logged epoch by epoch; not safe for several threads.

    It ends with the `with` statement: finished, or failed if an exception leaves it (interrupted by
    Ctrl-C). A fault of the database gives one warning and disturbs nothing.
    """

    def __init__(
        self, spec: RunSpec, name: str, tags: Sequence[str], planned: int | None
    ) -> None:
        self._spec, self._name, self._tags, self._planned = spec, name, tags, planned
        self._watcher: Watcher | None = None
        self._done = 0
        self._peak = 0.0  # highest rate so far
        self._loss = 0.0  # of the last epoch
        self._full = False  # whether the limit of epochs was reported

    @property
    def run_id(self) -> str | None:
        """Its id in the store; None until it is stored."""
        return self._watcher.run_id if self._watcher else None

    def __enter__(self) -> Self:
        """Begin."""
        versions = {"Python": platform.python_version(), "numpy": np.__version__}
        self._watcher = Watcher(
            self._spec, name=self._name, tags=self._tags, engine="own loop", versions=versions
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """End, and wait until everything is written."""
        watcher = self._running()
        status, reason = ending(fault, self._done, self._loss)
        if self._planned is None or self._done < self._planned:
            watcher.amend({"notes": ()}, epochs=max(1, self._done))
        watcher.end(status, reason)
        watcher.close()

    def epoch(self, *, learning_rate: float | ArrayLike | None = None, **metrics: float) -> None:
        """Log an epoch that is done.

        Args:
            learning_rate: the rate of the epoch, or of each of its updates in their order.
            metrics: by name, such as `loss` and `val_loss`; NaN is allowed. Epochs beyond 10,000
                are not recorded; one warning says so.

        Raises:
            InvalidField: for a rate, a name or a value that is not allowed; the epoch is not
                counted then.
        """
        watcher = self._running()
        values, rates = checked_metrics(metrics), checked_rates(learning_rate)
        if self._done >= LONGEST:
            self._report_full()
            return
        self._done, self._loss = self._done + 1, values.get("loss", 0.0)
        self._learn(watcher, values, rates)
        watcher.send(EpochEnded(
            epoch=self._done, metrics=values, rates=rates, seconds=watcher.seconds
        ))

    def _report_full(self) -> None:
        if not self._full:
            self._full = True
            report(
                f"A run can have at most {LONGEST:,} epochs. The training continues, but further "
                f"epochs of {self._name!r} are not recorded."
            )

    def _learn(
        self, watcher: Watcher, metrics: dict[str, float], rates: NDArray[np.float32]
    ) -> None:
        known = watcher.facts
        names = dict.fromkeys((*(known["metrics"] if self._done > 1 else ()), *metrics))
        changes: dict[str, Any] = {"epochs": min(LONGEST, self._done + 1)}
        if self._planned is not None:
            changes["epochs"] = max(self._planned, self._done)
        if rates.size:
            self._peak = max(self._peak, float(rates.max()))
            each = "updates" if rates.size > 1 else "epochs"
            changes["params"] = {"known": each}
            if self._peak > 0:
                changes["base_lr"] = self._peak
        steps = max(known["steps_per_epoch"], rates.size)
        watcher.amend({"metrics": tuple(names), "steps_per_epoch": steps}, **changes)

    def _running(self) -> Watcher:
        if self._watcher is None or self._watcher.ended:
            problem = "must be used inside `with lrdash.log_run(...) as run:`"
            raise InvalidField("run", problem, self._name)
        return self._watcher


def ending(fault: BaseException | None, done: int, loss: float = 0.0) -> tuple[Status, str]:
    """Status and reason of a loop that an exception left, or none, after so many epochs, the last
    of them with this loss.
    """
    if fault is None and not math.isfinite(loss):
        return "diverged", NOT_FINITE
    if fault is None:
        return "finished", ""
    after = f"after {plural(done, 'epoch')}"
    if isinstance(fault, KeyboardInterrupt | SystemExit):
        return "interrupted", f"{type(fault).__name__} {after}"
    lines = str(fault).strip().splitlines()
    cause = f"{type(fault).__name__}: {lines[0]}" if lines else type(fault).__name__
    return "failed", f"{cause} ({after})"


def checked_metrics(given: dict[str, Any]) -> dict[str, float]:
    """Metrics as numbers.

    Raises:
        InvalidField: for a name or a value that is not allowed.
    """
    if len(given) > MOST_METRICS:
        raise InvalidField("metrics", f"must be at most {MOST_METRICS}", len(given))
    found = {}
    for name, value in given.items():
        if not can_be_shown(name) or not 0 < len(name) <= NAME_LENGTH:
            problem = f"must have 1 to {NAME_LENGTH} printable characters as a name"
            raise InvalidField("metrics", problem, name)
        found[metric_name(name)] = _number(name, value)
    return found


def checked_rates(given: float | ArrayLike | None) -> NDArray[np.float32]:
    """Rates as an array, one an update or one for the epoch; empty for none.

    Raises:
        InvalidField: for anything but a list of rates.
    """
    if given is None:
        return np.empty(0, np.float32)
    problem = "must be a number, or a list of numbers, one an update"
    try:
        rates = np.atleast_1d(np.asarray(given, dtype=np.float64))
    except (TypeError, ValueError):
        raise InvalidField("learning_rate", problem, given) from None
    if rates.ndim != 1 or not rates.size:
        raise InvalidField("learning_rate", problem, f"an array of the shape {rates.shape}")
    wrong = rates[~((rates >= 0) & (rates <= MAX_RATE))]
    if wrong.size:
        problem = f"must be between 0 and {MAX_RATE:g}"
        raise InvalidField("learning_rate", problem, float(wrong[0]))
    return rates.astype(np.float32)


def _number(name: str, value: Any) -> float:
    if isinstance(value, dict):
        problem = "must be one number; give the parts of a nested metric names of their own, " \
            f"such as {name}_train"
        raise InvalidField(name, problem, value)
    if isinstance(value, bool | str | bytes):
        raise InvalidField(name, "must be a number", value)
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidField(name, "must be a number", value) from None
    return number if isinstance(value, Real) or math.isfinite(number) else math.nan
