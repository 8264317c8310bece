"""Any runs side by side: a line a run, smoothed over its faint raw line."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.analysis.compare import smooth
from lrdash.figures.axes import axis, blank
from lrdash.figures.compare.arms import Styles, by_arm, light
from lrdash.figures.compare.lines import LOG, deep_rate_axis, metric_axis
from lrdash.figures.palette import LINE_WIDTH, Style

RUN_POINTS = 100  # of one run's line, at most
ALL_POINTS = 24_000  # of all runs' lines; keeps the figure below 1 MB
CROWD = 12  # runs; more are drawn thinner
AXES = {"epoch": "Epochs done", "update": "Updates done", "seconds": "Seconds of training"}


def overlay_figure(
    curves: pd.DataFrame,
    *,
    x: Literal["epoch", "update", "seconds"] = "epoch",
    metric: str = "val_loss",
    smoothing: float = 0.0,
    log: bool = False,
    styles: Styles | None = None,
    height: int = 460,
) -> go.Figure:
    """The curves of any runs; those of one label are one trace with gaps.

    Args:
        curves: a `curves_frame`; may be empty. Runs that each need a colour and a legend entry need
            labels of their own, e.g. from `analysis.distinct_names`.
        x: what runs along the axis.
        metric: column of the curves, "learning_rate" included.
        smoothing: weight of `analysis.smooth`; above 0 the raw lines stay, faint.
        log: a logarithmic axis of the metric.
        styles: looks by label; by default `arm_styles(curves)`.
        height: in pixels.

    Returns:
        A trace for each label, under it with smoothing the raw one. A run gives at most 100 points,
        all together 24,000; smoothing comes before the thinning.

    Raises:
        InvalidField: if the smoothing is not in its range.
    """
    runs = curves["run_id"].nunique()
    alone = curves["label"].nunique() == runs <= CROWD  # every line has a name of its own
    limit = int(np.clip(ALL_POINTS // max(1, runs), 2, RUN_POINTS))
    width = LINE_WIDTH if runs <= CROWD else 1
    figure = blank(height)
    for label, part, style in by_arm(curves, styles):
        lines = _lines(part, x, metric, smoothing, limit)
        if smoothing:
            figure.add_scatter(**_raw(lines, style, label, width))
        main = _main(lines, style, label, width)
        figure.add_scatter(**main, hovertemplate=_hover(x, metric, alone=alone))
    values = curves[metric].to_numpy(dtype=np.float64)
    scale = metric_axis(metric, **(LOG if log else {"type": "linear"}))
    figure.update_layout(
        xaxis=axis(AXES[x], rangemode="tozero", hoverformat=".4~g"),
        yaxis=deep_rate_axis(values, log=log) if metric == "learning_rate" else scale,
        hovermode="x unified" if alone else "closest",
    )
    return figure


def _lines(
    part: pd.DataFrame, x: str, metric: str, smoothing: float, limit: int
) -> dict[str, NDArray[Any]]:
    """At most `limit` points of each run, a gap after it; epochs without a value are left out."""
    values = part[metric].to_numpy(dtype=np.float64)
    run, known = pd.factorize(part["run_id"])
    kept, smoothed = [], values.copy()
    for one in range(len(known)):
        own = np.flatnonzero((run == one) & np.isfinite(values))
        if not len(own):
            continue
        smoothed[own] = smooth(values[own], smoothing)
        places = np.linspace(0, len(own) - 1, min(limit, len(own))).round().astype(int)
        kept.append(np.append(own[places], -1))
    taken = np.concatenate(kept) if kept else np.empty(0, np.intp)
    gaps = taken < 0
    taken[gaps] = taken[np.flatnonzero(gaps) - 1]
    return {
        "x": part[x].to_numpy()[taken],
        "raw": np.where(gaps, np.nan, values[taken]),
        "y": np.where(gaps, np.nan, smoothed[taken]),
        "who": part[["base_lr", "seed"]].to_numpy(dtype=np.float64)[taken],
    }


def _main(
    lines: dict[str, NDArray[Any]], style: Style, label: str, width: int
) -> dict[str, Any]:
    return {
        "x": _places(lines["x"]), "y": light(lines["y"]), "customdata": light(lines["who"]),
        "name": label, "legendgroup": label, "mode": "lines",
        "line": style.line(width=width),
    }


def _hover(x: str, metric: str, *, alone: bool) -> str:
    value = "%{y:.1%}" if "accuracy" in metric else "%{y:.3g}"
    if alone:
        return value
    who = "peak rate %{customdata[0]:.3~g}, seed %{customdata[1]:.0f}"
    return f"{value} at {x} %{{x:.4~g}}<br>{who}"


def _raw(
    lines: dict[str, NDArray[Any]], style: Style, label: str, width: int
) -> dict[str, Any]:
    return {
        "x": _places(lines["x"]), "y": light(lines["raw"]), "name": label, "legendgroup": label,
        "mode": "lines", "line": {"color": style.faint(0.25), "width": width},
        "showlegend": False, "hoverinfo": "skip",
    }


def _places(x: NDArray[Any]) -> NDArray[Any]:
    """Places on the axis in the smallest type that holds them."""
    if x.dtype.kind != "i":
        return light(x)
    return x.astype(np.uint16 if x.max(initial=0) < 2**16 else np.int32)
