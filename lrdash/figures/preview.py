"""The rate over the training, before it starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from lrdash.core.wording import rate
from lrdash.figures.axes import blank, epoch_axis, plain, rate_axis
from lrdash.figures.palette import style_of
from lrdash.figures.thinning import as_steps
from lrdash.strategies.base import Mark


def preview_figure(
    rates: ArrayLike,
    steps_per_epoch: int,
    marks: Iterable[Mark] = (),
    *,
    strategy: str,
    stuck: ArrayLike | None = None,
    height: int = 300,
) -> go.Figure:
    """The rate that each update will use, over epochs.

    The line is made of steps, as the rate is: update t uses its rate from t / S to (t + 1) / S.
    Above 2000 points it is thinned, its jumps stay exact.

    Args:
        rates: rate of each update, [updates]; may be empty.
        steps_per_epoch: updates an epoch, S.
        marks: places to mark, e.g. `RateProgram.marks()`.
        strategy: id, for the colour.
        stuck: for a rule, the rates if its metric never improved, [updates].
        height: in pixels.

    Returns:
        Traces of the rate, of the changes and, with `stuck`, of the lowest rates; the rate axis is
        logarithmic where the rates span more than 20 to 1 and none is 0.
    """
    values = np.asarray(rates, dtype=np.float64)
    steps = max(1, steps_per_epoch)
    style = style_of(strategy)
    figure = blank(height)
    line = style.line(shape="hv")
    name = "learning rate" if stuck is None else "while the metric improves"
    figure.add_scatter(**_line(values, steps), name=name, line=line)
    figure.add_scatter(**_triangles(values, steps, marks, style.colour))
    if stuck is not None:
        low = np.asarray(stuck, dtype=np.float64)
        figure.add_scatter(
            **_line(low, steps), name="if it never improves", line={**line, "dash": "dot"}
        )
        values = np.concatenate([values, low])
    figure.update_layout(
        xaxis=epoch_axis(max(1.0, len(np.atleast_1d(rates)) / steps), hoverformat=".2f"),
        yaxis=rate_axis(values),
        showlegend=stuck is not None,
    )
    return figure


def rate_line(rates: ArrayLike, steps_per_epoch: float) -> dict[str, list[float]]:
    """The rates as a thinned line: `x` in epochs, `y`; each value holds until the next x.

    Args:
        rates: rate of each update, [updates], at least one.
        steps_per_epoch: updates an epoch, fractions allowed.
    """
    x, y = as_steps(np.asarray(rates, dtype=np.float64), steps_per_epoch)
    return {"x": x.round(5).tolist(), "y": y.tolist()}


def _line(values: NDArray[np.float64], steps: int) -> dict[str, Any]:
    x, y = as_steps(values, steps)
    return {
        "x": x.tolist(), "y": plain(y), "mode": "lines",
        "customdata": (x * steps).round().astype(int).tolist(),
        "hovertemplate": "%{y:.3g} from update %{customdata:,}",
    }


def _triangles(
    values: NDArray[np.float64], steps: int, marks: Iterable[Mark], colour: str
) -> dict[str, Any]:
    shown = [mark for mark in marks if 0 <= mark.update < len(values)]
    return {
        "x": [mark.update / steps for mark in shown],
        "y": plain(values[mark.update] for mark in shown),
        "text": [f"{mark.text} (rate {rate(values[mark.update])})" for mark in shown],
        "name": "changes", "mode": "markers", "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "triangle-down", "size": 9, "color": colour},
    }
