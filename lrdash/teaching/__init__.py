"""What the teaching pages show: callbacks epoch by epoch, and what other settings would have done.
Pure NumPy; all rates come from `lrdash.strategies`.
"""

from lrdash.teaching.examples import EXAMPLES, Example
from lrdash.teaching.moments import Moment, Recorded, Variable, Walk
from lrdash.teaching.scheduler import walk_scheduler
from lrdash.teaching.series import read_series
from lrdash.teaching.steps import Step
from lrdash.teaching.walk import walk_plateau
from lrdash.teaching.whatif import DELTAS, Grid, Replay, first_difference, grid, replay

__all__ = [
    "DELTAS",
    "EXAMPLES",
    "Example",
    "Grid",
    "Moment",
    "Recorded",
    "Replay",
    "Step",
    "Variable",
    "Walk",
    "first_difference",
    "grid",
    "read_series",
    "replay",
    "walk_plateau",
    "walk_scheduler",
]
