"""From rows of the database to the frozen rows that the store gives out, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from functools import cache, lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from sqlalchemy import RowMapping

from lrdash.core.errors import InvalidField, LrdashError, StoreError
from lrdash.core.events import ACTIVE, Command, EpochEnded, RateDecided, finite
from lrdash.core.record import json_object
from lrdash.core.spec import Piece, RunSpec
from lrdash.store.rows import EpochRow, RunRow, StageRun
from lrdash.store.schema import CURVES

REASON_LIMIT = 4000  # characters
# What reading a row raises that another program, a fault of the disk or another version wrote.
UNREADABLE = (LrdashError, ValueError, TypeError, LookupError, AttributeError)

Row = TypeVar("Row")


def row_of(kind: type[Row], row: RowMapping, **others: Any) -> Row:
    """A row that is given out: its fields from the columns of the same names, and others.

    Raises:
        ValueError: for a value of another type than the field's, or a text that is not UTF-8;
            SQLite stores any.
    """
    names, adapter = _reader(kind)  # type: ignore[arg-type]
    values = {name: row[name] for name in names if name not in others} | others
    for name, value in values.items():
        if isinstance(value, str) and not _is_utf8(value):
            raise InvalidField(name, "must be UTF-8 text", value)
    read: Row = adapter.validate_python(values)
    return read


def _is_utf8(text: str) -> bool:
    """Whether a text that was read has no bytes kept as they were (`Database`)."""
    return text.isascii() or not any("\udc80" <= sign <= "\udcff" for sign in text)


@cache
def _reader(kind: Any) -> tuple[tuple[str, ...], TypeAdapter[Any]]:
    config = ConfigDict(arbitrary_types_allowed=True)
    adapter = TypeAdapter(with_config(config)(kind))
    return tuple(field.name for field in fields(kind)), adapter


def unreadable(what: str, fault: Exception, kind: str = "run") -> StoreError:
    """The error for a row that cannot be read.

    Args:
        what: the row, at the start of a sentence, e.g. `Run 0a1b`.
        fault: what reading it raised.
        kind: what can be deleted to be rid of it.
    """
    cause = f"{fault}"
    if isinstance(fault, ValidationError):
        first = fault.errors(include_url=False)[0]
        words = first["msg"].replace("Input should be", "must be")
        cause = str(InvalidField(".".join(map(str, first["loc"])), words, first["input"]))
    return StoreError(
        f"{what} cannot be read: {cause.rstrip('.')}. Open it with the version of lrdash that "
        f"made it, restore a backup, or delete the {kind}."
    )


def stopping(row: RowMapping) -> bool:
    """Whether a stop was requested and has not happened yet."""
    return row["stop_requested_at"] is not None and row["status"] in ACTIVE


def run_row(row: RowMapping) -> RunRow:
    """The current state of a run."""
    return row_of(
        RunRow, row, spec=_spec(row["spec"]), tags=_tags(row["tags"]),
        versions=json_object("versions", row["versions"]), update=row["updates_done"],
        stop_requested=stopping(row), label=row["label"] or "",
        engine_note=row["engine_note"] or "",
    )


def _tags(text: str) -> tuple[str, ...]:
    try:
        return tuple(json.loads(text))
    except (ValueError, TypeError):
        raise InvalidField("tags", "must be a JSON list", text) from None


@lru_cache(maxsize=8192)  # many viewers list the same runs, and specs never change
def _spec(text: str) -> RunSpec:
    return RunSpec.from_json(text)


def epoch_values(run_id: str, event: EpochEnded) -> dict[str, Any]:
    """The columns of a finished epoch."""
    rates = np.asarray(event.rates, dtype=np.float32)
    last = float(rates[-1]) if rates.size else math.nan
    metrics = {name: finite(value) for name, value in event.metrics.items()}
    return {
        "run_id": run_id, "epoch": event.epoch, "metrics": json.dumps(metrics),
        "learning_rate": finite(last), "rates": to_bytes(rates), "seconds": float(event.seconds),
        **{name: metrics.get(name) for name in CURVES},
    }


def epoch_row(row: RowMapping) -> EpochRow:
    """A finished epoch; its rates are a read-only array.

    Raises:
        StoreError: if it cannot be read.
    """
    try:
        stored = json_object("metrics", row["metrics"])
        metrics = {name: _number(value) for name, value in stored.items()}
        return EpochRow(
            run_id=row["run_id"], epoch=int(row["epoch"]), metrics=metrics,
            learning_rate=_number(row["learning_rate"]), rates=from_bytes(row["rates"]),
            seconds=float(row["seconds"]),
        )
    except UNREADABLE as fault:
        raise unreadable(f"Epoch {row['epoch']} of run {row['run_id']}", fault) from fault


def decision_values(run_id: str, event: RateDecided) -> dict[str, Any]:
    """The columns of a decision.

    What does not apply is left out of the JSON object; a number that is not finite is written as
    text (`"nan"`, `"inf"`), since a rule's best value is infinite at first and a metric may be NaN.
    """
    values: dict[str, Any] = {}
    for item in fields(RateDecided):
        value = getattr(event, item.name)
        if isinstance(value, float | np.floating):
            value = float(value)
            values[item.name] = value if math.isfinite(value) else str(value)
        elif isinstance(value, int | np.integer):
            values[item.name] = int(value)
        elif value is not None:
            values[item.name] = clean(value)
    return {"run_id": run_id, "epoch": values["epoch"], "decision": json.dumps(values)}


def decision_row(row: RowMapping) -> RateDecided:
    """A decision as it was reported.

    Raises:
        StoreError: if it cannot be read.
    """
    try:
        values = json_object("decision", row["decision"])
        for name in ("rate_before", "rate_after", "monitored", "best"):
            if name in values:
                values[name] = float(values[name])
        decided: RateDecided = _reader(RateDecided)[1].validate_python(values)
        return decided
    except UNREADABLE as fault:
        what = f"The decision after epoch {row['epoch']} of run {row['run_id']}"
        raise unreadable(what, fault) from fault


def command_row(row: RowMapping) -> Command:
    """A change of the rate that was requested.

    Raises:
        StoreError: if it cannot be read.
    """
    try:
        return Command(number=row["number"], piece=Piece(**json_object("command", row["command"])))
    except UNREADABLE as fault:
        raise unreadable(f"A change of the rate of run {row['run_id']}", fault) from fault


def part_row(row: RowMapping) -> StageRun:
    """A run of a search in hindsight.

    Raises:
        StoreError: if it cannot be read.
    """
    try:
        part = json_object("part", row["part"])
        return row_of(StageRun, row, part=part, val_loss=_number(row["val_loss"]))
    except UNREADABLE as fault:
        what = f"Run {row['run_id']} of a search in hindsight"
        raise unreadable(what, fault, "search") from fault


def versions_text(versions: Mapping[str, str]) -> str:
    """Library versions as a JSON object."""
    return json.dumps({clean(name): clean(value) for name, value in versions.items()})


def clean(text: str) -> str:
    """Text that every database accepts: no NUL, no lone surrogates, cut to a sensible length."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:REASON_LIMIT]


def to_bytes(values: ArrayLike) -> bytes:
    """Numbers as they are stored: float32, little-endian."""
    return np.ascontiguousarray(values, dtype="<f4").tobytes()


def from_bytes(stored: bytes) -> NDArray[np.float32]:
    """Numbers that were stored, as a read-only array."""
    return np.frombuffer(stored, dtype="<f4").astype(np.float32, copy=False)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
