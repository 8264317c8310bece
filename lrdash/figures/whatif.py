"""What other settings would have done: the guess over the record, and the grid of settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go

from lrdash.figures.axes import axis, blank, metric_axis, plain, rate_axis
from lrdash.figures.palette import BLUE, GREEN, GREY, LINE_WIDTH, style_of
from lrdash.teaching import Grid, Recorded, Replay

ROW = 34  # pixels
DARK, WHITE = "#14181d", "#ffffff"
NEVER = "rgba(128, 128, 128, 0.25)"


@dataclass(frozen=True, kw_only=True)
class Actual:
    """What the other settings did when they were trained."""

    values: tuple[float, ...]  # of the watched metric, one an epoch
    rates: tuple[float, ...]  # used by the last update of each epoch


def whatif_figure(
    recorded: Recorded, was: Replay, would: Replay, differs: int | None, *, metric: str,
    actual: Actual | None = None, height: int = 420,
) -> go.Figure:
    """The recorded metric above; below the rates as they were and as they would have been.

    Args:
        recorded: the metric.
        was: what the recorded settings decided.
        would: what the others would have decided.
        differs: epochs done at the first decision that differs; None for none.
        metric: its name.
        actual: what they did, once that was trained.
        height: in pixels.
    """
    figure = blank(height)
    style = style_of("plateau")
    _above(figure, recorded.values, f"{metric}, recorded", style.colour)
    if actual:
        _above(figure, actual.values, f"{metric}, trained", GREEN)
    start = recorded.lead[0] if recorded.lead else recorded.base_lr
    _below(figure, [start, *was.rates], "rate, recorded", style.colour)
    sure = len(would.rates) if differs is None else differs
    _below(figure, [start, *would.rates[:sure]], "would have been, certain", BLUE)
    if differs is not None and differs < len(would.rates):
        _below(figure, would.rates[differs - 1 :], "a guess from here on", BLUE,
               first=differs, dash="dot")
    if actual:
        _below(figure, [*actual.rates, *actual.rates[-1:]], "rate, trained", GREEN, dash="dash")
    _cuts(figure, would, start)
    rates = np.array([start, *was.rates, *would.rates, *(actual.rates if actual else ())])
    values = np.array([*recorded.values, *(actual.values if actual else ())], dtype=np.float64)
    epochs = max(len(recorded.values), len(actual.values) if actual else 0, 1)
    figure.update_layout(
        xaxis=axis("Epochs done", range=[0, epochs + 0.6], anchor="y2", hoverformat="d"),
        yaxis={**metric_axis(values, metric), "domain": [0.46, 1.0]},
        yaxis2={**rate_axis(rates), "domain": [0.0, 0.38], "anchor": "x"},
        hoversubplots="axis", margin={"l": 10, "r": 10, "t": 10, "b": 10},
    )
    if differs is not None:
        _border(figure, differs)
    return figure


def grid_figure(
    grid: Grid, *, show: Literal["first", "count"], was: tuple[int, float],
    chosen: tuple[int, float], sure: int | None = None, height: int | None = None,
) -> go.Figure:
    """Patience x smallest improvement as a table of colours and numbers (cividis).

    Args:
        grid: from `teaching.grid`.
        show: the epoch of the first cut, or the number of cuts.
        was: patience and smallest improvement of the record; framed in the colour of the rule.
        chosen: those chosen now; framed in white.
        sure: epochs done at the first cut of the record, up to which a first cut is certain; later
            ones get a question mark. None if the record was never cut.
        height: in pixels.
    """
    counts = grid.first if show == "first" else grid.count
    cut = grid.count > 0
    shared: dict[str, Any] = {
        "x": [str(value) for value in grid.patiences],
        "y": [f"{value:g}".replace("e-0", "e-") for value in grid.deltas],
        "xgap": 1, "ygap": 1, "showscale": False, "hoverongaps": False,
    }
    figure = blank(height or 110 + ROW * len(grid.deltas))
    figure.add_heatmap(
        **shared, z=np.where(cut, np.nan, 1.0), colorscale=[[0, NEVER], [1, NEVER]],
        hovertemplate=_hover("never cut"),
    )
    words = "first cut after epoch %{text}" if show == "first" else "%{z} cuts"
    limit = sure if sure is not None and show == "first" else int(counts.max(initial=0))
    texts = [
        [f"{value}{'?' * (value > limit)}" if value else "" for value in row]
        for row in counts.tolist()
    ]
    figure.add_heatmap(
        **shared, z=np.where(cut, counts, np.nan), text=texts, texttemplate="%{text}",
        colorscale="Cividis", hovertemplate=_hover(words),
    )
    figure.update_layout(
        xaxis=axis("Patience (epochs)", type="category", showgrid=False),
        yaxis=axis("Smallest improvement", type="category", showgrid=False),
        hovermode="closest", showlegend=False, margin={"l": 10, "r": 10, "t": 10, "b": 10},
        shapes=[
            *_frame(grid, was, style_of("plateau").colour),
            *(_frame(grid, chosen, WHITE) if chosen != was else ()),
        ],
    )
    return figure


def _above(figure: go.Figure, values: Sequence[float], name: str, colour: str) -> None:
    figure.add_scatter(
        x=list(range(1, len(values) + 1)), y=plain(values), name=name, mode="lines+markers",
        line={"color": colour, "width": LINE_WIDTH}, marker={"size": 3},
        hovertemplate="%{y:.4g}", connectgaps=True,
    )


def _below(
    figure: go.Figure, rates: Sequence[float], name: str, colour: str, *, first: int = 0,
    dash: str = "solid",
) -> None:
    """Rates from the `first` border of epochs on: the one at e holds from e to e + 1."""
    figure.add_scatter(
        x=[first + place for place in range(len(rates))], y=plain(rates), name=name, mode="lines",
        yaxis="y2", line={"color": colour, "width": LINE_WIDTH, "dash": dash, "shape": "hv"},
        hovertemplate="%{y:.3g}",
    )


def _cuts(figure: go.Figure, would: Replay, start: float) -> None:
    before = [start, *would.rates]
    figure.add_scatter(
        x=list(would.cuts), y=[before[epoch - 1] for epoch in would.cuts], text=list(would.words),
        mode="markers", yaxis="y2", name="would have cut", hovertemplate="%{text}",
        marker={"symbol": "triangle-down", "size": 10, "color": BLUE},
    )


def _border(figure: go.Figure, differs: int) -> None:
    figure.add_shape(
        type="line", x0=differs, x1=differs, xref="x", y0=0, y1=1, yref="paper",
        line={"color": GREY, "width": 1, "dash": "dot"},
    )
    figure.add_annotation(
        x=differs, y=1, yref="paper", xref="x", text="first difference", showarrow=False,
        xanchor="left", yanchor="top", xshift=4,
    )


def _frame(grid: Grid, place: tuple[int, float], colour: str) -> tuple[dict[str, Any], ...]:
    """A frame that can be seen on dark and light cells: the colour on a dark ground."""
    column, row = grid.patiences.index(place[0]), grid.deltas.index(place[1])
    box = {
        "type": "rect", "xref": "x", "yref": "y", "x0": column - 0.46, "x1": column + 0.46,
        "y0": row - 0.44, "y1": row + 0.44,
    }
    return tuple(
        {**box, "line": {"color": shade, "width": width}}
        for shade, width in ((DARK, 6), (colour, 3))
    )


def _hover(words: str) -> str:
    return f"patience %{{x}}, smallest improvement %{{y}}: {words}<extra></extra>"
