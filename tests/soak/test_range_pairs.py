"""Range tests of every shape of data with every model that fits it, under every optimizer."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from lrdash.analysis import range_test as found
from lrdash.bench.tasks import pairs
from lrdash.core.spec import RunSpec
from lrdash.datasets import DATASETS
from lrdash.planning.range_test import RangeTestSpec, make

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]
OPTIMIZERS = ("sgd", "rmsprop", "adam", "adamw")


EXAMPLES = 320


def made_like(name: str) -> str:
    """A dataset of the shape of another, of random numbers: nothing has to be fetched."""
    model, made = DATASETS[name], f"made-{name}"
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (EXAMPLES, *model.input_shape)).astype(np.float64)
    classes = model.num_classes
    y = np.arange(EXAMPLES) % classes if classes else random.normal(size=EXAMPLES)
    if made not in DATASETS:
        DATASETS.add(made, dataclasses.replace(
            model, id=made, size=EXAMPLES, default_examples=EXAMPLES, reader=lambda: (x, y),
            download_bytes=0,
        ))
    return made


@pytest.mark.parametrize(("dataset", "model"), pairs())
def test_a_pair_can_be_tried_with_every_optimizer(dataset: str, model: str) -> None:
    from lrdash.training.range_test import measure

    data = made_like(dataset)
    for optimizer in OPTIMIZERS:
        base = RunSpec(dataset=data, model=model, optimizer=optimizer)
        test = make(RangeTestSpec(base=base, updates=30, seeds=(0, 1)))
        losses = measure(test, on_progress=lambda _done, _losses: None, should_stop=lambda: False)
        assert losses.shape == (2, 30)
        assert np.isfinite(losses[:, :10]).all()
        table = found.suggestions(found.range_frame(test.spec.rates, losses, test.spec.seeds))
        assert list(table["rule"]) == list(found.RULES)
