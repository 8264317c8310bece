"""Our rates against those that Keras, PyTorch and transformers gave for the same settings."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import lrdash
from tests import DATA

CASES = [
    case
    for case in json.loads((DATA / "schedules.json").read_text())["cases"]
    if case["strategy"] != "plateau"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['strategy']}: {case['source']}")
def test_rates_are_those_of_the_reference_library(case: dict[str, Any]) -> None:
    rates = lrdash.preview(
        case["strategy"], case["params"], base_lr=case["base_lr"], epochs=case["epochs"],
        steps_per_epoch=case["steps_per_epoch"],
    )
    share = 1e-6 if case["source"].startswith("keras") else 1e-9  # Keras computes in float32
    np.testing.assert_allclose(rates, case["rates"], rtol=0, atol=share * case["base_lr"])


def test_every_reference_strategy_is_covered() -> None:
    assert {case["strategy"] for case in CASES} >= {
        "step", "multistep", "exponential", "inverse_time", "inverse_sqrt", "polynomial", "linear",
        "cosine", "cosine_restarts", "cyclic", "one_cycle", "wsd",
    }
