"""Arms by peak rates as a table of colours and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.core.wording import number, rate
from lrdash.figures.axes import axis, blank, short
from lrdash.figures.compare.bowl import broken_in_words, mean_in_words

ROW = 34  # pixels
LABEL = 40  # characters of a name
BROKEN = "rgba(128, 128, 128, 0.25)"
TICKS = 5  # of the colour bar, at most


def heatmap_figure(bowl: pd.DataFrame, *, height: int | None = None) -> go.Figure:
    """Mean final validation loss of each arm at each peak rate.

    The colours (cividis, made to look alike to people with and without a colour blindness) follow
    the logarithm of the loss, dark is low; the best rate of an arm has a star. Where runs diverged
    or failed the cell is grey, with a cross and their number.

    Args:
        bowl: from `analysis.bowl`; may be empty.
        height: in pixels; by default it grows with the arms.

    Reference: Nuñez, Anderton and Renslow, "Optimizing colormaps with consideration for color
        vision deficiency", PLOS ONE 13 (2018).
    """
    labels, rates = list(bowl["label"].unique()), sorted(bowl["base_lr"].unique())
    cells = bowl.assign(
        row=bowl["label"].map({label: place for place, label in enumerate(labels)}),
        column=bowl["base_lr"].map({value: place for place, value in enumerate(rates)}),
    )
    figure = blank(height or 110 + ROW * max(3, len(labels)))
    shared: dict[str, Any] = {
        "x": [rate(value) for value in rates], "y": [short(label, LABEL) for label in labels],
        "texttemplate": "%{text}", "xgap": 1, "ygap": 1, "hoverongaps": False,
        "hovertemplate": "%{y} at %{x}: %{customdata}<extra></extra>",
    }
    shape = (len(labels), len(rates))
    if len(cells):
        figure.add_heatmap(**shared, **_means(cells, shape))
        figure.add_heatmap(**shared, **_broken(cells, shape))
    figure.update_layout(
        xaxis=axis("Peak rate", type="category", showgrid=False),
        yaxis=axis("", type="category", showgrid=False, autorange="reversed"),
        hovermode="closest", showlegend=False,
    )
    return figure


def _means(cells: pd.DataFrame, shape: tuple[int, int]) -> dict[str, Any]:
    mean = cells["mean"].to_numpy(dtype=np.float64)
    known = cells[np.isfinite(mean)]
    best = known.loc[known.groupby("label")["mean"].idxmin()].index if len(known) else known.index
    loss = known["mean"].to_numpy(dtype=np.float64)
    smallest = loss[loss > 0].min() if (loss > 0).any() else 1.0
    shade = np.log10(np.maximum(loss, smallest))
    texts = [
        number(value) + (" ★" if index in best else "")
        for index, value in zip(known.index, loss, strict=True)
    ]
    columns = (known[name] for name in ("mean", "low", "high", "runs"))
    means = [mean_in_words(*row) for row in zip(*columns, strict=True)]
    return {
        "z": _grid(known, shade, shape), "text": _words(known, texts, shape),
        "customdata": _words(known, means, shape),
        "colorscale": "Cividis", "colorbar": _bar(shade),
    }


def _broken(cells: pd.DataFrame, shape: tuple[int, int]) -> dict[str, Any]:
    broken = cells[np.isinf(cells["mean"].to_numpy(dtype=np.float64))]
    columns = ("diverged", "failed", "runs", "mean_surviving")
    counted = list(zip(*(broken[name] for name in columns), strict=True))
    marks = [f"× {diverged + failed}/{runs}" for diverged, failed, runs, _ in counted]
    return {
        "z": _grid(broken, np.ones(len(broken)), shape), "text": _words(broken, marks, shape),
        "customdata": _words(broken, [broken_in_words(*row) for row in counted], shape),
        "colorscale": [[0, BROKEN], [1, BROKEN]], "showscale": False,
    }


def _grid(
    cells: pd.DataFrame, values: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float32]:
    grid = np.full(shape, np.nan, dtype=np.float32)
    grid[cells["row"].to_numpy(dtype=int), cells["column"].to_numpy(dtype=int)] = values
    return grid


def _words(cells: pd.DataFrame, texts: list[str], shape: tuple[int, int]) -> list[list[str]]:
    grid = [[""] * shape[1] for _ in range(shape[0])]
    for row, column, text in zip(cells["row"], cells["column"], texts, strict=True):
        grid[row][column] = text
    return grid


def _bar(shade: NDArray[np.float64]) -> dict[str, Any]:
    """The colour bar, in losses instead of their logarithms."""
    low, high = (float(shade.min()), float(shade.max())) if len(shade) else (0.0, 0.0)
    ticks = np.unique(np.linspace(low, high, TICKS).round(6))
    return {
        "title": {"text": "Final validation loss", "side": "right"}, "tickvals": ticks.tolist(),
        "ticktext": [number(10**tick) for tick in ticks], "thickness": 12, "outlinewidth": 0,
    }
