"""Any runs side by side: a line a run, smoothed over its faint raw line."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.analysis.compare import smooth
from lrdash.figures.axes import LINE_WIDTH, axis, blank, rate_axis
from lrdash.figures.compare.arms import Styles, light, look, styles_for
from lrdash.figures.compare.lines import LOG, deep, metric_axis
from lrdash.figures.palette import Style

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
    looks = styles_for(curves, styles)
    run, known = pd.factorize(curves["run_id"])
    arm, labels = pd.factorize(curves["label"])
    runs = len(known)
    alone = len(labels) == runs <= CROWD  # every line has a name of its own
    limit = int(np.clip(ALL_POINTS // max(1, runs), 2, RUN_POINTS))
    columns = {
        "x": curves[x].to_numpy(), "y": curves[metric].to_numpy(dtype=np.float64),
        "who": curves[["base_lr", "seed"]].to_numpy(dtype=np.float64),
    }
    figure = blank(height)
    for number, label in enumerate(labels):
        rows = np.flatnonzero(arm == number)
        style = look(looks, str(label), str(curves["strategy"].iloc[rows[0]]))
        lines = _lines(columns, rows, run[rows], smoothing, limit)
        width = LINE_WIDTH if runs <= CROWD else 1
        if smoothing:
            figure.add_scatter(**_raw(lines, style, str(label), width))
        main = _main(lines, style, str(label), width)
        figure.add_scatter(**main, hovertemplate=_hover(x, metric, alone=alone))
    values = curves[metric].to_numpy(dtype=np.float64)
    scale = metric_axis(metric, **(LOG if log else {"type": "linear"}))
    figure.update_layout(
        xaxis=axis(AXES[x], rangemode="tozero", hoverformat=".4~g"),
        yaxis=_rates_axis(values, log=log) if metric == "learning_rate" else scale,
        hovermode="x unified" if alone else "closest",
    )
    return figure


def _rates_axis(rates: NDArray[np.float64], *, log: bool) -> dict[str, Any]:
    return {**rate_axis(rates, log=log), **(deep(rates) if log else {})}


def _lines(
    columns: dict[str, NDArray[Any]], rows: NDArray[np.intp], run: NDArray[np.intp],
    smoothing: float, limit: int,
) -> dict[str, NDArray[Any]]:
    """Points of all runs of a label, a gap after each run; epochs without a value are left out.

    Args:
        columns: x, y and who of all epochs.
        rows: the epochs of this label.
        run: the run of each of them.
        smoothing: weight of `smooth`.
        limit: points of a run, at most.
    """
    values = columns["y"][rows]
    kept, smoothed = [], values.copy()
    for one in pd.unique(run):
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
        "x": columns["x"][rows][taken],
        "raw": np.where(gaps, np.nan, values[taken]),
        "y": np.where(gaps, np.nan, smoothed[taken]),
        "who": columns["who"][rows][taken],
    }


def _main(
    lines: dict[str, NDArray[Any]], style: Style, label: str, width: int
) -> dict[str, Any]:
    return {
        "x": _places(lines["x"]), "y": light(lines["y"]), "customdata": light(lines["who"]),
        "name": label, "legendgroup": label, "mode": "lines",
        "line": {"color": style.colour, "width": width, "dash": style.dash},
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
