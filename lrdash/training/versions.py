"""The beginning of a run as it is recorded, with the versions of what trains it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import keras
import numpy as np
import tensorflow as tf

from lrdash.core.events import RunStarted
from lrdash.planning.plan import Plan


def started(plan: Plan, engine: str, note: str = "") -> RunStarted:
    """What a run reports first; `note` says why not the usual engine trains it."""
    return RunStarted(
        engine=engine, parameters=plan.parameters, steps_per_epoch=plan.steps_per_epoch,
        updates=plan.updates, versions=versions(), note=note,
    )


@cache
def versions() -> Mapping[str, str]:
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
