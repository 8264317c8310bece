"""A run: the metric above, the learning rate below, on one epoch axis.

The live chart draws this figure once and then appends to its first `LIVE_TRACES` traces what
`live_tail` gives; both come from `_lines`, so the grown chart equals the one drawn at the end.

The rate of update t is used from t / S to (t + 1) / S, so its line is made of steps. Each epoch
gives the same number of points, the last one at the epoch's end, which makes a place in the trace a
multiple of epochs; jumps at an epoch's border are exact, and the greatest ones inside an epoch too.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lrdash.analysis.summary import best_epoch
from lrdash.core.wording import number, percent, rate
from lrdash.figures.axes import axis, blank, epoch_axis, plain, rate_axis
from lrdash.figures.palette import DASHED, GREY, LINE_WIDTH, Style, style_of
from lrdash.figures.thinning import LIMIT, keep, pace

LIVE_TRACES = 3  # the traces that grow: training metric, validation metric, rate
NEAR = 1e-9  # of an epoch: what a place on the axis may be off
Metric = Literal["loss", "accuracy"]
Change = tuple[float, float, float, str]  # epochs done, rate before, rate after, why


def training_figure(
    epochs: pd.DataFrame,
    rates: pd.DataFrame,
    changes: Sequence[Change] = (),
    *,
    strategy: str,
    epochs_total: int,
    metric: Metric = "loss",
    exact: pd.DataFrame | None = None,
    height: int = 480,
) -> go.Figure:
    """What has happened in one run so far.

    Args:
        epochs: the run's `epochs_frame`; may be empty.
        rates: its `rates_frame`, of the same epochs.
        changes: where the rate changed, e.g. `rate_changes(...)`.
        strategy: id, for the colour.
        epochs_total: epochs planned, the length of the axis.
        metric: what is drawn above.
        exact: from `analysis.exact_curves`, of this run: its validation loss is drawn dashed, on a
            logarithmic axis, and the measured one paler.
        height: in pixels.

    Returns:
        Traces in this order: metric, val_metric, rate (the live ones), best epoch, changes, and the
        exact one if there is any. Values that are not finite are None. The rate axis is logarithmic
        unless a rate is 0.
    """
    style = style_of(strategy)
    lines = _lines(epochs, rates, epochs_total, metric)
    figure = blank(height)
    for settings, points in zip(_looks(style, metric), lines, strict=True):
        figure.add_scatter(**settings, x=points["x"], y=points["y"])
    figure.add_scatter(**_best(epochs, metric, style))
    figure.add_scatter(**_changes(changes, style))
    upper = axis("Loss") if metric == "loss" else axis("Accuracy (%)", tickformat=".0%")
    if exact is not None and len(exact) and metric == "loss":
        upper = axis("Loss (log)", type="log", tickformat=".1~g", nticks=4)
        figure.add_scatter(**_exact(exact, style))
        figure.data[0].line.color, figure.data[1].line.color = style.faint(0.25), style.faint(0.6)
    used = rates["learning_rate"].to_numpy(dtype=np.float64)
    figure.update_layout(
        xaxis=epoch_axis(epochs_total, anchor="y2", hoverformat=".4~g"),
        yaxis={**upper, "domain": [0.42, 1.0]},
        yaxis2=rate_axis(used, log=not (used == 0).any(), domain=[0.0, 0.36], anchor="x"),
        hoversubplots="axis",
    )
    return figure


def live_tail(
    epochs: pd.DataFrame,
    rates: pd.DataFrame,
    offset: int,
    *,
    epochs_total: int,
    metric: Metric = "loss",
) -> list[dict[str, Any]]:
    """The points that the live traces have from epoch `offset` on.

    The frames may hold all epochs or only those after the offset.

    Args:
        epochs: the run's `epochs_frame`.
        rates: its `rates_frame`, of the same epochs.
        offset: epochs that the chart has already; 0 gives the whole traces.
        epochs_total: as given to `training_figure`.
        metric: as given to `training_figure`.

    Returns:
        For each live trace `start` (points that the chart has before these), `x` and `y`, lists of
        JSON numbers, None for what is not finite. `start` is never more than the chart has; for
        an empty tail it may be less.
    """
    later = epochs[epochs["epoch"] > offset]
    steps = max(1, round(pace(rates)))
    lines = _lines(later, rates[rates["update"] >= offset * steps], epochs_total, metric)
    per_epoch = _points_an_epoch(steps, epochs_total)
    starts = (offset, offset, offset * per_epoch)
    return [{"start": start, **points} for start, points in zip(starts, lines, strict=True)]


def live_marks(
    epochs: pd.DataFrame,
    changes: Sequence[Change] = (),
    *,
    strategy: str,
    metric: Metric = "loss",
) -> list[dict[str, Any]]:
    """What the traces behind the live ones hold now: few points, sent whole each time.

    Args:
        epochs: the run's `epochs_frame`, all epochs.
        changes: as given to `training_figure`.
        strategy: as given to `training_figure`.
        metric: as given to `training_figure`.

    Returns:
        For each of them `trace` (its place in the figure), `x`, `y` and `text`.
    """
    style = style_of(strategy)
    traces = (_best(epochs, metric, style), _changes(changes, style))
    return [
        {"trace": LIVE_TRACES + i, "x": trace["x"], "y": trace["y"], "text": trace["text"]}
        for i, trace in enumerate(traces)
    ]


def _lines(
    epochs: pd.DataFrame, rates: pd.DataFrame, epochs_total: int, metric: Metric
) -> list[dict[str, list[float | None]]]:
    upper = [
        {"x": plain(epochs["epoch"]), "y": plain(epochs.get(name, np.full(len(epochs), np.nan)))}
        for name in (metric, f"val_{metric}")
    ]
    return [*upper, _rate_line(rates, epochs_total)]


def _rate_line(rates: pd.DataFrame, epochs_total: int) -> dict[str, list[float | None]]:
    used = rates["learning_rate"].to_numpy(dtype=np.float64)
    if not len(used):
        return {"x": [], "y": []}
    begun = np.floor(rates["epoch"].to_numpy() + NEAR)
    starts = np.append(np.flatnonzero(np.diff(begun, prepend=-1.0)), len(used))
    even = len(set(np.diff(starts).tolist())) == 1  # other lines are never extended
    xs, ys = [], []
    for low, high in itertools.pairwise(starts.tolist()):
        part, size = used[low:high], _points_an_epoch(high - low, epochs_total) - 1
        kept = keep(part, size)
        if even:
            kept = np.append(kept, np.full(size - len(kept), kept[-1]))
        xs.append(np.append(begun[low] + kept / len(part), begun[low] + 1))
        ys.append(np.append(part[kept], part[-1]))
    return {"x": plain(np.concatenate(xs)), "y": plain(np.concatenate(ys))}


def _points_an_epoch(steps: int, epochs_total: int) -> int:
    return min(steps, max(8, LIMIT // max(1, epochs_total))) + 1


def _looks(style: Style, metric: Metric) -> list[dict[str, Any]]:
    digits = ".3g" if metric == "loss" else ".1%"
    shared = {  # a script may measure it after some epochs only
        "mode": "lines+markers", "hovertemplate": f"%{{y:{digits}}}", "connectgaps": True,
        "marker": {"size": 3},  # an epoch between two gaps is seen as well
    }
    metrics = [
        {"name": f"{part} {metric}", "line": {"color": colour, "width": LINE_WIDTH}, **shared}
        for part, colour in (("training", style.faint()), ("validation", style.colour))
    ]
    return [*metrics, {
        "name": "learning rate", "mode": "lines", "yaxis": "y2", "hovertemplate": "%{y:.3g}",
        "line": {"color": GREY, "width": LINE_WIDTH, "shape": "hv"},
    }]


def _best(epochs: pd.DataFrame, metric: Metric, style: Style) -> dict[str, Any]:
    name = f"val_{metric}"
    place = best_epoch(epochs, name)
    at = epochs[epochs["epoch"] == place] if place is not None else epochs.iloc[:0]
    values = plain(at[name]) if name in at else []
    say = number if metric == "loss" else percent
    return {
        "x": plain(at["epoch"]), "y": values, "name": "best epoch", "mode": "markers",
        "text": [f"{say(value)} after epoch {place}" for value in values],
        "hovertemplate": "%{text}",
        "marker": {"symbol": "star", "size": 11, "color": style.colour},
    }


def _exact(exact: pd.DataFrame, style: Style) -> dict[str, Any]:
    kept = keep(exact["val_loss"].to_numpy(dtype=np.float64), LIMIT)
    return {
        "x": plain(exact["epoch"].iloc[kept]), "y": plain(exact["val_loss"].iloc[kept]),
        "name": "exact validation loss", "mode": "lines", "hovertemplate": "%{y:.3g}",
        "line": {"color": style.colour, **DASHED},
    }


def _changes(changes: Sequence[Change], style: Style) -> dict[str, Any]:
    texts = [_change_in_words(*change) for change in changes]
    return {
        "x": [float(change[0]) for change in changes],
        "y": plain(max(change[1], change[2]) for change in changes),
        "name": "rate changed", "mode": "markers", "yaxis": "y2", "text": texts,
        "hovertemplate": "%{text}",
        "marker": {"symbol": "triangle-down", "size": 10, "color": style.colour},
    }


def _change_in_words(epoch: float, before: float, after: float, why: str) -> str:
    """When, why, and from where to where unless the reason says so; short lines."""
    rates = "" if " to " in why else f": {rate(before)} to {rate(after)}"
    return f"epoch {epoch:.4g}: {why}{rates}".replace(": ", ":<br>", 2)
