"""Frames in, Plotly figures out: pure functions, one look, a strategy keeps its colour."""

from lrdash.figures.palette import STYLES, Style, style_of
from lrdash.figures.preview import preview_figure
from lrdash.figures.training import LIVE_TRACES, live_marks, live_tail, training_figure

__all__ = [
    "LIVE_TRACES",
    "STYLES",
    "Style",
    "live_marks",
    "live_tail",
    "preview_figure",
    "style_of",
    "training_figure",
]
