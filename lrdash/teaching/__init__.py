"""What the teaching pages show: callbacks epoch by epoch, what other settings would have done,
gradient descent on surfaces that can be drawn, and the glossary. Pure NumPy; all rates come from
`lrdash.strategies`.
"""

from lrdash.teaching.descent import Path, descend
from lrdash.teaching.description import compare_in_words, path_in_words
from lrdash.teaching.examples import EXAMPLES, Example
from lrdash.teaching.glossary import GROUPS, SETTINGS, anchor, look_up
from lrdash.teaching.moments import Moment, Recorded, Variable, Walk
from lrdash.teaching.outlook import cuts_in_words, outlook, verdict
from lrdash.teaching.scheduler import walk_scheduler
from lrdash.teaching.series import MOST, read_series
from lrdash.teaching.steps import Step, remarks
from lrdash.teaching.surfaces import SURFACES, Minimum, Surface
from lrdash.teaching.walk import walk_plateau
from lrdash.teaching.watched import disagreement, walk_watched
from lrdash.teaching.whatif import (
    DELTAS,
    PATIENCES,
    Grid,
    Replay,
    first_difference,
    grid,
    left_off,
    replay,
)

__all__ = [
    "DELTAS", "EXAMPLES", "GROUPS", "MOST", "PATIENCES", "SETTINGS", "SURFACES", "Example",
    "Grid", "Minimum", "Moment", "Path", "Recorded", "Replay", "Step", "Surface", "Variable",
    "Walk", "anchor", "compare_in_words", "cuts_in_words", "descend", "disagreement",
    "first_difference", "grid", "left_off", "look_up", "outlook", "path_in_words",
    "read_series", "remarks", "replay", "verdict", "walk_plateau", "walk_scheduler",
    "walk_watched",
]
