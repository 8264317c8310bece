"""JSON files: a dumped `History.history`, and runs that lrdash saved outside its database."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from lrdash.core.errors import InvalidField, LrdashError
from lrdash.core.events import ACTIVE, RateDecided, Status
from lrdash.core.spec import RunSpec
from lrdash.core.wording import is_number
from lrdash.tracking.importing.found import MOST_EPOCHS, Found, make_found, of_file
from lrdash.tracking.importing.tables import NUMBERS
from lrdash.tracking.watching.spool import FORMAT


def read_json(name: str, data: bytes) -> Found:
    """The run of a JSON file.

    Args:
        name: of the file; the run is named after it, unless the file holds a name.
        data: an object of lists, one value an epoch: `json.dump(history.history, file)`; also with
            `history` and `epoch` inside, as a whole History has them.

    Raises:
        InvalidField: for anything else; names the place.
    """
    try:
        given = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as fault:
        raise InvalidField(name, f"must be JSON ({fault})", "other text") from None
    if isinstance(given, Mapping) and given.get("format") == FORMAT:
        return _kept(name, given)
    numbers = None
    if isinstance(given, Mapping) and isinstance(given.get("history"), Mapping):
        given, numbers = given["history"], given.get("epoch")
    lists = given.items() if isinstance(given, Mapping) else ()
    texts = [key for key, values in lists if key not in NUMBERS and _texts(values)]
    if len(lists) == len(texts):
        problem = "must be an object of lists, one value an epoch, as history.history is"
        raise InvalidField(name, problem, given)
    columns = {key: _column(name, key, values) for key, values in lists if key not in texts}
    losses = zip(columns.get("loss", []), given.get("loss", []), strict=True)
    recorded = [loss for loss, given_loss in losses if given_loss is not None]
    remarks = [f"Left out, without a number in any epoch: {', '.join(texts)}."] if texts else []
    return of_file(name, _history(name, columns, numbers, remarks, [0.0, *recorded][-1]))


def _history(
    name: str, columns: dict[str, list[float]], numbers: Any, remarks: list[str], last_loss: float
) -> Found:
    count = max(map(len, columns.values()))
    if not 0 < count <= MOST_EPOCHS:
        raise InvalidField(name, f"must have 1 to {MOST_EPOCHS:,} epochs", count)
    epochs = list(range(1, count + 1))
    if isinstance(numbers, list) and len(numbers) == count and \
            all(isinstance(one, int) and 0 <= one < MOST_EPOCHS for one in numbers) and \
            all(a < b for a, b in itertools.pairwise(numbers)):
        epochs = [one + 1 for one in numbers]  # Keras counts them from 0
    columns = {key: _spread(key, values, epochs, remarks) for key, values in columns.items()}
    return make_found(name, epochs, columns, remarks=remarks, last_loss=last_loss)


def _spread(
    key: str, values: list[float], epochs: Sequence[int], remarks: list[str]
) -> list[float]:
    """One value an epoch, NaN where a metric was not measured."""
    if len(values) == len(epochs):
        return values
    count, every = len(values), len(epochs) // max(1, len(values))
    measured = [epoch for epoch in epochs if epoch % every == 0]  # Keras' rule
    start = f"{key} has {count} of {len(epochs)} values; they were assigned to "
    if key.startswith("val_") and len(epochs) == every * count == every * len(measured):
        shown = ", ".join(map(str, measured[:3])) + (", ..." if count > 3 else "")
        remarks.append(f"{start}the epochs after which validation_freq={every} measures: {shown}.")
        places = dict(zip(measured, values, strict=True))
    else:
        remarks.append(f"{start}the first epochs.")
        places = dict(zip(epochs, values, strict=False))
    return [places.get(epoch, math.nan) for epoch in epochs]


def _column(name: str, key: str, values: Any) -> list[float]:
    if not isinstance(values, list):
        raise InvalidField(name, f"{key} must be a list, one value an epoch", values)
    return [_number(name, f"{key}, value {place}", one) for place, one in enumerate(values, 1)]


def _texts(values: Any) -> bool:
    """Whether it is a text, or a list of only texts, with or without gaps."""
    if not isinstance(values, list):
        return isinstance(values, str)
    texts = {one if isinstance(one, str) else "0" for one in values if one is not None}
    return bool(texts) and not any(map(is_number, texts))


def _number(name: str, place: str, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool | list | dict):
        raise InvalidField(name, f"{place} must be a number", value)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidField(name, f"{place} must be a number", value) from None


def _kept(name: str, given: Mapping[str, Any]) -> Found:
    """A run that could not be written to the database when it was trained."""
    try:
        return _whole(given)
    except LrdashError:
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as fault:
        problem = f"must be a run as lrdash keeps it ({type(fault).__name__}: {fault})"
        raise InvalidField(name, problem, "something else") from None


def _whole(given: Mapping[str, Any]) -> Found:
    rows: Sequence[Mapping[str, Any]] = given["epochs"]
    names = dict.fromkeys(key for row in rows for key in row["metrics"])
    metrics = {
        key: [_number("metrics", key, row["metrics"].get(key)) for row in rows] for key in names
    }
    found = make_found(
        str(given["name"]), [int(row["epoch"]) for row in rows], metrics,
        rates=[np.array(row["rates"], np.float32) for row in rows],
        seconds=[float(row["seconds"]) for row in rows],
    )
    spec = RunSpec(**given["spec"])
    if spec.trainable_here:
        raise InvalidField("spec.origin", "must be watched", spec.origin)
    status = given["status"]
    if status not in get_args(Status) or status in ACTIVE:
        raise InvalidField("status", "must be final", status)
    return replace(
        found, remarks=(), spec=spec, status=status, reason=str(given["reason"]),
        tags=tuple(map(str, given["tags"])),
        decisions=tuple(_decision(one) for one in given["decisions"]),
    )


def _decision(given: Mapping[str, Any]) -> RateDecided:
    numbers = ("rate_before", "rate_after", "monitored", "best")
    values: dict[str, Any] = {
        key: float(value) if key in numbers else value for key, value in given.items()
    }
    return RateDecided(**values)
