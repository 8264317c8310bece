"""JSON files: a History in several layouts, logged records, and runs of lrdash."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

import numpy as np

from lrdash.core.errors import InvalidField, LrdashError
from lrdash.core.events import ACTIVE, RateDecided, Status, metric_name
from lrdash.core.spec import RunSpec
from lrdash.core.wording import is_number
from lrdash.tracking.importing.columns import EPOCH, LOSSES, is_log, numbers, of_columns
from lrdash.tracking.importing.found import MOST_EPOCHS, Found, make_found, of_file
from lrdash.tracking.importing.layouts import lists_of, loaded, rows_of, runs_of
from lrdash.tracking.importing.names import column
from lrdash.tracking.importing.own import LEFT, of_export
from lrdash.tracking.importing.tables import NUMBERS
from lrdash.tracking.watching.spool import FORMAT

SHAPE = "must be an object of lists, one value an epoch, as history.history is"
Column = list[float | None]


def read_json(name: str, data: bytes) -> list[Found]:
    """The runs of a JSON file.

    Args:
        name: of the file; the run is named after it, unless the file holds a name.
        data: an object of lists, one value an epoch: `json.dump(history.history, file)`; also with
            `history` and `epoch` inside, as a whole History has them, or as pandas' `to_json`
            writes a table; records such as those of Hugging Face's `trainer_state.json`; or runs
            that lrdash exported.

    Raises:
        InvalidField: for anything else; names the place.
    """
    given = loaded(name, data)
    if isinstance(given, Mapping) and given.get("format") == FORMAT:
        return [_kept(name, given)]
    if exported := runs_of(given):
        return [_exported(name, run) for run in exported]
    if rows := rows_of(given):
        lists = _of_rows(rows)
        if not is_log(lists):
            raise InvalidField(name, SHAPE, given)
        return [of_file(name, of_columns(name, *_columns(name, lists)))]
    first = None
    if isinstance(given, Mapping) and isinstance(given.get("history"), Mapping):
        lists, first = _whole_history(given)
    else:
        lists = _with_epochs(lists_of(given))
    columns, remarks = _columns(name, lists)
    return [of_file(name, of_columns(name, _even(name, columns, first, remarks), remarks,
                                     first=first))]


def _of_rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    labels = dict.fromkeys(key for row in rows for key in row)
    return {label: [row.get(label) for row in rows] for label in labels}


def _columns(name: str, lists: Mapping[str, Any]) -> tuple[dict[str, Column], list[str]]:
    """The lists of numbers, and remarks that name the others."""
    texts = [key for key, values in lists.items() if _without_numbers(key, values)]
    single = [key for key, values in lists.items()
              if key not in (*texts, *LOSSES) and not isinstance(values, list)]
    kept = [key for key in lists if key not in (*texts, *single)]
    if single and not is_log(kept):  # settings with lists of numbers among them
        raise InvalidField(name, f"{single[0]} must be a list, one value an epoch",
                           lists[single[0]])
    if not kept:
        raise InvalidField(name, SHAPE, dict(lists))
    remarks = [f"Left out, without a number in any epoch: {', '.join(texts)}."] if texts else []
    remarks += [f"Left out, single values: {', '.join(single)}."] if single else []
    return {key: _column(name, key, lists[key]) for key in kept}, remarks


def _even(
    name: str, columns: dict[str, Column], first: int | None, remarks: list[str]
) -> dict[str, Column]:
    """Columns of one length."""
    count = max(map(len, columns.values()))
    if not 0 < count <= MOST_EPOCHS:
        raise InvalidField(name, f"must have 1 to {MOST_EPOCHS:,} epochs", count)
    given = [one for one in columns.get(EPOCH, ()) if one is not None]
    known = numbers(given, first, []) if len(given) == count else []
    epochs = known or list(range(1, count + 1))
    return {key: _spread(key, values, epochs, remarks) for key, values in columns.items()}


def _whole_history(given: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """The lists of a whole History, and from which number it counts epochs: Keras from 0."""
    lists, epochs = dict(given["history"]), given.get(EPOCH)
    longest = max((len(one) for one in lists.values() if isinstance(one, list)), default=0)
    if not isinstance(epochs, list) or len(epochs) != longest or not all(
            isinstance(one, int | float) for one in epochs):
        return lists, 0
    return {**lists, EPOCH: epochs}, int(epochs[:1] == [1])


def _with_epochs(lists: Mapping[str, Any]) -> dict[str, Any]:
    """Lists beside `epoch`, which is a metric unless it counts from 0 or 1."""
    given = lists.get(EPOCH)
    counts = not isinstance(given, list) or given[:1] in ([0], [1])
    return {key if counts or key != EPOCH else metric_name(key): one for key, one in lists.items()}


def _spread(key: str, values: Column, epochs: Sequence[int], remarks: list[str]) -> Column:
    """One value an epoch, None where a metric was not measured."""
    if len(values) == len(epochs):
        return values
    count = len(values)
    every = _every(count, epochs) if column(key).startswith("val_") else 0
    measured = [epoch for epoch in epochs if every and epoch % every == 0]  # Keras' rule
    start = f"{key} has {count} of {len(epochs)} values; they were assigned to "
    if measured:
        shown = ", ".join(map(str, measured[:3])) + (", ..." if count > 3 else "")
        remarks.append(f"{start}the epochs after which validation_freq={every} measures: {shown}.")
    else:
        remarks.append(f"{start}the first epochs.")
    places = dict(zip(measured or epochs, values, strict=False))
    return [places.get(epoch) for epoch in epochs]


def _every(count: int, epochs: Sequence[int]) -> int:
    """The validation_freq that measures so often; 0 if there is none, or more than one."""
    fitting = [
        every for every in range(2, len(epochs) + 1)
        if sum(epoch % every == 0 for epoch in epochs) == count
    ]
    even = [every for every in fitting if every * count == len(epochs)]
    return next(iter(even or (fitting if len(fitting) == 1 else ())), 0) if count else 0


def _column(name: str, key: str, values: Any) -> Column:
    if not isinstance(values, list):
        raise InvalidField(name, f"{key} must be a list, one value an epoch", values)
    return [None if one is None else _number(name, f"{key}, value {place}", one)
            for place, one in enumerate(values, 1)]


def _without_numbers(key: str, values: Any) -> bool:
    """Whether it is a text, or a list of anything but numbers, with or without gaps."""
    if not isinstance(values, list):
        return isinstance(values, str) and key not in NUMBERS
    given = [one for one in values if one is not None]
    return bool(given) and not any(map(_can_be_number, given)) and column(key) not in NUMBERS


def _can_be_number(one: Any) -> bool:
    if isinstance(one, bool | list | dict):
        return False
    return not isinstance(one, str) or is_number(one)


def _number(name: str, place: str, value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool | list | dict):
        raise InvalidField(name, f"{place} must be a number", value)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidField(name, f"{place} must be a number", value) from None


def _exported(name: str, run: Mapping[str, Any]) -> Found:
    """A run of lrdash's own export."""
    rows: Sequence[Mapping[str, Any]] = run["epochs"]
    columns, remarks = _columns(name, _of_rows(rows))
    made = of_export(name, columns, [*remarks, LEFT], str(run.get("status")),
                     str(run.get("reason") or ""))
    tags = run.get("tags")
    return replace(made, name=str(run.get("name") or made.name),
                   tags=tuple(map(str, tags)) if isinstance(tags, list) else ())


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
