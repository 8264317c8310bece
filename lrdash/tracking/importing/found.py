"""What a file holds: one run, in the terms of lrdash."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdash.core.errors import InvalidField
from lrdash.core.events import NOT_FINITE, RateDecided, Status, metric_name
from lrdash.core.spec import RunSpec
from lrdash.core.wording import can_be_shown, plural

MOST_EPOCHS = 10_000
MOST_METRICS = 200
NAME_LENGTH = 80  # characters of a metric's name

Rates = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Found:
    """One run of a file."""

    name: str
    epochs: tuple[int, ...]  # numbers from 1, ascending
    metrics: Mapping[str, Sequence[float]]  # by name, one value an epoch; NaN where there is none
    rates: tuple[Rates, ...] = ()  # one array an epoch; empty where nothing is known
    sampled: bool = False  # whether they are those of some updates only
    seconds: tuple[float, ...] = ()  # since the first record, one an epoch
    remarks: tuple[str, ...] = ()  # what is missing or was left out, in sentences
    decisions: tuple[RateDecided, ...] = ()
    spec: RunSpec | None = None  # where the file holds all of it
    status: Status = "finished"
    reason: str = ""
    tags: tuple[str, ...] = field(default_factory=tuple)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of what was recorded; the same for every file name."""
        recorded: dict[str, Any] = {
            "epochs": self.epochs,
            "metrics": {name: [repr(float(v)) for v in values]
                        for name, values in sorted(self.metrics.items())},
            "rates": [rates.tobytes().hex() for rates in self.rates],
        }
        return hashlib.sha256(json.dumps(recorded).encode()).hexdigest()[:16]


def make_found(
    name: str,
    epochs: Sequence[int],
    columns: Mapping[str, Sequence[float]],
    *,
    remarks: Sequence[str] = (),
    seconds: Sequence[float] = (),
    rates: Sequence[Rates] = (),
    sampled: bool = False,
    last_loss: float = 0.0,
) -> Found:
    """A run of columns, with remarks on what is missing.

    Args:
        name: of the run.
        epochs: numbers from 1, ascending.
        columns: the metrics by name, one value an epoch.
        remarks: so far.
        seconds: since the first record, one an epoch.
        rates: where known, an array an epoch.
        sampled: whether the rates of some updates are missing.
        last_loss: the last training loss that was recorded; the run has diverged if it is NaN or
            infinite.

    Raises:
        InvalidField: for a run without epochs, or with too many.
    """
    if not epochs:
        raise InvalidField(name, "must hold at least one epoch", 0)
    if len(epochs) > MOST_EPOCHS or epochs[-1] > MOST_EPOCHS:
        given = max(len(epochs), epochs[-1])
        raise InvalidField(name, f"must have at most {MOST_EPOCHS:,} epochs", given)
    notes = list(remarks)
    metrics = {metric_name(key): tuple(map(float, values)) for key, values in columns.items()}
    metrics = _bounded(metrics, notes)
    if not any(part.size for part in rates):
        rates = ()
        notes.append("No learning rate was recorded.")
    for wanted, words in (("loss", "training loss"), ("val_loss", "validation loss")):
        if wanted not in metrics:
            notes.append(f"No {words} ({wanted}) was recorded.")
    diverged = not math.isfinite(last_loss)
    return Found(
        status="diverged" if diverged else "finished", reason=NOT_FINITE if diverged else "",
        name=name[:200], epochs=tuple(epochs), metrics=metrics, rates=tuple(rates),
        sampled=sampled and bool(rates), seconds=tuple(seconds), remarks=tuple(notes),
    )


def of_file(path: str, found: Found) -> Found:
    """A run named after its file, without the extension."""
    return replace(found, name=path.rsplit(".", 1)[0][:200])


def _bounded(metrics: dict[str, tuple[float, ...]], notes: list[str]) -> dict[str, Any]:
    kept = {
        name: values for name, values in metrics.items()
        if 0 < len(name) <= NAME_LENGTH and can_be_shown(name)
    }
    for name in list(kept)[MOST_METRICS:]:
        del kept[name]
    if len(kept) < len(metrics):
        notes.append(
            f"{plural(len(metrics) - len(kept), 'column')} left out: at most {MOST_METRICS} are "
            f"kept, with names of 1 to {NAME_LENGTH} printable characters."
        )
    return kept
