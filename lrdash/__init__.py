"""lrdash: which learning-rate strategy, at which rate, for this model on this data, and why?

What trains is imported only when it is asked for: `import lrdash` needs NumPy and pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lrdash.core import __version__, moved
from lrdash.core.spec import RunSpec
from lrdash.strategies import preview

moved.install()
__all__ = ["RunSpec", "__version__", "preview"]

_IN_API = (
    "train", "Run", "compare", "Comparison", "resume", "find_lr", "RangeTest", "fork", "cooldowns",
    "more", "steer", "hindsight", "Hindsight",
)


_ELSEWHERE = {"Monitor": "lrdash.tracking.monitor", "log_run": "lrdash.tracking.watching",
              "import_runs": "lrdash.tracking.importing"}


def __getattr__(name: str) -> Any:
    """Names of `lrdash.api` and of what watches other loops, imported at first use."""
    if name in _ELSEWHERE:
        return getattr(import_module(_ELSEWHERE[name]), name)
    if name not in _IN_API:
        raise AttributeError(f"module 'lrdash' has no attribute {name!r}")
    return getattr(import_module("lrdash.api"), name)
