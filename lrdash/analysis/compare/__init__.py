"""Comparisons of strategies: each at its own best peak rate, and what is not known about it.

Arms come from `frames.arms_frame`, curves from `frames.curves_frame`. A run counts with its last
validation loss; a run that diverged or failed counts as the worst there is (infinite) and never
vanishes from a mean. Runs still training, stopped or interrupted count with the loss that they
have so far, as `unfinished`; queued ones are `waiting`.
"""

from lrdash.analysis.compare.bands import band, planned_rates
from lrdash.analysis.compare.bowl import best_peaks, bowl
from lrdash.analysis.compare.effect import without_effect
from lrdash.analysis.compare.leaderboard import leaderboard
from lrdash.analysis.compare.settings import distinct_names, relative, settings_diff
from lrdash.analysis.compare.smoothing import smooth

__all__ = [
    "band", "best_peaks", "bowl", "distinct_names", "leaderboard", "planned_rates", "relative",
    "settings_diff", "smooth", "without_effect",
]
