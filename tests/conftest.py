"""Every test has a home of its own, the same random numbers, and no network."""

from __future__ import annotations

import gc
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from tests import DATA

if TYPE_CHECKING:
    from lrdash.store import Store

# Before any import of the package: shared fixtures and child processes never see the user's own
# runs, settings or Keras files, and TensorFlow is quiet and on the CPU.
_HOME = tempfile.TemporaryDirectory(prefix="lrdash-tests-", ignore_cleanup_errors=True)
for _name in [name for name in os.environ if name.startswith("LRDASH_")]:
    del os.environ[_name]
os.environ.pop("PORT", None)
os.environ |= {
    "LRDASH_HOME": f"{_HOME.name}/lrdash",
    "KERAS_HOME": f"{_HOME.name}/keras",
    "KERAS_BACKEND": "tensorflow",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "CUDA_VISIBLE_DEVICES": "-1",
}

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")


class ByFile(LoadFileScheduling):
    """Two processes take file after file; one of them all that drives the browser."""

    def _split_scope(self, nodeid: str) -> str:
        browser = nodeid.startswith("tests/browser/")
        return "browser" if browser else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_unconfigure() -> None:
    _HOME.cleanup()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The test's own LRDASH_HOME, not made yet."""
    folder = tmp_path / "lrdash-home"
    monkeypatch.setenv("LRDASH_HOME", str(folder))
    return folder


@pytest.fixture
def store() -> Iterator[Store]:
    """The database of the test's own home."""
    from lrdash.store import Store

    opened = Store()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def endless() -> Iterator[None]:
    """Makes the strategy `endless` known, in child processes too; see `factories.jobs.ENDLESS`."""
    from lrdash.strategies import STRATEGIES

    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(DATA / "plugins"))
        patch.setenv("PYTHONPATH", str(DATA / "plugins"), prepend=os.pathsep)
        STRATEGIES.plugins.forget()
        yield
    STRATEGIES.plugins.forget()


@pytest.fixture(autouse=True, scope="module")
def light_collections() -> None:
    """Streamlit collects garbage after every run of a page; what TensorFlow left behind in the
    tests before would be looked through each time, for seconds.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def no_network() -> Iterator[None]:
    """Refuse every connection of the test process that leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _local_only(getattr(socket.socket, name)))
        yield


def _local_only(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        internet = self.family in (socket.AF_INET, socket.AF_INET6)
        if internet and not str(address[0]).startswith(("127.", "::1", "localhost")):
            raise PermissionError(f"A test tried to reach {address[0]}; tests need no network.")
        return connect(self, address)

    return guarded
