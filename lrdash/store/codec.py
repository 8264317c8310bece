"""Between rows of the database and the frozen rows that the store gives out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping

from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.events import ACTIVE, EpochEnded, RateDecided, Status
from lrdash.core.spec import RunSpec
from lrdash.store.rows import EpochRow, ExperimentRow, RunRow
from lrdash.store.schema import CURVES

REASON_LIMIT = 4000  # characters


def run_row(row: RowMapping) -> RunRow:
    """A run as it stands.

    Raises:
        StoreError: if this version cannot read its spec.
    """
    return RunRow(
        run_id=row["run_id"], name=row["name"], tags=tuple(json.loads(row["tags"])),
        spec=_spec(row), status=row["status"], reason=row["reason"], engine=row["engine"],
        created_at=row["created_at"], started_at=row["started_at"], ended_at=row["ended_at"],
        seconds=row["seconds"], steps_per_epoch=row["steps_per_epoch"], updates=row["updates"],
        update=row["updates_done"], parameters=row["parameters"], epochs_done=row["epochs_done"],
        worker_id=row["worker_id"], versions=json.loads(row["versions"]), version=row["version"],
        stop_requested=row["stop_requested_at"] is not None and row["status"] in ACTIVE,
        experiment_id=row["experiment_id"], group_id=row["group_id"], label=row["label"] or "",
        engine_note=row["engine_note"] or "", parent_id=row["parent_id"],
        fork_epoch=row["fork_epoch"],
    )


def experiment_row(
    row: RowMapping, counts: Mapping[Status, int], updates: int, update: int
) -> ExperimentRow:
    """An experiment, with the numbers of its runs."""
    return ExperimentRow(
        experiment_id=row["experiment_id"], name=row["name"], created_at=row["created_at"],
        definition=row["definition"], target=row["target"], counts=counts, updates=updates,
        update=update,
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
    rates = np.asarray(event.rates, dtype="<f4")
    last = float(rates[-1]) if rates.size else math.nan
    metrics = {name: _finite(float(value)) for name, value in event.metrics.items()}
    return {
        "run_id": run_id, "epoch": event.epoch, "metrics": json.dumps(metrics),
        "learning_rate": _finite(last), "rates": rates.tobytes(), "seconds": float(event.seconds),
        **{name: metrics.get(name) for name in CURVES},
    }


def epoch_row(row: RowMapping) -> EpochRow:
    """A finished epoch; its rates are a read-only array."""
    return EpochRow(
        run_id=row["run_id"], epoch=row["epoch"],
        metrics={name: _number(value) for name, value in json.loads(row["metrics"]).items()},
        learning_rate=_number(row["learning_rate"]), rates=_rates(row["rates"]),
        seconds=row["seconds"],
    )


def decision_values(run_id: str, event: RateDecided) -> dict[str, Any]:
    """The columns of a decision.

    What does not apply is left out of the JSON object; a number that is not finite stands there as
    text (`"nan"`, `"inf"`), since a rule's best value is infinite at first and a metric may be NaN.
    """
    said: dict[str, Any] = {}
    for item in fields(RateDecided):
        value = getattr(event, item.name)
        if isinstance(value, float | np.floating):
            value = float(value)
            said[item.name] = value if math.isfinite(value) else str(value)
        elif isinstance(value, int | np.integer):
            said[item.name] = int(value)
        elif value is not None:
            said[item.name] = clean(value)
    return {"run_id": run_id, "epoch": said["epoch"], "decision": json.dumps(said)}


def decision_row(row: RowMapping) -> RateDecided:
    """A decision as it was said."""
    said = json.loads(row["decision"])
    for name in ("rate_before", "rate_after", "monitored", "best"):
        if name in said:
            said[name] = float(said[name])
    return RateDecided(**said)


def versions_text(versions: Mapping[str, str]) -> str:
    """Library versions as a JSON object."""
    return json.dumps({clean(name): clean(value) for name, value in versions.items()})


def clean(text: str) -> str:
    """Text that every database takes: no NUL, no lone surrogates, cut to a sensible length."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:REASON_LIMIT]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _rates(stored: bytes) -> NDArray[np.float32]:
    return np.frombuffer(stored, dtype="<f4").astype(np.float32, copy=False)
