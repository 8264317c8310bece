"""Charts of comparisons: one colour a strategy, the same on every page; arms of one strategy differ
by dash. Numbers are sent as 32-bit arrays, so that hundreds of runs stay light.
"""

from lrdash.figures.compare.arms import arm_styles
from lrdash.figures.compare.bowl import bowl_figure
from lrdash.figures.compare.forest import forest_figure, verdict_css
from lrdash.figures.compare.heatmap import heatmap_figure
from lrdash.figures.compare.lines import compare_loss_figure, compare_rates_figure
from lrdash.figures.compare.overlay import overlay_figure

__all__ = [
    "arm_styles", "bowl_figure", "compare_loss_figure", "compare_rates_figure", "forest_figure",
    "heatmap_figure", "overlay_figure", "verdict_css",
]
