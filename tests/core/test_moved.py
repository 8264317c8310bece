"""Earlier names of modules still import, and give the module of today."""

from __future__ import annotations

import importlib
import importlib.util

import pytest

from lrdash.core import moved


@pytest.mark.parametrize(("earlier", "now"), moved.MOVED.items())
def test_an_earlier_name_gives_the_module_of_today(earlier: str, now: str) -> None:
    module = importlib.import_module(now)
    assert importlib.import_module(earlier) is module
    assert module.__name__ == now
    assert module.__spec__ is not None
    assert module.__spec__.name == now


def test_a_name_that_never_was_is_not_found() -> None:
    moved.install()
    assert importlib.util.find_spec("lrdash.never_was") is None
