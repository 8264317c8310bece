"""How good the range test is: its suggestions compared with whole sweeps."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrdash.bench.machine import own_home
from lrdash.core.events import finite
from lrdash.datasets import DATASETS
from lrdash.models import MODELS

SEEDS = 3
EPOCHS, SHORT = 15, 8  # of each training; of convolutional models
EXAMPLES = 300  # for a convolutional model
RATES = np.geomspace(1e-4, 10**0.5, 10)  # two a decade
FINER = np.geomspace(1e-4, 10**0.5, 19)  # four a decade, where a run costs next to nothing


def pairs_at_hand() -> list[tuple[str, str]]:
    """Every model with every dataset that it fits and that needs no download."""
    return [
        (name, model)
        for name, dataset in DATASETS.items()
        for model, kind in MODELS.items()
        if not dataset.download_bytes and kind.misfit(dataset.shape) is None
    ]


def finder(*, optimizer: str = "sgd", only: list[str] | None = None) -> list[dict[str, Any]]:
    """For each pair and each rule, how far the suggestion is from the best rate of a sweep.

    Args:
        optimizer: of all trainings.
        only: names of datasets; all by default.

    Returns:
        One object a pair and rule: dataset, model, rule, suggestion, best_base_lr, factor (None
        where the rule has no suggestion), inside (the loss there is within 10% of the lowest).
    """
    found = []
    with own_home():
        for dataset, model in pairs_at_hand():
            if only is None or dataset in only:
                found += _pair(dataset, model, optimizer)
    return found


def _pair(dataset: str, model: str, optimizer: str) -> list[dict[str, Any]]:
    from lrdash import api

    small = MODELS[model]().convolutional
    fields: dict[str, Any] = {"dataset": dataset, "model": model, "optimizer": optimizer}
    if small:
        fields["examples"] = min(EXAMPLES, DATASETS[dataset].size)
    test = api.find_lr(**fields)
    sweep = api.compare(
        ["constant"], base_lrs=[float(f"{rate:.2g}") for rate in (RATES if small else FINER)],
        seeds=SEEDS, epochs=SHORT if small else EPOCHS, **fields,
    )
    judged = api.agreement(test, sweep.frame()).to_dict(orient="records")
    return [
        {
            "dataset": dataset, "model": model, "rule": str(row["rule"]),
            **{name: finite(row[name]) for name in ("suggestion", "best_base_lr", "factor")},
            "inside": bool(row["inside"]),
        }
        for row in judged
    ]
