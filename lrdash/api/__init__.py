"""Training from Python: what a notebook, a script or the command line calls.

Every run is recorded in the store, so the app shows it live, like one of its own.
"""

from __future__ import annotations

from lrdash.api.in_process import Progress, check, train
from lrdash.api.run import Run, load

__all__ = ["Progress", "Run", "check", "load", "train"]
