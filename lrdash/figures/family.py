"""A family: a run and its branches, each line growing out of its parent's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from lrdash.figures.axes import blank, epoch_axis, metric_axis, plain, rate_axis
from lrdash.figures.palette import COLOURS, GREY, LINE_WIDTH, Style, style_of
from lrdash.figures.thinning import as_steps, pace

POINTS = 400  # of one line
DASHES = ("solid", "dash", "dot", "dashdot")
HUES = tuple(colour for colour in COLOURS if colour != GREY)


@dataclass(frozen=True, kw_only=True)
class Member:
    """One run of a family."""

    run_id: str
    label: str  # short and its own
    start: int  # epochs that it shares with its parent; 0 for the trunk


def family_figure(
    epochs: pd.DataFrame, rates: pd.DataFrame, members: Sequence[Member], *,
    epochs_total: int, chosen: str = "", height: int = 460,
) -> go.Figure:
    """Validation loss above, the rate below, of a run and all its branches.

    Args:
        epochs: `epochs_frame` of all of them; may be empty.
        rates: their `rates_frame`.
        members: the trunk first; at most about 40.
        epochs_total: length of the axis.
        chosen: id of the selected run: its line is stronger.
        height: in pixels.

    Returns:
        For each member a trace of its validation loss, from its parent's last value on, then one of
        its rate. The trunk is grey, so that the branches stand out.
    """
    figure = blank(height)
    for place, member in enumerate(members):
        line = _style(place).line(width=LINE_WIDTH + (member.run_id == chosen))
        name: dict[str, Any] = {"name": member.label, "legendgroup": member.run_id, "line": line}
        own = epochs[(epochs["run_id"] == member.run_id) & (epochs["epoch"] >= member.start)]
        figure.add_scatter(
            x=plain(own["epoch"]), y=plain(own["val_loss"]), mode="lines+markers",
            marker={"size": 3}, hovertemplate="%{y:.4g}", **name,
        )
        used = rates[(rates["run_id"] == member.run_id) & (rates["epoch"] >= member.start)]
        figure.add_scatter(
            **_steps(used), mode="lines", yaxis="y2", showlegend=False,
            hovertemplate="%{y:.3g}", **{**name, "line": {**line, "shape": "hv"}},
        )
    drawn = rates["learning_rate"].to_numpy(dtype=np.float64)
    losses = epochs["val_loss"].to_numpy(dtype=np.float64)
    figure.update_layout(
        xaxis=epoch_axis(epochs_total, anchor="y2", hoverformat=".4~g"),
        yaxis={**metric_axis(losses, "Validation loss"), "domain": [0.42, 1.0]},
        yaxis2=rate_axis(drawn, log=not (drawn == 0).any(), domain=[0.0, 0.36], anchor="x"),
        hoversubplots="axis",
    )
    return figure


def courses_figure(
    past: ArrayLike, ways: Sequence[tuple[str, ArrayLike, int]], steps_per_epoch: int, *,
    strategy: str, height: int = 240,
) -> go.Figure:
    """The rate so far, and the ways in which it could continue.

    Args:
        past: the rate of every update so far, [updates].
        ways: of each a label, the rate of every update of the whole run, [updates], and the epochs
            done where it begins.
        steps_per_epoch: updates an epoch.
        strategy: id, for the colour of the rate so far.
        height: in pixels.

    Returns:
        A trace of the rate so far, then one for each way to continue.
    """
    figure = blank(height)
    steps, used = max(1, steps_per_epoch), np.asarray(past, dtype=np.float64)
    figure.add_scatter(
        **_line(used, 0, steps), name="so far", mode="lines", hovertemplate="%{y:.3g}",
        line={"color": style_of(strategy).colour, "width": LINE_WIDTH, "shape": "hv"},
    )
    drawn, longest = [used], len(used)
    for place, (label, rates, start) in enumerate(ways, start=1):
        later = np.asarray(rates, dtype=np.float64)[start * steps :]
        figure.add_scatter(
            **_line(later, start * steps, steps), name=label, mode="lines",
            hovertemplate="%{y:.3g}", line=_style(place).line(shape="hv"),
        )
        drawn.append(later)
        longest = max(longest, len(later) + start * steps)
    values = np.concatenate(drawn)
    log = False if (values == 0).any() else None
    figure.update_layout(
        xaxis=epoch_axis(max(1.0, longest / steps), hoverformat=".2f"),
        yaxis=rate_axis(values, log=log),
    )
    return figure


def _style(place: int) -> Style:
    """Grey for the trunk, then a colour each, and other dashes when they are used up."""
    if not place:
        return Style(colour=GREY, dash="solid")
    turn, hue = divmod(place - 1, len(HUES))
    return Style(colour=HUES[hue], dash=DASHES[turn % len(DASHES)])


def _steps(rates: pd.DataFrame) -> dict[str, list[float | None]]:
    first = int(rates["update"].iloc[0]) if len(rates) else 0
    return _line(rates["learning_rate"].to_numpy(dtype=np.float64), first, pace(rates))


def _line(rates: NDArray[np.float64], first: int, steps: float) -> dict[str, list[float | None]]:
    """Rates as steps, thinned: the first of them that of update `first`."""
    x, y = as_steps(rates, steps, first=first, limit=POINTS)
    return {"x": plain(x), "y": plain(y)}
