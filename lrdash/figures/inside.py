"""A walk through a callback, drawn so that the browser can show it up to any moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from lrdash.figures.axes import axis, blank, metric_axis, plain, rate_axis
from lrdash.figures.palette import BLUE, GREY, LINE_WIDTH, SKY, style_of
from lrdash.teaching import Walk

UP_TO, ONLY = {"grows": "upto"}, {"grows": "only"}  # the points up to the moment, or at it alone


def walk_figure(
    walk: Walk, values: Sequence[float], *, metric: str, height: int = 470
) -> go.Figure:
    """The watched metric, the wait count and the rate over the epochs.

    Traces with `meta["grows"]` are cut by the browser: "upto" to the points at or before a moment,
    "only" to those at it. The first shape is the line that marks the moment. All axes have fixed
    ranges, so that nothing jumps while it plays.

    Args:
        walk: from `walk_plateau` or `walk_scheduler`.
        values: the metric, one value an epoch; empty if none is known.
        metric: its name.
        height: in pixels.
    """
    plateau = walk.kind != "scheduler"
    epochs = max([len(values), 1, *(moment.epoch for moment in walk.moments)])
    figure = blank(height)
    if values:
        _metric(figure, walk, values, metric)
    _rates(figure, walk)
    if plateau:
        _waits(figure, walk)
    figure.update_layout(
        xaxis=axis("Epochs done", range=[0, epochs + 0.6], anchor="y2", hoverformat="d"),
        yaxis2={**_rate_axis(walk), "domain": [0.0, _share_of_rates(walk, values)]},
        shapes=[{
            "type": "line", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1,
            "line": {"color": GREY, "width": 1, "dash": "dot"},
        }],
        hoversubplots="axis", margin={"l": 10, "r": 10, "t": 10, "b": 10},
    )
    if values:
        bars = [moment.bar for moment in walk.moments if moment.bar is not None]
        scale = metric_axis(np.array([*values, *bars], dtype=np.float64), metric, fixed=True)
        figure.update_layout(yaxis={**scale, "domain": [0.56 if plateau else 0.46, 1.0]})
    if plateau:
        figure.update_layout(yaxis3=_wait_axis(walk))
    return figure


def _share_of_rates(walk: Walk, values: Sequence[float]) -> float:
    """Of the height: all of it where no metric is known."""
    if not values:
        return 1.0
    return 0.38 if walk.kind == "scheduler" else 0.24


def _metric(figure: go.Figure, walk: Walk, values: Sequence[float], metric: str) -> None:
    style = style_of("custom" if walk.kind == "scheduler" else "plateau")
    x = np.arange(1, len(values) + 1)
    line = {"color": style.colour, "width": LINE_WIDTH}
    shared: dict[str, Any] = {"x": x.tolist(), "y": plain(values), "connectgaps": True}
    figure.add_scatter(
        **shared, mode="lines", hoverinfo="skip", showlegend=False,
        line={**line, "color": style.faint(0.28)},
    )
    figure.add_scatter(
        **shared, mode="lines+markers", name=metric, meta=UP_TO, line=line, marker={"size": 4},
        hovertemplate="%{y:.4g}",
    )
    if walk.kind != "scheduler":
        watched = [moment for moment in walk.moments if moment.outcome != "asleep"]
        x_watched = [moment.epoch for moment in watched]
        for name, y, dash, shape in (
            ("best so far", [moment.best for moment in watched], "dash", "hv"),
            ("to beat", [moment.bar for moment in watched], "dot", "vh"),
        ):
            figure.add_scatter(
                x=x_watched, y=y, mode="lines", name=name, meta=UP_TO, hovertemplate="%{y:.4g}",
                line={"color": GREY, "width": 1.5, "dash": dash, "shape": shape},
            )
    figure.add_scatter(
        x=x.tolist(), y=plain(values), mode="markers", meta=ONLY, hoverinfo="skip",
        showlegend=False, marker={"size": 11, "color": style.colour},
    )


def _rates(figure: go.Figure, walk: Walk) -> None:
    x, y = _rate_points(walk)
    scheduler = walk.kind == "scheduler"  # the rate is what it is about, its metric is a bystander
    line = {"color": BLUE if scheduler else GREY, "width": LINE_WIDTH, "shape": "hv"}
    shared: dict[str, Any] = {"x": x, "y": y, "mode": "lines", "yaxis": "y2"}
    figure.add_scatter(
        **shared, line=line, opacity=0.3, hoverinfo="skip", showlegend=False,
    )
    figure.add_scatter(
        **shared, name="learning rate", meta=UP_TO, line=line, hovertemplate="%{y:.4g}"
    )
    changed = [moment for moment in walk.moments if moment.outcome in ("cut", "set")]
    figure.add_scatter(
        x=[moment.epoch for moment in changed], y=[moment.rate for moment in changed],
        mode="markers", yaxis="y2", name="rate changed", meta=UP_TO, hoverinfo="skip",
        marker={
            "symbol": "triangle-down", "size": 10,
            "color": BLUE if scheduler else style_of("plateau").colour,
        },
    )


def _waits(figure: go.Figure, walk: Walk) -> None:
    counted = [moment for moment in walk.moments if moment.wait is not None]
    figure.add_bar(
        x=[moment.epoch for moment in counted], y=[moment.wait for moment in counted],
        yaxis="y3", name="wait", meta=UP_TO, marker={"color": SKY}, width=0.6,
        hovertemplate="%{y}",
    )
    epochs = max([1, *(moment.epoch for moment in walk.moments)])
    figure.add_scatter(
        x=[0, epochs + 0.6], y=[walk.patience] * 2, mode="lines", yaxis="y3", name="patience",
        hoverinfo="skip", line={"color": SKY, "width": 1, "dash": "dash"},
    )


def _rate_points(walk: Walk) -> tuple[list[int], list[float]]:
    """Where each rate begins: at epoch e stands the rate that the decision at e gave."""
    moments = walk.moments
    if not moments:
        return [], []
    if walk.kind == "scheduler":
        return [m.epoch for m in moments], [m.rate_after for m in moments]
    return (
        [moments[0].epoch - 1, *(m.epoch for m in moments)],
        [moments[0].rate, *(m.rate_after for m in moments)],
    )


def _rate_axis(walk: Walk) -> dict[str, Any]:
    rates = np.array(_rate_points(walk)[1], dtype=np.float64)
    settings = rate_axis(rates)
    if settings["type"] == "log":
        low, high = float(np.log10(rates.min())), float(np.log10(rates.max()))
        ticks = {"dtick": 1} if high - low > 1 else {}  # one a decade where there is little room
        return {**settings, "range": [low - 0.15, high + 0.15], "title": {"text": "Rate (log)"},
                **ticks}
    top = float(rates.max(initial=0.0)) or 1.0
    return {**settings, "range": [0, top * 1.15], "title": {"text": "Rate"}, "nticks": 4}


def _wait_axis(walk: Walk) -> dict[str, Any]:
    most = max([1, walk.patience or 1, *(m.wait or 0 for m in walk.moments)])
    return axis("Wait", range=[0, most * 1.15], domain=[0.31, 0.49], nticks=4, tickformat="d")
