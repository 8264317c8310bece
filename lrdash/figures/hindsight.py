"""The schedule found in hindsight, laid over the strategies that it is compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lrdash.figures.axes import blank, epoch_axis, metric_axis, plain
from lrdash.figures.compare.lines import deep_rate_axis
from lrdash.figures.palette import GRID, Style, style_of
from lrdash.figures.thinning import keep

# Reddish purple, darker than the palette's: the one line that no strategy has.
FOUND = Style(colour="#A8327A", dash="solid")
WIDE = 4  # pixels of the schedule found
POINTS = 400  # of one line of rates, at most
HEIGHT = 380
DASHES = ("solid", "dot", "dashdot", "longdash")


def hindsight_losses(
    curves: pd.DataFrame, strategies: Mapping[str, str], *, found: str, points: Sequence[int],
    epochs: int, height: int = HEIGHT,
) -> go.Figure:
    """Validation loss by epoch, a line a strategy, the schedule found on top.

    Args:
        curves: one row an epoch of each: label, epoch, val_loss; may be empty.
        strategies: ids, by label.
        found: label of the schedule found.
        points: decision points, in epochs done; dotted.
        epochs: length of the axis.
        height: in pixels.
    """
    figure, looks = _figure(points, height), _looks(strategies, found)
    parts = {str(label): part for label, part in curves.groupby("label", sort=False)}
    for label in _order(parts, found):
        figure.add_scatter(
            **looks[label], x=parts[label]["epoch"].tolist(),
            y=plain(parts[label]["val_loss"]), hovertemplate="%{y:.4~g}",
        )
    values = curves["val_loss"].to_numpy(dtype=np.float64)
    figure.update_layout(
        xaxis=epoch_axis(epochs), yaxis=metric_axis(values, "Validation loss")
    )
    return figure


def hindsight_rates(
    rates: Mapping[str, pd.DataFrame], strategies: Mapping[str, str], *, found: str,
    points: Sequence[int], epochs: int, height: int = HEIGHT,
) -> go.Figure:
    """The rate of every update, as steps, a line a strategy, the schedule found on top.

    Args:
        rates: a `rates_frame` of each, by label; may be empty.
        strategies: ids, by label.
        found, points, epochs, height: as in `hindsight_losses`.
    """
    figure, looks = _figure(points, height), _looks(strategies, found)
    for label in _order(rates, found):
        used = rates[label]["learning_rate"].to_numpy(dtype=np.float64)
        kept = rates[label].iloc[keep(used, POINTS)] if len(used) else rates[label]
        line = {**looks[label]["line"], "shape": "hv"}
        figure.add_scatter(
            **{**looks[label], "line": line}, x=kept["epoch"].tolist(),
            y=plain(kept["learning_rate"]), hovertemplate="%{y:.3~g}",
        )
    every = [frame["learning_rate"].to_numpy(dtype=np.float64) for frame in rates.values()]
    values = np.concatenate([np.array([]), *every])
    figure.update_layout(
        xaxis=epoch_axis(epochs, hoverformat=".4~g"),
        # On a log axis a factor is a distance; a rate of 0, as at an end, falls off it.
        yaxis=deep_rate_axis(values, log=bool((values > 0).any())),
    )
    return figure


def _figure(points: Sequence[int], height: int) -> go.Figure:
    figure = blank(height)
    for point in points:
        figure.add_vline(x=point, line={"color": GRID.replace("0.2", "0.55"), "width": 1,
                                        "dash": "dot"})
    return figure


def _order(labels: Iterable[str], found: str) -> list[str]:
    """The schedule found last, so that it lies on top."""
    return sorted(labels, key=lambda label: label == found)


def _looks(strategies: Mapping[str, str], found: str) -> dict[str, dict[str, Any]]:
    """How each line is drawn; a second one of a strategy has other dashes."""
    looks, seen = {}, list[str]()
    for label, strategy in strategies.items():
        style = FOUND if label == found else style_of(strategy)
        again = label != found and seen.count(strategy)
        line = style.line(**({"width": WIDE} if label == found else {}))
        if again:
            line["dash"] = DASHES[again % len(DASHES)]
        seen += [] if label == found else [strategy]
        looks[label] = {
            "name": label, "mode": "lines", "line": line,
            "legendrank": 1 if label == found else 1000,
        }
    return looks
