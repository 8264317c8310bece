"""In which ways JSON holds a table: lists, pandas' `to_json`, records, lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lrdash.core.errors import InvalidField
from lrdash.tracking.importing.columns import EPOCH, is_log
from lrdash.tracking.importing.names import TRAIN, VALIDATION

Row = Mapping[str, Any]


def loaded(name: str, data: bytes) -> Any:
    """What a file holds: one document, or one object a line.

    Raises:
        InvalidField: if it is not JSON.
    """
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text)
    except (ValueError, RecursionError) as fault:
        lines = _lines(data)
        if lines:
            return lines
        raise InvalidField(name, f"must be JSON ({fault})", "other text") from None


def runs_of(given: Any) -> list[Row]:
    """The runs of an export of lrdash; none if it is something else."""
    found = given if isinstance(given, list) else [given]
    return found if found and all(
        isinstance(one, Mapping) and "run_id" in one and _records(one.get("epochs"))
        for one in found
    ) else []


def rows_of(given: Any) -> Sequence[Row]:
    """The records of a table that is stored by row; none if it is not."""
    if isinstance(given, list):
        return _records(given)
    if not isinstance(given, Mapping):
        return ()
    if rows := _records(given.get("log_history")):  # Hugging Face's trainer_state.json
        return rows
    if "schema" in given and (rows := _records(given.get("data"))):  # orient="table"
        return [{key: value for key, value in row.items() if key != "index"} for row in rows]
    labels, data = given.get("columns"), given.get("data")
    if isinstance(labels, list) and isinstance(data, list):  # orient="split"
        return [dict(zip(map(str, labels), row, strict=False))
                for row in data if isinstance(row, list)]
    rows = _records([*given.values()])
    if all(key.isdecimal() for key in given) and is_log(key for row in rows for key in row):
        return [{EPOCH: int(key), **row} for key, row in given.items()]  # orient="index"
    return ()


def lists_of(given: Any) -> dict[str, Any]:
    """An object of lists; one of objects by index, as pandas' to_json writes a table."""
    if not isinstance(given, Mapping):
        return {}
    nested = {key: one for key, one in given.items() if isinstance(one, Mapping) and one}
    if any(isinstance(one, list) for one in given.values()) or not nested or not _by_index(nested):
        parts = [key for key in nested if key.lower() in (*TRAIN, *VALIDATION)]
        flat = {f"{key}/{inner}": value for key in parts for inner, value in nested[key].items()}
        return {**{key: one for key, one in given.items() if key not in parts}, **flat}
    index = list(dict.fromkeys(key for one in nested.values() for key in one))
    lists = {key: [one.get(place) for place in index] if key in nested else one
             for key, one in given.items()}
    return {EPOCH: [int(key) for key in index], **lists}


def _by_index(columns: Mapping[str, Row]) -> bool:
    """Whether each holds values by the number of their row, and one of them is of a training."""
    return is_log(columns) and all(key.isdecimal() for one in columns.values() for key in one)


def _records(given: Any) -> Sequence[Row]:
    """A list of objects, or nothing."""
    whole = isinstance(given, list) and all(isinstance(one, Mapping) and one for one in given)
    return given if whole else ()


def _lines(data: bytes) -> Sequence[Row]:
    """One object a line; nothing if it is something else."""
    try:
        return _records([json.loads(line) for line in data.decode("utf-8-sig").splitlines()
                         if line.strip()])
    except (ValueError, RecursionError):
        return ()
