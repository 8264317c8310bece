"""What all figures share: transparent grounds, a thin grid, small margins, one legend on top."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.figures.palette import GRID

LINE_WIDTH = 2  # pixels
CLEAR = "rgba(0, 0, 0, 0)"
LOG_RATIO = 20.0  # a rate that spans more than this is drawn on a log axis


def blank(height: int) -> go.Figure:
    """An empty figure of the house's look, `height` pixels high; text takes the page's colours."""
    return go.Figure(
        layout={
            "height": height,
            "margin": {"l": 10, "r": 10, "t": 34, "b": 10},
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "hovermode": "x unified",
            "uirevision": "keep",
            "showlegend": True,
            "legend": {
                "orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom",
            },
        }
    )


def axis(title: str, **more: Any) -> dict[str, Any]:
    """An axis with a thin light grid and its title, which names the unit."""
    return {
        "title": {"text": title}, "gridcolor": GRID, "gridwidth": 1, "zeroline": False,
        "automargin": True, **more,
    }


def epoch_axis(epochs: float, **more: Any) -> dict[str, Any]:
    """The axis of epochs done, 0 to `epochs`."""
    return axis("Epochs done", range=[0, epochs], **more)


def rate_axis(
    rates: NDArray[np.float64], *, log: bool | None = None, **more: Any
) -> dict[str, Any]:
    """The axis of learning rates: log where they span more than 20 to 1 and none is 0.

    Args:
        rates: the rates to be shown, any may be 0 or NaN.
        log: force a log (True) or linear (False) axis; None decides by the rates.
        more: further settings of the axis.
    """
    shown = rates[np.isfinite(rates)]
    positive = shown[shown > 0]
    if log is None:
        log = bool(len(positive)) and positive.max() > LOG_RATIO * shown.min() and shown.min() > 0
    if log:
        # One digit, for every tick alike: Plotly's own labels mix powers with bare digits.
        return axis("Learning rate (log)", type="log", tickformat=".1~g", nticks=4, **more)
    return axis("Learning rate", type="linear", rangemode="tozero", **more)


def plain(values: Iterable[float]) -> list[float | None]:
    """Floats as JSON bears them: what is not finite becomes None, a gap in the line."""
    return [float(value) if math.isfinite(value) else None for value in values]
