"""The versions that a run is recorded with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import keras
import numpy as np
import tensorflow as tf


def versions() -> dict[str, str]:
    """Library name to version, of everything that decides the bits of a run."""
    return {
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "numpy": np.__version__,
        "lrdash": _own_version(),
        "python": platform.python_version(),
    }


def _own_version() -> str:
    try:
        return version("lrdash")
    except PackageNotFoundError:  # run from a folder, not installed
        return "source"
