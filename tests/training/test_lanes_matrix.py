"""Same spec, same curve: lanes and Keras agree for every dataset at hand, model, optimizer and kind
of strategy, to 1e-5 over ten epochs."""

from __future__ import annotations

import pytest

from lrdash.core.spec import RunSpec
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from tests.factories.training import epochs, trained

EPOCHS, TOLERANCE = 10, 1e-5
OPTIMIZERS = {  # at rates at which float32 does not turn rounding into another trajectory
    "sgd": {"base_lr": 0.02, "momentum": 0.9}, "plain": {"optimizer": "sgd", "momentum": 0.0},
    "rmsprop": {"base_lr": 0.0002}, "adam": {"base_lr": 0.0005}, "adamw": {"base_lr": 0.0005},
}
KINDS = {
    "schedule": {"strategy": "one_cycle"}, "callback": {"strategy": "custom"},
    "rule": {"strategy": "plateau", "params": {"patience": 1, "min_delta": 0.02}},
}
HERE = [name for name, dataset in DATASETS.items() if not dataset.download_bytes]
PAIRS = [
    (data, model) for data in HERE for model, kind in MODELS.items()
    if kind.misfit(DATASETS[data].shape) is None
]


def spec(data: str, model: str, optimizer: str, kind: str) -> RunSpec:
    own = {"optimizer": optimizer, "base_lr": 0.02, **OPTIMIZERS[optimizer], **KINDS[kind]}
    few = {"examples": 100} if DATASETS[data].size > 100 else {}
    silent = {"model_params": {"noise": 0.0}} if model == "noisy_quadratic" else {}  # as dropout
    return RunSpec(dataset=data, model=model, epochs=EPOCHS, batch_size=16, **few, **silent, **own)


def cases() -> list[tuple[str, str, str, str]]:
    """Each pair of data and model with one optimizer and kind, all of which take their turns; and
    each optimizer with each kind."""
    optimizers, kinds = list(OPTIMIZERS), list(KINDS)
    turns = [
        (data, model, optimizers[place % len(optimizers)], kinds[place % len(kinds)])
        for place, (data, model) in enumerate(PAIRS)
    ]
    return list(dict.fromkeys(
        turns + [("digits", "mlp", optimizer, kind) for optimizer in optimizers for kind in kinds]
    ))


@pytest.mark.parametrize(("data", "model", "optimizer", "kind"), cases())
def test_lanes_and_keras_train_the_same_curve(
    data: str, model: str, optimizer: str, kind: str
) -> None:
    wanted = spec(data, model, optimizer, kind)
    (lane,), (keras,) = trained([wanted], "lanes"), trained([wanted], "keras")
    ours, theirs = epochs(lane), epochs(keras)
    assert len(ours) == len(theirs) == EPOCHS
    for one, other in zip(ours, theirs, strict=True):
        assert (one.rates == other.rates).all()
        for name in ("loss", "val_loss", "accuracy", "val_accuracy"):
            if name in other.metrics:
                assert one.metrics[name] == pytest.approx(other.metrics[name], rel=TOLERANCE), name


def test_the_cases_leave_no_pair_optimizer_or_kind_out() -> None:
    found = cases()
    assert {(data, model) for data, model, _, _ in found} == set(PAIRS)
    assert {(optimizer, kind) for _, _, optimizer, kind in found} >= {
        (optimizer, kind) for optimizer in OPTIMIZERS for kind in KINDS
    }
