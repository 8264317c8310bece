"""What all figures share: transparent backgrounds, a thin grid, small margins, a legend on top."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.core.events import finite
from lrdash.figures.palette import GRID

CLEAR = "rgba(0, 0, 0, 0)"
METRIC_RATIO = 5.0  # a loss that spans more than this is drawn on a log axis beside the rates
PAD = 0.06  # of the span, above and below
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
    if log is None:
        log = wide(rates)
    if log:
        # One digit, for every tick alike: Plotly's own labels mix powers with bare digits.
        return axis("Learning rate (log)", type="log", tickformat=".1~g", nticks=4, **more)
    return axis("Learning rate", type="linear", rangemode="tozero", **more)


def metric_axis(
    values: NDArray[np.float64], title: str, *, fixed: bool = False, **more: Any
) -> dict[str, Any]:
    """The axis of a metric: log where a loss spans more than 5 to 1, ticks at 1, 2 and 5.

    Args:
        values: what is to be shown; what is not finite is left out.
        title: the metric's name; an accuracy is never on a log axis.
        fixed: give the range, so that the axis stays when its lines are cut.
        more: further settings of the axis.
    """
    shown = values[np.isfinite(values)]
    if not wide(shown, METRIC_RATIO) or title.endswith("accuracy"):
        span = {"range": _span(shown)} if fixed else {}
        return axis(title, nticks=6, **span, **more)
    decades = range(math.floor(math.log10(shown.min())), math.ceil(math.log10(shown.max())) + 1)
    ticks = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
    span = {"range": _span(np.log10(shown))} if fixed else {}
    return axis(f"{title} (log)", type="log", tickvals=ticks,
                ticktext=[f"{tick:.4g}" for tick in ticks], **span, **more)


def wide(values: NDArray[np.float64], ratio: float = LOG_RATIO) -> bool:
    """Whether all finite values are above 0 and span more than `ratio` to 1."""
    finite = values[np.isfinite(values)]
    return bool(len(finite) and finite.min() > 0 and finite.max() > ratio * finite.min())


def _span(values: NDArray[np.float64]) -> list[float]:
    if not len(values):
        return [0.0, 1.0]
    low, high = float(values.min()), float(values.max())
    room = (high - low) * PAD or abs(high) * PAD or 0.5
    return [low - room, high + room]


def plain(values: Iterable[float]) -> list[float | None]:
    """Floats as JSON allows them: what is not finite becomes None, a gap in the line."""
    return [finite(value) for value in values]


def literal(text: str) -> str:
    """A user's words as Plotly shows them literally: it reads `<` as the start of a tag."""
    return text.replace("<", "&lt;")


def short(label: str, limit: int) -> str:
    """A user's label, literally and cut to `limit` characters."""
    return literal(label if len(label) <= limit else f"{label[: limit - 1]}…")


def literal_names(figure: go.Figure) -> go.Figure:
    """The figure, with the names of its traces shown letter by letter."""
    for trace in figure.data:
        if "<" in (trace.name or ""):
            trace.name = literal(trace.name)
    return figure
