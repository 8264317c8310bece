"""Under another backend of Keras lrdash says that it cannot train, before it makes anything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

import lrdash
from lrdash.core.errors import EngineUnavailable
from lrdash.core.spec import RunSpec
from lrdash.store import Store
from tests.factories.shell import refused

SPEC = RunSpec(dataset="wine", model="linear", epochs=1)
JOBS = [
    lambda: lrdash.train(SPEC),
    lambda: lrdash.compare(["constant", "cosine"], dataset="wine", epochs=1, seeds=1),
    lambda: lrdash.find_lr(SPEC),
    lambda: lrdash.compare(["constant"], build_model=lambda: None, data=(1, 2), epochs=1),
]


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("job", JOBS)
def test_training_under_another_backend_is_refused_in_words(
    store: Store, monkeypatch: pytest.MonkeyPatch, job: Callable[[], object], loaded: bool
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow" if loaded else "jax")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    if loaded:
        keras = SimpleNamespace(config=SimpleNamespace(backend=lambda: "jax"))
        monkeypatch.setitem(sys.modules, "keras", keras)  # type: ignore[arg-type]
    with pytest.raises(EngineUnavailable, match=r"Keras uses jax in this process\. Set KERAS_"):
        job()
    assert store.runs.listing() == []
    assert store.experiments.listing() == []
    assert store.range_tests.listing() == []


def test_the_shell_says_so_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    assert "Keras uses torch" in refused("train", "--dataset", "wine", "--epochs", "1")
