"""Range tests of every shape of data with every model that fits it, under every optimizer."""

from __future__ import annotations

import numpy as np
import pytest

from lrdash.analysis import range_test as told
from lrdash.bench.tasks import _made, pairs
from lrdash.range_test import RangeTestSpec, make
from lrdash.spec import RunSpec

pytestmark = [
    pytest.mark.soak, pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
OPTIMIZERS = ("sgd", "rmsprop", "adam", "adamw")


@pytest.mark.parametrize(("dataset", "model"), pairs())
def test_a_pair_can_be_tried_with_every_optimizer(dataset: str, model: str) -> None:
    from lrdash.training.range_test import measure

    data = _made(dataset, updates=10)
    for optimizer in OPTIMIZERS:
        base = RunSpec(dataset=data, model=model, optimizer=optimizer)
        test = make(RangeTestSpec(base=base, updates=30, seeds=(0, 1)))
        losses = measure(test, told=lambda _done, _losses: None, should_stop=lambda: False)
        assert losses.shape == (2, 30)
        assert np.isfinite(losses[:, :10]).all()
        table = told.suggestions(told.range_frame(test.spec.rates, losses, test.spec.seeds))
        assert list(table["rule"]) == list(told.RULES)
