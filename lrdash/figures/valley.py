"""Descents on a surface: the picture that a browser draws and plays, and the charts below it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.core.wording import rate
from lrdash.figures.axes import axis, blank, plain, rate_axis
from lrdash.figures.palette import GREY, style_of
from lrdash.teaching import Path, Surface

POINTS = 61  # of the grid, a side
LEVELS = 14  # contour lines
MARGIN = {"l": 10, "r": 10, "t": 14, "b": 10}  # pixels; the legend is a table of the page
LOWEST = 1e-12  # losses below are drawn here: a log axis knows no 0
DASHES = {"solid": [], "dash": [9, 5], "dot": [2, 4], "dashdot": [9, 4, 2, 4]}  # pixels


def valley_picture(surface: Surface, paths: Sequence[Path], names: Sequence[str]) -> dict[str, Any]:
    """What the browser needs to draw map, relief and paths, in JSON types.

    Heights and shades are shares from 0 to 1 over the picture. The shade is the square root of the
    loss's share, which shows the floor of a valley; contour lines are levels of the shade.

    Returns:
        `spans`, `minima` and, over the grid, `height` and `shade` ([y][x], or [x] for a curve);
        `levels` of the shade; `paths`, each with places, heights, losses, rates, curvatures (what
        is not finite is None), `name`, `colour`, `dash` in pixels, `ended` and `asked`.
    """
    grid = surface.grid(POINTS)
    heights = _height(surface, grid)
    low, span = heights.min(), np.ptp(heights)
    return {
        "spans": [list(span) for span in surface.spans],
        "minima": [{"place": list(m.place), "label": m.label} for m in surface.minima],
        "height": _rounded((heights - low) / span),
        "shade": _rounded(np.sqrt(grid / grid.max())),
        "levels": np.linspace(0.04, 0.97, LEVELS).round(3).tolist(),
        "paths": [
            {
                "name": name,
                "colour": style_of(path.strategy).colour,
                "dash": DASHES[style_of(path.strategy).dash],
                "places": path.places.round(5).tolist(),
                "heights": plain(np.round((_height(surface, path.losses) - low) / span, 4)),
                "losses": _short(path.losses),
                "rates": _short(path.rates),
                "curvatures": _short(path.curvatures),
                "ended": path.ended,
                "asked": path.asked,
            }
            for path, name in zip(paths, names, strict=True)
        ],
    }


def valley_loss_figure(
    paths: Sequence[Path], names: Sequence[str], *, height: int = 240
) -> go.Figure:
    """Loss after each step, on a logarithmic axis.

    Args:
        paths: descents; may be empty.
        names: what to call each.
        height: in pixels.

    Returns:
        One trace a path; x is steps done, from 0. Losses below 1e-12 are drawn there.
    """
    figure = blank(height)
    for path, name in zip(paths, names, strict=True):
        figure.add_scatter(
            x=list(range(path.steps + 1)), y=plain(np.maximum(path.losses, LOWEST)), name=name,
            mode="lines", hovertemplate="%{y:.3g}",
            line=style_of(path.strategy).line(),
        )
    figure.update_layout(
        xaxis=_step_axis(paths),
        yaxis=axis("Loss (log)", type="log", **_ticks(paths)), showlegend=False, margin=MARGIN,
    )
    return figure


def valley_rate_figure(
    paths: Sequence[Path], names: Sequence[str], *, log: bool = False, height: int = 240
) -> go.Figure:
    """The rate of each step, and the stability limit 2 / curvature at the place where it starts.

    Where all paths have the same limit all the way it is one named grey line, with a second one at
    1 / curvature, below which a step no longer jumps over the floor; else there is a dotted one in
    the colour of each path. A linear axis reaches a little above the highest rate, and
    above most of those limits that are at most five times higher.

    Args:
        paths: descents; may be empty.
        names: what to call each.
        log: a logarithmic axis.
        height: in pixels.

    Returns:
        One trace a path, then the limits; a gap where the surface bends down and there is no limit.
    """
    figure = blank(height)
    for path, name in zip(paths, names, strict=True):
        figure.add_scatter(
            **_steps(path.rates), name=name, mode="lines", hovertemplate="%{y:.3g}",
            line=style_of(path.strategy).line(shape="hv"),
        )
    limits = [path.limits[:-1] for path in paths]
    same = _same(limits)
    for limit, name, colour in _limit_lines(paths, names, limits, same=same):
        figure.add_scatter(
            **_steps(limit), name=name, mode="lines", hovertemplate="%{y:.3g}",
            line={"color": colour, "width": 1.5, "dash": "dot", "shape": "hv"},
        )
    rates = np.concatenate([np.zeros(0), *[path.rates for path in paths]])
    known = np.concatenate([np.zeros(0), *limits])
    scale = rate_axis(np.append(rates, known), log=log)
    if not log:
        scale["range"] = [0, _top(rates, known)]
    figure.update_layout(xaxis=_step_axis(paths), yaxis=scale, showlegend=False, margin=MARGIN)
    if same:
        _name_limits(figure, float(limits[0][0]), top=_top(rates, known), log=log)
    return figure


def _same(limits: Sequence[NDArray[np.float64]]) -> bool:
    """Whether there is one limit for all, everywhere."""
    values = np.concatenate([np.zeros(0), *limits])
    return bool(len(values) and np.ptp(values) < 1e-9 * values.max())


def _limit_lines(
    paths: Sequence[Path],
    names: Sequence[str],
    limits: Sequence[NDArray[np.float64]],
    *,
    same: bool,
) -> list[tuple[NDArray[np.float64], str, str]]:
    if same:
        whole = np.full(max(path.asked for path in paths), limits[0][0])
        return [(whole, "2 / curvature", GREY), (whole / 2, "1 / curvature", GREY)]
    return [
        (limit, f"limit of {name}", style_of(path.strategy).colour)
        for limit, path, name in zip(limits, paths, names, strict=True)
    ]


def _top(rates: NDArray[np.float64], limits: NDArray[np.float64]) -> float:
    highest = float(rates.max(initial=0.0)) or 1.0
    near = limits[limits <= 5 * highest]
    return 1.15 * max(highest, float(np.quantile(near, 0.9)) if len(near) else 0.0)


def _name_limits(figure: go.Figure, limit: float, *, top: float, log: bool) -> None:
    """Write the names of the two lines over them, or that they are above the chart."""
    for place, words in ((limit, "2 / curvature"), (limit / 2, "1 / curvature")):
        above = not log and place > top
        figure.add_annotation(
            xref="paper", x=1, yref="paper" if above else "y",
            y=1 if above else float(np.log10(place)) if log else place,
            text=f"{words} ({place:.3g}) is above this chart" if above else words,
            showarrow=False, xanchor="right", yanchor="top" if above else "bottom",
            yshift=-14 if above and place < limit else 0, font={"size": 11},
        )


def _ticks(paths: Sequence[Path]) -> dict[str, Any]:
    """Ticks of the loss: whole decades, or 1, 2, 5 where there are fewer than two."""
    losses = np.concatenate([np.ones(0), *[path.losses for path in paths]])
    if not len(losses):
        return {}
    low, high = (math.log10(max(LOWEST, end)) for end in (losses.min(), losses.max()))
    parts = [1, 2, 5] if high - low < 2 else [1]
    stride = max(1, math.ceil((high - low) / 5))
    decades = range(math.floor(low), math.ceil(high) + 1, stride)
    values = [part * 10.0**decade for decade in decades for part in parts]
    return {"tickvals": values, "ticktext": [rate(value) for value in values]}


def _steps(values: NDArray[np.float64]) -> dict[str, Any]:
    """A value a step, drawn from the step's start to its end."""
    held = np.append(values, values[-1:])
    return {"x": list(range(len(held))), "y": plain(held)}


def _step_axis(paths: Sequence[Path]) -> dict[str, Any]:
    return axis("Steps done", range=[0, max((path.asked for path in paths), default=1)])


def _height(surface: Surface, losses: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.log1p(losses) if surface.log_height else losses


def _rounded(values: NDArray[np.float64]) -> Any:
    return values.round(3).tolist()


def _short(values: NDArray[np.float64]) -> list[float | None]:
    return plain(float(f"{value:.6g}") for value in values)
