"""The versions that a run is recorded with."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

import keras
import numpy as np
import tensorflow as tf


def versions() -> dict[str, str]:
    """Library name to version, of everything that decides the bits of a run, and the machine."""
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "lrdash": _own_version(),
        "python": platform.python_version(),
        "machine": _machine(),
    }


def _machine() -> str:
    """System, architecture and processors, without the name of the machine."""
    system = f"{platform.system()} {platform.release()}".strip()
    return f"{system}, {platform.machine()}, {os.cpu_count() or 1} processors"


def _own_version() -> str:
    try:
        return version("lrdash")
    except PackageNotFoundError:  # run from a folder, not installed
        return "source"
