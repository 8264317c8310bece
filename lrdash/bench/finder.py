"""How good the range test is: its suggestions compared with whole sweeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lrdash.bench.machine import own_home
from lrdash.core.events import finite
from lrdash.datasets import DATASETS
from lrdash.models import MODELS

if TYPE_CHECKING:
    from lrdash.api import RangeTest

SEEDS = 3
EPOCHS, SHORT = 15, 8  # of each training; of convolutional models
EXAMPLES = 300  # for a convolutional model
RATES = np.geomspace(1e-4, 10**0.5, 10)  # two a decade
FOLLOWED = 3  # better ranges that are tested one after the other where a test suggests nothing
# Beside all pairs: a model that learns all its examples, and batches that differ much by chance.
HARD: tuple[dict[str, Any], ...] = (
    {"dataset": "wine", "model": "mlp", "optimizer": "adam"},
    {"dataset": "noisy_regression", "model": "linear", "batch_size": 8},
    {"dataset": "diabetes", "model": "linear", "batch_size": 8},
)
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
    """For each task and each rule, how far the suggestion is from the best rate of a sweep.

    A test that suggests nothing is followed by one of the rates that it advises.

    Args:
        optimizer: of all trainings, where a task has none of its own.
        only: names of datasets; all by default.

    Returns:
        One object a task and rule: dataset, model, optimizer, batch_size, rule, suggestion,
        best_base_lr, factor (None where the rule has no suggestion), inside (the loss there is
        within 10% of the lowest).
    """
    pairs = [{"dataset": dataset, "model": model} for dataset, model in pairs_at_hand()]
    found = []
    with own_home():
        for task in [*pairs, *HARD]:
            if only is None or task["dataset"] in only:
                found += _judged({"optimizer": optimizer, **task})
    return found


def _judged(task: dict[str, Any]) -> list[dict[str, Any]]:
    from lrdash import api

    small = MODELS[task["model"]]().convolutional
    fields = dict(task)
    if small:
        fields["examples"] = min(EXAMPLES, DATASETS[task["dataset"]].size)
    test = _tested(fields)
    sweep = api.compare(
        ["constant"], base_lrs=[float(f"{rate:.2g}") for rate in (RATES if small else FINER)],
        seeds=SEEDS, epochs=SHORT if small else EPOCHS, **fields,
    )
    judged = api.agreement(test, sweep.frame()).to_dict(orient="records")
    base = test.spec.base
    return [
        {
            "dataset": base.dataset, "model": base.model, "optimizer": base.optimizer,
            "batch_size": base.batch_size, "rule": str(row["rule"]),
            **{name: finite(row[name]) for name in ("suggestion", "best_base_lr", "factor")},
            "inside": bool(row["inside"]),
        }
        for row in judged
    ]


def _tested(fields: dict[str, Any]) -> RangeTest:
    """A range test, at the rates that the ones before it advise."""
    from lrdash import api

    test = api.find_lr(**fields)
    for _ in range(FOLLOWED):
        better = test.advice
        if better is None or better.lowest is None or better.highest is None:
            break
        test = api.find_lr(
            lowest=better.lowest, highest=better.highest,
            updates=better.updates or test.spec.updates, **fields,
        )
    return test
