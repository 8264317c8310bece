"""From rows of the database to the frozen rows that the store gives out, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sqlalchemy import RowMapping

from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.events import ACTIVE, EpochEnded, RateDecided, finite
from lrdash.core.spec import RunSpec
from lrdash.store.rows import EpochRow, RunRow
from lrdash.store.schema import CURVES

REASON_LIMIT = 4000  # characters

Row = TypeVar("Row")


def row_of(kind: Callable[..., Row], row: RowMapping, **others: Any) -> Row:
    """A row that is given out: its fields from the columns of the same names, and others."""
    return kind(**{name: row[name] for name in _names(kind) if name not in others}, **others)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def stopping(row: RowMapping) -> bool:
    """Whether a stop was requested and has not happened yet."""
    return row["stop_requested_at"] is not None and row["status"] in ACTIVE


def run_row(row: RowMapping) -> RunRow:
    """The current state of a run.

    Raises:
        StoreError: if this version cannot read its spec.
    """
    return row_of(
        RunRow, row, spec=_spec(row), tags=tuple(json.loads(row["tags"])),
        versions=json.loads(row["versions"]), update=row["updates_done"],
        stop_requested=stopping(row), label=row["label"] or "",
        engine_note=row["engine_note"] or "",
    )


def _spec(row: RowMapping) -> RunSpec:
    try:
        return RunSpec.from_json(row["spec"])
    except InvalidField as fault:
        raise StoreError(
            f"Run {row['run_id']} was stored with settings that this version of lrdash cannot "
            f"read: {fault} Open it with the version that made it, or delete the run."
        ) from fault


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
    """A finished epoch; its rates are a read-only array."""
    metrics = {name: _number(value) for name, value in json.loads(row["metrics"]).items()}
    return row_of(
        EpochRow, row, metrics=metrics, learning_rate=_number(row["learning_rate"]),
        rates=from_bytes(row["rates"]),
    )


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
    """A decision as it was reported."""
    values = json.loads(row["decision"])
    for name in ("rate_before", "rate_after", "monitored", "best"):
        if name in values:
            values[name] = float(values[name])
    return RateDecided(**values)


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
