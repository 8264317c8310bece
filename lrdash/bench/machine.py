"""What the figures are measured on, and the place for what is trained for them."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

LIBRARIES = ("tensorflow", "keras", "numpy")


def machine() -> dict[str, Any]:
    """Processor, processors that may be used, load, system and versions, as JSON types."""
    from lrdash.training.lanes.layout import processors

    return {
        "processor": _processor(),
        "processors": processors(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }


@contextmanager
def own_home() -> Iterator[None]:
    """A temporary home, so that the user's runs stay as they are."""
    names = ("LRDASH_HOME", "LRDASH_DATABASE_URL")
    before = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        with tempfile.TemporaryDirectory() as home:
            os.environ["LRDASH_HOME"] = home
            yield
    finally:
        del os.environ["LRDASH_HOME"]
        os.environ.update(before)


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
