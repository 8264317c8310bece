"""Training and comparing from Python: what a notebook, a script or the command line calls.

Every run is recorded in the store, so the app shows it live, like one of its own.
"""

from __future__ import annotations

from lrdash.api.branches import (
    cooldowns,
    fork,
    make_branches,
    more,
    plan_branches,
    plan_more,
    steer,
)
from lrdash.api.compare import check_experiment, compare, define, extend, run_experiment
from lrdash.api.comparison import Comparison, load_comparison
from lrdash.api.in_process import Progress, check, train
from lrdash.api.resume import resume
from lrdash.api.run import Run, load

__all__ = [
    "Comparison", "Progress", "Run", "check", "check_experiment", "compare", "cooldowns", "define",
    "extend", "fork", "load", "load_comparison", "make_branches", "more", "plan_branches",
    "plan_more", "resume", "run_experiment", "steer", "train",
]
