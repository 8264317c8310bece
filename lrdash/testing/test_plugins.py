"""Whatever other packages bring can be imported and is what it should be."""

from __future__ import annotations

from typing import Any

import pytest

from lrdash.core.registry import Registry
from lrdash.datasets import DATASETS
from lrdash.models import MODELS
from lrdash.strategies import STRATEGIES


@pytest.mark.parametrize("registry", [DATASETS, MODELS, STRATEGIES], ids=lambda one: one.kind)
def test_every_entry_of_another_package_can_be_used(registry: Registry[Any]) -> None:
    assert dict(registry.broken) == {}
