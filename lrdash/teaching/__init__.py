"""What the teaching pages show: callbacks epoch by epoch, and what other settings would have done.
Pure NumPy; all rates come from `lrdash.strategies`.
"""

from lrdash.teaching.examples import EXAMPLES, Example
from lrdash.teaching.moments import Moment, Recorded, Variable, Walk
from lrdash.teaching.outlook import listed, outlook, verdict
from lrdash.teaching.scheduler import walk_scheduler
from lrdash.teaching.series import MOST, read_series
from lrdash.teaching.steps import Step, remarks
from lrdash.teaching.walk import walk_plateau
from lrdash.teaching.whatif import (
    DELTAS,
    PATIENCES,
    Grid,
    Replay,
    first_difference,
    grid,
    replay,
)

__all__ = [
    "DELTAS",
    "EXAMPLES",
    "MOST",
    "PATIENCES",
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
    "listed",
    "outlook",
    "read_series",
    "remarks",
    "replay",
    "verdict",
    "walk_plateau",
    "walk_scheduler",
]
