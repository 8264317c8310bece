"""What differs between runs shown side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lrdash.analysis.words import (
    known_settings,
    optimizer_in_words,
    peak_in_words,
    setting_in_words,
    strategy_in_words,
    watched,
)
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.core.wording import NOTHING, count
from lrdash.models import MODELS

STRATEGY = "Strategy"
PEAK = "Peak rate"


def settings_diff(specs: Sequence[RunSpec]) -> pd.DataFrame:
    """The settings in which runs differ, in words.

    Returns:
        One row a run in the order given; one column (str) for each setting that is not the same in
        all, named as in the form. The strategy's own settings follow its name; what does not apply
        is a dash. Without a difference there are no columns.
    """
    rows = [_in_words(spec) for spec in specs]
    names = dict.fromkeys(name for row in rows for name in row)
    table = {name: [row.get(name, NOTHING) for row in rows] for name in names}
    differing = {name: values for name, values in table.items() if len(set(values)) > 1}
    return pd.DataFrame(differing, index=range(len(rows)), dtype="str")


def distinct_names(specs: Sequence[RunSpec]) -> list[str]:
    """A short name for each run from what differs: `step (factor 0.3) · peak rate 0.1 · seed 2`.

    With runs of other programs among them, only settings known of all count. Runs with the same
    settings are numbered, so that all names differ.
    """
    diff = settings_diff(specs)
    if any(map(watched, specs)):
        known = [_in_words(spec) for spec in specs]
        diff = diff[[name for name in diff if all(str(name) in row for row in known)]]
    names = [
        " · ".join(_part(str(name), row[name]) for name in diff) or strategy_in_words(spec)
        for spec, row in zip(specs, diff.to_dict(orient="records"), strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{name} ({names[:place].count(name) + 1})"
        for place, name in enumerate(names)
    ]


def _part(name: str, value: str) -> str:
    return value if name in (STRATEGY, "Dataset", "Model", "Optimizer") else (
        f"{name[0].lower()}{name[1:]} {value}"
    )


def _in_words(spec: RunSpec) -> dict[str, str]:
    row: dict[str, str] = {}
    external = watched(spec)
    known = {*known_settings(spec), "optimizer", "base_lr"}
    for knob in RunSpec.knobs():
        if external and knob.name not in known:
            continue
        value = getattr(spec, knob.name)
        if knob.name == "strategy":
            row[STRATEGY] = strategy_in_words(spec)
        elif knob.name == "base_lr":
            row[PEAK] = peak_in_words(spec)
        elif knob.name == "optimizer" and external:
            row[knob.label] = optimizer_in_words(spec)
        elif knob.name == "model_params":
            row |= _model_settings(spec)
        elif knob.name != "params":
            row[knob.label] = _shown(value)
    return row


def _model_settings(spec: RunSpec) -> dict[str, str]:
    known = MODELS[spec.model].knobs() if spec.model in MODELS else ()
    labels = {knob.name: knob.label for knob in known}
    return {
        f"Model: {labels.get(name, name)}": _shown(value)
        for name, value in spec.model_params.items()
    }


def _shown(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, EarlyStopping):
        best = ", best weights kept" if value.restore_best_weights else ""
        return f"{value.monitor}, patience {value.patience}, by {value.min_delta:g}{best}"
    if isinstance(value, int) and not isinstance(value, bool):
        return count(value)
    return setting_in_words(value)


def relative(values: pd.Series[float], baseline: int) -> pd.Series[float]:
    """How far each value is from that of the row at a place, as a share of it.

    Args:
        values: one a run.
        baseline: place of the run to compare with.

    Returns:
        (value - base) / |base|; NaN where either is not finite or the base is 0.
    """
    base = float(values.iloc[baseline])
    usable = values.where(np.isfinite(values))
    if not np.isfinite(base) or base == 0:
        return usable * np.nan
    return (usable - base) / abs(base)
