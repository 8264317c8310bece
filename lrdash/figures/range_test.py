"""A range test: loss over rate above, the suggestions of the rules below on the same axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.analysis.range_test import edge_rates
from lrdash.core.wording import rate
from lrdash.figures.axes import axis, blank, wide
from lrdash.figures.compare.arms import light
from lrdash.figures.compare.bowl import bowl_figure
from lrdash.figures.palette import BLUE, GREEN, GREY, ORANGE, PURPLE, VERMILLION, Style

POINTS = 4000  # single batches drawn at most
SPLIT = 0.3  # share of the height below the curves, axis title included
# Rules keep their looks on both charts of the page.
LOOKS = {
    "steepest": Style(colour=ORANGE, dash="dash"), "valley": Style(colour=GREEN, dash="dot"),
    "minimum": Style(colour=BLUE, dash="solid"), "slide": Style(colour=PURPLE, dash="dashdot"),
    "descent": Style(colour=VERMILLION, dash="solid"),
}


def range_figure(
    frame: pd.DataFrame, table: pd.DataFrame, *, rates: Sequence[float] = (), height: int = 520
) -> go.Figure:
    """Every batch as a point, the smoothed loss as a line a seed, each rule with its spread.

    The loss axis leaves out what lies far above the start, since a diverging loss has no bounds;
    it is logarithmic where the smoothed losses span more than 20 to 1.

    Args:
        frame: a `range_frame`; may be empty.
        table: its `suggestions`.
        rates: lowest and highest rate of the axis; by default those of the frame.
        height: in pixels.
    """
    figure = blank(height)
    figure.update_layout(hovermode="closest", margin={"t": 48})
    figure.add_scatter(**_points(frame))
    for place, (seed, part) in enumerate(frame.groupby("seed", sort=False)):
        figure.add_scatter(**_line(part, int(str(seed)), first=place == 0))
    for row in table.to_dict(orient="records"):
        if np.isfinite(row["suggestion"]):
            figure.add_scatter(**_mark(row))
            figure.add_vline(
                x=row["suggestion"], layer="below", line=_look(row).line(width=1.5),
            )
    span = np.array(rates if len(rates) else frame["learning_rate"], dtype=np.float64)
    x = _rate_axis("Learning rate (log)", span)
    labels = list(table["label"])[::-1]
    figure.update_layout(
        xaxis={**x, "anchor": "y2"},
        yaxis=_loss_axis(frame, domain=[SPLIT, 1]),
        yaxis2=axis(
            "", domain=[0, SPLIT - 0.06], type="category", categoryorder="array",
            categoryarray=labels, range=[-0.6, len(labels) - 0.4], fixedrange=True,
        ),
    )
    _shade(figure, frame, span)
    return figure


def range_bowl_figure(
    bowl: pd.DataFrame, table: pd.DataFrame, *, height: int = 380
) -> go.Figure:
    """The bowl of a sweep with the suggestions across it.

    Args:
        bowl: from `analysis.bowl`, of one arm; may be without results.
        table: the `suggestions` of the test.
        height: in pixels.
    """
    figure = bowl_figure(bowl, height=height)
    figure.update_layout(hovermode="closest", showlegend=True, margin={"t": 64})
    for row in table.to_dict(orient="records"):
        if np.isfinite(row["suggestion"]):
            figure.add_scatter(
                x=[row["suggestion"]] * 2, y=[0, 1], yaxis="y2", mode="lines", name=row["label"],
                line=_look(row).line(),
                hovertemplate=f"{row['label']}: {rate(row['suggestion'])}<extra></extra>",
            )
    tried = bowl["base_lr"].to_numpy(dtype=np.float64)
    asked = table["suggestion"].dropna().to_numpy(dtype=np.float64)
    figure.update_layout(
        xaxis=_rate_axis("Peak rate (log)", np.concatenate([tried, asked]), room=0.08, ticks=4)
    )
    return figure


def _points(frame: pd.DataFrame) -> dict[str, Any]:
    shown = frame.iloc[:: max(1, -(-len(frame) // POINTS))]
    return {
        "x": light(shown["learning_rate"]), "y": light(shown["loss"]), "name": "loss of a batch",
        "mode": "markers", "marker": {"size": 4, "color": "rgba(128, 128, 128, 0.35)"},
        "customdata": shown[["seed", "update"]].to_numpy(),
        "hovertemplate": "%{y:.3g} at rate %{x:.3g}, seed %{customdata[0]}, "
        "update %{customdata[1]}<extra></extra>",
    }


def _line(part: pd.DataFrame, seed: int, *, first: bool) -> dict[str, Any]:
    return {
        "x": light(part["learning_rate"]), "y": light(part["smoothed"]), "mode": "lines",
        "name": "smoothed, one line per seed", "legendgroup": "smoothed", "showlegend": first,
        "line": {"color": GREY, "width": 1.5},
        "hovertemplate": f"%{{y:.3g}} at rate %{{x:.3g}}, smoothed, seed {seed}<extra></extra>",
    }


def _mark(row: dict[Any, Any]) -> dict[str, Any]:
    """A rule's suggestion with what it spans over the seeds."""
    colour, value = _look(row).colour, row["suggestion"]
    words = f"{row['label']}: {rate(value)}"
    if row["found"] > 1:
        words += f" ({rate(row['low'])} to {rate(row['high'])} over {row['found']} seeds)"
    return {
        "x": [value], "y": [row["label"]], "yaxis": "y2", "mode": "markers", "showlegend": False,
        "name": row["label"], "text": [words], "hovertemplate": "%{text}<extra></extra>",
        "marker": {"size": 10, "color": colour},
        "error_x": {
            "type": "data", "symmetric": False, "array": [max(0.0, row["high"] - value)],
            "arrayminus": [max(0.0, value - row["low"])], "color": colour, "thickness": 2,
            "width": 5,
        },
    }


def _look(row: dict[Any, Any]) -> Style:
    return LOOKS.get(row["rule"], LOOKS["minimum"])


def _rate_axis(
    title: str, rates: NDArray[np.float64], *, room: float = 0.02, ticks: int = 7
) -> dict[str, Any]:
    """A log axis over the rates with some room, a share of the span, at both ends."""
    positive = rates[np.isfinite(rates) & (rates > 0)]
    more: dict[str, Any] = {"type": "log", "tickformat": "~g", "nticks": ticks}
    if len(positive):
        low, high = np.log10(positive.min()), np.log10(positive.max())
        edge = room * max(high - low, 1.0)
        more["range"] = [float(low - edge), float(high + edge)]
    return axis(title, **more)


def _loss_axis(frame: pd.DataFrame, **more: Any) -> dict[str, Any]:
    """As much of the loss as matters: from the lowest smoothed one to somewhat above the start."""
    soft = frame["smoothed"].to_numpy(dtype=np.float64)
    inside = soft[np.isfinite(soft) & (frame["used"] | (frame["update"] < 10)).to_numpy()]
    title = "Loss of the batch before its update"
    if not len(inside):
        return axis(title, **more)
    low, high = float(inside.min()), float(inside.max())
    if wide(inside):
        span = [float(np.log10(0.7 * low)), float(np.log10(1.6 * high))]
        return axis(
            f"{title} (log)", type="log", tickformat=".1~g", nticks=4, range=span, **more
        )
    return axis(title, range=[min(0.0, low), 1.25 * high], **more)


def _shade(figure: go.Figure, frame: pd.DataFrame, span: NDArray[np.float64]) -> None:
    """What lies beyond the edge of the median seed; those that never diverged count, too."""
    edges = edge_rates(frame).fillna(np.inf).to_numpy(dtype=np.float64)
    middle = float(np.exp(np.median(np.log(edges)))) if len(edges) else np.inf
    if np.isinf(middle):
        return
    figure.add_shape(
        type="rect", x0=middle, x1=float(span.max()) * 10, y0=0, y1=1, xref="x", yref="y domain",
        layer="below", line={"width": 0}, fillcolor="rgba(128, 128, 128, 0.13)",
    )
    figure.add_annotation(
        x=np.log10(middle), y=1, xref="x", yref="y domain", text="diverged", showarrow=False,
        xanchor="left", yanchor="bottom", font={"size": 12},
    )
