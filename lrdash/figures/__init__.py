"""Frames in, Plotly figures out: pure functions, one look, a strategy keeps its colour."""

from lrdash.figures.axes import literal_names
from lrdash.figures.compare import (
    arm_styles,
    bowl_figure,
    compare_loss_figure,
    compare_rates_figure,
    forest_figure,
    heatmap_figure,
    overlay_figure,
    verdict_css,
)
from lrdash.figures.family import Member, courses_figure, family_figure
from lrdash.figures.hindsight import hindsight_losses, hindsight_rates
from lrdash.figures.inside import walk_figure
from lrdash.figures.palette import Style, style_of
from lrdash.figures.preview import preview_figure, rate_line
from lrdash.figures.range_test import range_bowl_figure, range_figure
from lrdash.figures.training import LIVE_TRACES, live_marks, live_tail, training_figure
from lrdash.figures.valley import valley_loss_figure, valley_picture, valley_rate_figure
from lrdash.figures.whatif import Actual, grid_figure, whatif_figure

__all__ = [
    "LIVE_TRACES", "Actual", "Member", "Style", "arm_styles", "bowl_figure",
    "compare_loss_figure", "compare_rates_figure", "courses_figure", "family_figure",
    "forest_figure", "grid_figure", "heatmap_figure", "hindsight_losses", "hindsight_rates",
    "literal_names", "live_marks", "live_tail", "overlay_figure", "preview_figure",
    "range_bowl_figure", "range_figure", "rate_line", "style_of", "training_figure",
    "valley_loss_figure", "valley_picture", "valley_rate_figure", "verdict_css", "walk_figure",
    "whatif_figure",
]
