"""Training, comparing and opening results from Python, for notebooks, scripts and the shell.

Every run is recorded in the store, so the app shows it live, like its own.
"""

from __future__ import annotations

from lrdash.api.branches import cooldowns, fork, more, steer
from lrdash.api.checks import check, check_experiment
from lrdash.api.compare import compare, define, extend, run_experiment
from lrdash.api.find_lr import define_range_test, find_lr, run_range_test, sweep_around
from lrdash.api.hindsight import continue_hindsight, define_hindsight, hindsight, run_hindsight
from lrdash.api.results.comparison import Comparison, load_comparison
from lrdash.api.results.hindsight import Hindsight, load_hindsight
from lrdash.api.results.range_test import RangeTest, agreement, load_range_test
from lrdash.api.results.run import Run, load_run
from lrdash.api.resume import resume
from lrdash.api.stored import load, runs
from lrdash.api.train import Progress, train
from lrdash.jobs.branches import make_branches, plan_branches, plan_more

__all__ = [
    "Comparison", "Hindsight", "Progress", "RangeTest", "Run", "agreement", "check",
    "check_experiment", "compare", "continue_hindsight", "cooldowns", "define",
    "define_hindsight", "define_range_test", "extend", "find_lr", "fork", "hindsight", "load",
    "load_comparison", "load_hindsight", "load_range_test", "load_run", "make_branches", "more",
    "plan_branches", "plan_more", "resume", "run_experiment", "run_hindsight", "run_range_test",
    "runs", "steer", "sweep_around", "train",
]
