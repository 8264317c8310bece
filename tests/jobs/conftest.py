"""Runs that outlast their tests."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="module")
def endless_runs(endless: None) -> None:
    """Every worker that a test starts knows them."""
