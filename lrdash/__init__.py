"""lrdash: which learning-rate strategy, at which rate, for this model on this data, and why?

Names are imported at first use: `import lrdash` needs NumPy and pydantic only.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lrdash.core import __version__, moved
from lrdash.core.spec import RunSpec
from lrdash.strategies import preview

if TYPE_CHECKING:
    from lrdash.api.branches import cooldowns, fork, more, steer
    from lrdash.api.compare import compare
    from lrdash.api.find_lr import find_lr
    from lrdash.api.hindsight import hindsight
    from lrdash.api.results.comparison import Comparison
    from lrdash.api.results.hindsight import Hindsight
    from lrdash.api.results.range_test import RangeTest
    from lrdash.api.results.run import Run
    from lrdash.api.resume import resume
    from lrdash.api.stored import load, runs
    from lrdash.api.train import train
    from lrdash.tracking.importing import import_runs
    from lrdash.tracking.monitor import Monitor
    from lrdash.tracking.watching import log_run

moved.install()

__all__ = [
    "Comparison", "Hindsight", "Monitor", "RangeTest", "Run", "RunSpec", "__version__", "compare",
    "cooldowns", "find_lr", "fork", "hindsight", "import_runs", "load", "log_run", "more",
    "preview", "resume", "runs", "steer", "train",
]

_ROOMS = {
    "Monitor": "lrdash.tracking.monitor", "log_run": "lrdash.tracking.watching",
    "import_runs": "lrdash.tracking.importing",
}


def __getattr__(name: str) -> object:
    """A public name, imported at first use."""
    if name not in __all__:
        raise AttributeError(f"module 'lrdash' has no attribute {name!r}")
    return getattr(import_module(_ROOMS.get(name, "lrdash.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
