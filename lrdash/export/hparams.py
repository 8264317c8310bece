"""What TensorBoard's HParams tab reads: which settings and metrics exist, and those of each run.

Reference: tensorboard/plugins/hparams, plugin_data.proto and api.proto.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from lrdash.analysis.words import known_settings
from lrdash.core.events import Status
from lrdash.export import events
from lrdash.export.protobuf import double, nested, text, whole
from lrdash.store.rows import RunRow

PLUGIN = "hparams"
EXPERIMENT_TAG = "_hparams_/experiment"
START_TAG = "_hparams_/session_start_info"
END_TAG = "_hparams_/session_end_info"
STATUS: Mapping[Status, int] = {"finished": 1, "queued": 3, "running": 3}  # all others: failure
FAILURE = 2
TEXT, SWITCH, NUMBER = 1, 2, 3  # DataType
VALIDATION = 2  # DatasetType
LEFT_OUT = ("params", "model_params", "early_stopping")  # flattened instead

Value = str | bool | float


def settings(row: RunRow) -> dict[str, Value]:
    """The settings of a run, flat: `model.widths`, `step.factor`, `early_stopping.patience`."""
    spec = known_settings(row.spec)
    flat: dict[str, Value] = {
        name: _plain(value) for name, value in spec.items()
        if name not in LEFT_OUT and value is not None
    }
    for prefix, values in (
        (row.spec.strategy, spec["params"]), (row.spec.model, spec.get("model_params", {})),
        ("early_stopping", spec.get("early_stopping") or {}),
    ):
        flat |= {f"{prefix}.{name}": _plain(value) for name, value in values.items()}
    return flat


def experiment(
    runs: Iterable[Mapping[str, Value]], metrics: Mapping[str, str], at: float
) -> bytes:
    """The record that lists the settings and metrics.

    Args:
        runs: the settings of each run.
        metrics: tag in the validation part, and its display name.
        at: seconds since 1970.
    """
    kinds: dict[str, int] = {}
    for values in runs:
        kinds |= {name: _kind(value) for name, value in values.items()}
    message = double(3, at)
    for name, kind in kinds.items():
        message += nested(4, text(1, name) + whole(4, kind))
    for tag, shown in metrics.items():
        where = text(1, "validation") + text(2, tag)
        message += nested(5, nested(1, where) + text(3, shown) + whole(5, VALIDATION))
    return events.plugin(EXPERIMENT_TAG, PLUGIN, nested(2, message), at)


def session(values: Mapping[str, Value], group: str, status: Status, start: float, end: float
            ) -> bytes:
    """The records of the settings and the end of one run.

    Args:
        values: from `settings`.
        group: TensorBoard averages the runs of a group; here all seeds of an arm.
        status: of the run.
        start: seconds since 1970.
        end: seconds since 1970.
    """
    message = b"".join(
        nested(1, text(1, name) + nested(2, _value(value))) for name, value in values.items()
    )
    begun = nested(3, message + text(4, group) + double(5, start))
    over = nested(4, whole(1, STATUS.get(status, FAILURE)) + double(2, end))
    return events.plugin(START_TAG, PLUGIN, begun, start) + events.plugin(
        END_TAG, PLUGIN, over, end
    )


def _plain(value: Any) -> Value:
    return value if isinstance(value, str | bool | int | float) else json.dumps(value)


def _kind(value: Value) -> int:
    if isinstance(value, bool):
        return SWITCH
    return TEXT if isinstance(value, str) else NUMBER


def _value(value: Value) -> bytes:
    """A google.protobuf.Value."""
    if isinstance(value, bool):
        return whole(4, int(value))
    return text(3, value) if isinstance(value, str) else double(2, float(value))
