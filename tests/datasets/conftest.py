"""Each dataset, and a machine without a network."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from lrdash.datasets import DATASETS, Dataset
from tests.factories.datasets import DOWNLOADED, forget


@pytest.fixture(params=DOWNLOADED)
def downloaded(request: pytest.FixtureRequest) -> Dataset:
    """Each dataset that Keras fetches."""
    return DATASETS[request.param]


@pytest.fixture(params=list(DATASETS))
def dataset(request: pytest.FixtureRequest) -> Dataset:
    """Each dataset."""
    return DATASETS[request.param]


@pytest.fixture
def without_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Any look-up of a host fails at once; what was loaded in one test is forgotten."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    forget()
    yield
    forget()
