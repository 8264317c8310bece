"""Final validation loss against peak rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lrdash.core.wording import number
from lrdash.figures.axes import axis, blank, literal, wide
from lrdash.figures.compare.arms import Styles, by_arm, light
from lrdash.figures.compare.lines import LOG
from lrdash.figures.palette import LINE_WIDTH, Style

TOP = 0.97  # height of the marks of diverged or failed runs, as a share of the figure
BELOW = 0.035  # distance of the next one at the same rate


def bowl_figure(
    bowl: pd.DataFrame,
    styles: Styles | None = None,
    *,
    log: bool | None = None,
    height: int = 420,
) -> go.Figure:
    """One line an arm over the peak rates, with its intervals.

    A rate at which runs diverged or failed has no mean: it is a cross at the upper edge, and its
    hover shows how many they were and how the others did.

    Args:
        bowl: from `analysis.bowl`; may be empty.
        styles: looks by label; by default `arm_styles(bowl)`.
        log: a logarithmic loss axis; None takes one where the means span more than 20 to 1.
        height: in pixels.
    """
    log = wide(bowl["mean"].to_numpy(dtype=np.float64)) if log is None else log
    figure = blank(height)
    places = _places(bowl)
    for label, part, style in by_arm(bowl, styles):
        broken = np.isinf(part["mean"].to_numpy(dtype=np.float64))
        figure.add_scatter(**_line(part, style, label, log=log))
        if broken.any():
            figure.add_scatter(**_crosses(part[broken], places, style, label))
    figure.update_layout(
        xaxis=axis("Peak rate (log)", hoverformat=".3~g", **{**LOG, "nticks": 5}),
        yaxis=axis("Final validation loss", **(LOG if log else {"type": "linear"})),
        yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
    )
    return figure


def mean_in_words(mean: float, low: float, high: float, runs: int) -> str:
    """A mean with its interval, if it has one: `0.21 (0.19 to 0.23, 3 runs)`."""
    span = f" ({number(low)} to {number(high)}, {runs} runs)" if np.isfinite(low) else ""
    return f"{number(mean)}{span}"


def broken_in_words(diverged: int, failed: int, runs: int, surviving: float) -> str:
    """What happened to the runs at one rate: `1 of 3 diverged; the others average 0.2`."""
    counted = {"diverged": diverged, "failed": failed}
    ends = ", ".join(f"{count} of {runs} {what}" for what, count in counted.items() if count)
    rest = f"; the others average {number(surviving)}" if np.isfinite(surviving) else ""
    return f"{ends}{rest}"


def _line(part: pd.DataFrame, style: Style, label: str, *, log: bool) -> dict[str, Any]:
    mean, low, high = (part[name].to_numpy(dtype=np.float64) for name in ("mean", "low", "high"))
    finite = np.isfinite(mean)
    shown = np.where(finite, mean, np.nan)
    down = np.where(finite, mean - low, np.nan)
    if log:  # an interval that reaches 0 would have no end
        down = np.minimum(down, 0.9 * np.abs(shown))
    return {
        "x": light(part["base_lr"]), "y": light(shown), "name": label, "legendgroup": label,
        "mode": "lines+markers", "marker": {"size": 6},
        "line": style.line(),
        "error_y": {
            "type": "data", "symmetric": False, "array": light(high - shown),
            "arrayminus": light(down), "thickness": 1, "width": 3, "color": style.faint(0.6),
        },
        "text": [mean_in_words(*row) for row in zip(mean, low, high, part["runs"], strict=True)],
        "hovertemplate": "%{text}",
    }


def _crosses(
    part: pd.DataFrame, places: pd.Series[int], style: Style, label: str
) -> dict[str, Any]:
    columns = ("diverged", "failed", "runs", "mean_surviving")
    texts = [broken_in_words(*row) for row in zip(*(part[name] for name in columns), strict=True)]
    return {
        "x": light(part["base_lr"]), "y": light(TOP - BELOW * places.loc[part.index]),
        "yaxis": "y2", "name": label, "legendgroup": label, "showlegend": False,
        "mode": "markers", "text": texts,
        "hovertemplate": f"{literal(label)}: %{{text}}<extra></extra>",
        "marker": {
            "symbol": "x-thin", "size": 10, "line": {"width": LINE_WIDTH, "color": style.colour},
        },
    }


def _places(bowl: pd.DataFrame) -> pd.Series[int]:
    """The place of each cell without a mean among those at the same rate, so that all are seen."""
    broken = bowl[np.isinf(bowl["mean"].to_numpy(dtype=np.float64))]
    places: pd.Series[int] = broken.groupby("base_lr").cumcount()
    return places
