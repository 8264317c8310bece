"""CSV and Parquet: a row for each epoch with every setting, or for each update with its rate."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lrdash.analysis import frames
from lrdash.analysis.words import arm_in_words, known_settings
from lrdash.core.events import COLUMNS, metric_name
from lrdash.export.recorded import Recorded
from lrdash.store.rows import RunRow

FORMULA = ("=", "+", "-", "@", "\t", "\r")
RENAMED = {"loss": "loss_function"}  # settings with the name of a measurement


def epochs_table(runs: Recorded, *, rates: bool = False) -> pd.DataFrame:
    """One row for each epoch: the measurements, then the settings of its run.

    Args:
        runs: to write; none gives an empty table.
        rates: also the rate of every update.

    Columns:
        those of `frames.epochs_frame`, further metrics as recorded (float64; one with the name of a
        column gets the suffix "(logged)"), `rates` on request (a list of float32 each), then name,
        label, status, engine (str), each field of `RunSpec` (params, model_params and
        early_stopping as JSON texts; its loss as loss_function; empty where unknown for a run of
        another program), steps_per_epoch and parameters (int64).
    """
    epochs = runs.all_epochs()
    table = frames.epochs_frame(epochs)
    settings = _table([_settings(row) for row in runs.rows])
    taken = COLUMNS | set(settings.columns)
    further = dict.fromkeys(
        name for row in epochs for name in row.metrics if name not in frames.METRICS)
    for name in further:
        values = [row.metrics.get(name, np.nan) for row in epochs]
        table[metric_name(name, taken)] = np.array(values, np.float64)
    if rates:
        table["rates"] = pd.Series([row.rates for row in epochs], dtype=object)
    return table.merge(settings, on="run_id", how="left") if len(settings) else table


def updates_table(runs: Recorded) -> pd.DataFrame:
    """One row for each update.

    Columns:
        those of `frames.rates_frame`, then label, strategy (str), base_lr (float64), seed (int64);
        the last two are empty where unknown for a run of another program.
    """
    table = frames.rates_frame(runs.all_epochs())
    known = _table([
        {"run_id": row.run_id, "label": arm_in_words(row), "strategy": row.spec.strategy,
         **{name: known_settings(row.spec).get(name) for name in ("base_lr", "seed")}}
        for row in runs.rows
    ])
    return table.merge(known, on="run_id", how="left") if len(known) else table


def csv(runs: Recorded, *, updates: bool = False) -> bytes:
    """Comma-separated values, UTF-8, with full precision.

    A text that a spreadsheet would take for a formula begins with an apostrophe
    (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    table = updates_table(runs) if updates else epochs_table(runs)
    texts = table.select_dtypes(exclude="number").columns
    table[texts] = table[texts].map(_no_formula)
    shown = table.rename(columns=_no_formula)
    return str(shown.to_csv(index=False, lineterminator="\n")).encode()


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def parquet(runs: Recorded, *, updates: bool = False) -> bytes:
    """An Apache Parquet file; the table of epochs holds the rate of every update as a list."""
    table = updates_table(runs) if updates else epochs_table(runs, rates=True)
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def as_json(runs: Recorded) -> bytes:
    """The runs with their epochs as one JSON list; see `frames.run_as_json`."""
    found = [frames.run_as_json(row, runs.epochs_of(row)) for row in runs.rows]
    return (json.dumps(found, indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def _table(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows that may lack a column; integers stay integers."""
    table = pd.DataFrame(rows)
    for name in table.columns:
        found = [row.get(name) for row in rows]
        if any(value is None for value in found) and all(
                value is None or type(value) is int for value in found):
            table[name] = pd.array(found, dtype="Int64")
    return table


def _settings(row: RunRow) -> dict[str, Any]:
    spec = {
        RENAMED.get(name, name): json.dumps(value) if isinstance(value, dict | list) else value
        for name, value in known_settings(row.spec).items()
    }
    return {
        "run_id": row.run_id, "name": row.name, "label": arm_in_words(row), "status": row.status,
        "engine": row.engine, **spec, "steps_per_epoch": row.steps_per_epoch,
        "parameters": row.parameters,
    }
