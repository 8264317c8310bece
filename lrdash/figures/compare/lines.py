"""Arms over the epochs: a metric, and the rates."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from lrdash.analysis.compare import smooth
from lrdash.core.wording import number
from lrdash.figures.axes import LOG_RATIO, axis, blank, epoch_axis, rate_axis
from lrdash.figures.compare.arms import Styles, arm_styles, by_arm, light
from lrdash.figures.palette import DASHED, GREY, Style
from lrdash.figures.thinning import keep

POINTS = 500  # of one line
DEEPEST = 3000.0  # the highest rate over the lowest that the axis shows at first
LOG = {"type": "log", "tickformat": ".1~g", "nticks": 3}  # 1, 2, 5 or whole powers
PALE = 0.5  # opacity of a measured line under an exact one
EXACT = "exact"
TITLES = {
    "val_loss": "Validation loss", "loss": "Training loss",
    "val_accuracy": "Validation accuracy (%)", "accuracy": "Training accuracy (%)",
}


def compare_loss_figure(
    band: pd.DataFrame,
    styles: Styles | None = None,
    *,
    metric: str = "val_loss",
    log: bool = False,
    target: float | None = None,
    exact: pd.DataFrame | None = None,
    epochs: int | None = None,
    smoothing: float = 0.0,
    height: int = 420,
) -> go.Figure:
    """The mean of each arm with its interval, over the epochs.

    Args:
        band: from `analysis.band`; may be empty.
        styles: looks by label; by default `arm_styles(band)`.
        metric: what the band shows, for the axis.
        log: a logarithmic axis; an interval that reaches 0 ends at a tenth of the lowest mean.
        target: a value to reach, drawn as a line across.
        exact: from `analysis.exact_curves`, for the metrics loss and val_loss: dashed lines over
            the measured ones, which are paler then.
        epochs: length of the axis; by default as far as the band goes.
        smoothing: weight of `analysis.smooth`; above 0 the raw means stay, faint, and bands go.
        height: in pixels.

    Returns:
        One line an arm and, where it has several runs, its band. A linear axis leaves out what lies
        above 20 times the median, so that one bad arm does not hide the others.
    """
    styles = arm_styles(band) if styles is None else styles
    known = exact if exact is not None and metric in exact else band.iloc[:0]
    figure = blank(height)
    lowest = _lowest(band["mean"])
    for label, part, style in by_arm(band, styles):
        if smoothing:
            figure.add_scatter(**_raw(part, style, label))
            part = part.assign(mean=smooth(part["mean"], smoothing))
        elif (part["high"] > part["low"]).any():
            figure.add_scatter(**_area(part, style, label, lowest / 10 if log else None))
        line = _mean(part, style, label, percent="accuracy" in metric)
        if (known["label"] == label).any():
            line["line"]["color"] = style.faint(PALE)
        figure.add_scatter(**line)
    for label, part, style in by_arm(known, styles):
        figure.add_scatter(**_exact(part, metric, style, label))
    if len(known):  # names the dashed lines in the legend
        figure.add_scatter(
            x=[None], y=[None], name=EXACT, mode="lines", hoverinfo="skip",
            line={"color": GREY, **DASHED},
        )
    figure.update_layout(
        xaxis=epoch_axis(epochs or _last(band), hoverformat=".4~g"),
        yaxis=_value_axis(band, metric, log=log),
    )
    if target is not None:
        figure.add_scatter(
            x=[0, epochs or _last(band)], y=[target, target], mode="lines",
            name=f"target {number(target)}",
            line={"color": GREY, "width": 1, "dash": "dot"}, hoverinfo="skip",
        )
    return figure


def compare_rates_figure(
    rates: pd.DataFrame,
    styles: Styles | None = None,
    *,
    epochs: int | None = None,
    height: int = 300,
) -> go.Figure:
    """The rates of all arms on one log axis.

    Args:
        rates: from `analysis.band(..., metric="learning_rate")` or `analysis.planned_rates`; may be
            empty. A rate holds until the epoch beside it.
        styles: looks by label; by default `arm_styles(rates)`.
        epochs: length of the axis; by default as far as the rates go.
        height: in pixels.

    Returns:
        One line an arm, of steps. A rate of 0 has no place on a log axis and leaves a gap;
        the axis ends at a three-thousandth of the highest rate (zooming out shows the rest).
    """
    figure = blank(height)
    for label, part, style in by_arm(rates, styles):
        used = part["mean"].to_numpy(dtype=np.float64)
        kept = keep(used, POINTS)
        figure.add_scatter(
            x=light(part["epoch"].to_numpy()[kept]),
            y=light(np.where(used > 0, used, np.nan)[kept]),
            name=label, legendgroup=label, mode="lines", hovertemplate="%{y:.3g}",
            line=style.line(shape="vh"),
        )
    used = rates["mean"].to_numpy(dtype=np.float64)
    figure.update_layout(
        xaxis=epoch_axis(epochs or _last(rates), hoverformat=".4~g"),
        yaxis={**deep_rate_axis(used, log=True), **LOG},
    )
    return figure


def deep_rate_axis(rates: NDArray[np.float64], *, log: bool) -> dict[str, Any]:
    """The axis of rates that may fall to almost nothing: on a log axis the last part of a decay to
    0 must not take most of the height.
    """
    settings = rate_axis(rates, log=log)
    positive = rates[rates > 0]  # NaN is not
    if log and len(positive) and positive.min() < positive.max() / DEEPEST:
        top = float(np.log10(positive.max()))
        settings["range"] = [top - np.log10(DEEPEST), top + 0.1]
    return settings


def metric_axis(metric: str, **more: Any) -> dict[str, Any]:
    """The axis of a metric, with its title and unit."""
    title = TITLES.get(metric, metric.replace("_", " ").capitalize())
    if "accuracy" in metric:
        more = {"tickformat": ".0%", **more}
    return axis(title, **more)


def _value_axis(band: pd.DataFrame, metric: str, *, log: bool) -> dict[str, Any]:
    if log:
        return metric_axis(metric, **LOG)
    values = band["mean"].to_numpy(dtype=np.float64)
    values = values[np.isfinite(values)]
    if len(values) and (top := LOG_RATIO * float(np.median(values))) < values.max():
        return metric_axis(metric, range=[0, top])
    return metric_axis(metric)


def _mean(part: pd.DataFrame, style: Style, label: str, *, percent: bool) -> dict[str, Any]:
    kept = keep(part["mean"].to_numpy(dtype=np.float64), POINTS)
    shown = part.iloc[kept]
    digits = ".1%" if percent else ".3g"
    several = (part["runs"] > 1).any()
    span = f" (%{{customdata[0]:{digits}}} to %{{customdata[1]:{digits}}}, %{{customdata[2]}} runs)"
    return {
        "x": shown["epoch"].to_numpy(dtype=np.float32), "y": light(shown["mean"]),
        "customdata": light(shown[["low", "high", "runs"]]) if several else None,
        "hovertemplate": f"%{{y:{digits}}}{span if several else ''}",
        "name": label, "legendgroup": label, "mode": "lines" if len(shown) > 2 else "lines+markers",
        "line": style.line(),
    }


def _exact(part: pd.DataFrame, metric: str, style: Style, label: str) -> dict[str, Any]:
    values = part[metric].to_numpy(dtype=np.float64)
    kept = keep(values, POINTS)
    return {
        "x": part["epoch"].to_numpy(dtype=np.float32)[kept], "y": light(values[kept]),
        "name": f"{label}, {EXACT}", "legendgroup": label, "showlegend": False,
        "mode": "lines" if len(kept) > 2 else "lines+markers", "hovertemplate": "%{y:.3g}",
        "line": {"color": style.colour, **DASHED},
    }


def _raw(part: pd.DataFrame, style: Style, label: str) -> dict[str, Any]:
    """The mean as it was, faint behind the smoothed one."""
    shown = part.iloc[keep(part["mean"].to_numpy(dtype=np.float64), POINTS)]
    return {
        "x": shown["epoch"].to_numpy(dtype=np.float32), "y": light(shown["mean"]), "name": label,
        "legendgroup": label, "mode": "lines", "showlegend": False, "hoverinfo": "skip",
        "line": {"color": style.faint(0.3), "width": 1},
    }


def _area(part: pd.DataFrame, style: Style, label: str, floor: float | None) -> dict[str, Any]:
    """The interval as one closed area; where it is unknown the area has no corner."""
    ends = part[["low", "high"]].to_numpy(dtype=np.float64)
    shown = part[np.isfinite(ends).all(axis=1)]
    shown = shown.iloc[keep(shown["mean"].to_numpy(dtype=np.float64), POINTS)]
    epoch = shown["epoch"].to_numpy(dtype=np.float32)
    low: NDArray[np.float64] = shown["low"].to_numpy(dtype=np.float64)
    if floor is not None:
        low = np.maximum(low, floor)
    return {
        "x": np.concatenate([epoch, epoch[::-1]]),
        "y": light(np.concatenate([shown["high"].to_numpy(dtype=np.float64), low[::-1]])),
        "fill": "toself", "fillcolor": style.faint(0.15), "mode": "lines", "line": {"width": 0},
        "name": label, "legendgroup": label, "showlegend": False, "hoverinfo": "skip",
    }


def _lowest(values: pd.Series[float]) -> float:
    positive = values[np.isfinite(values) & (values > 0)]
    return float(positive.min()) if len(positive) else 1.0


def _last(frame: pd.DataFrame) -> float:
    return float(frame["epoch"].max()) if len(frame) else 1.0
