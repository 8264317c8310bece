"""Comparisons of strategies: each at its own best peak rate, with what is not known said.

Arms come from `frames.arms_frame`, curves from `frames.curves_frame`. A run counts with its last
validation loss; a run that diverged or failed counts as the worst there is (infinite) and never
vanishes from a mean. Runs still under way, stopped or interrupted count with the loss that they
have so far and are numbered as `unfinished`; queued ones are `waiting`.
"""

from lrdash.analysis.compare.bands import band, planned_rates
from lrdash.analysis.compare.bowl import best_peaks, bowl
from lrdash.analysis.compare.leaderboard import leaderboard
from lrdash.analysis.compare.settings import relative, settings_diff, told_apart
from lrdash.analysis.compare.smoothing import smooth

__all__ = [
    "band",
    "best_peaks",
    "bowl",
    "leaderboard",
    "planned_rates",
    "relative",
    "settings_diff",
    "smooth",
    "told_apart",
]
