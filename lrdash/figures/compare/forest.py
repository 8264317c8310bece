"""Differences from one strategy with their intervals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lrdash.core.wording import number, plural
from lrdash.figures.axes import axis, blank, short
from lrdash.figures.compare.arms import Styles, arm_styles, light
from lrdash.figures.palette import BLUE, GREY, LINE_WIDTH, ORANGE, style_of

ROW = 44  # pixels
LABEL = 22  # characters of a name
COLOURS = {"better": BLUE, "worse": ORANGE, "no evidence": GREY}


def forest_figure(
    differences: pd.DataFrame,
    styles: Styles | None = None,
    *,
    title: str = "Difference",
    height: int | None = None,
) -> go.Figure:
    """One row an arm: its mean difference to the baseline, the interval and the verdict in words.

    A filled mark is a decided difference, a hollow one is open, and so is one without an interval,
    which too few seeds do not have. Where runs of an arm or of the
    baseline diverged or failed there is no mean; the row says so.

    Args:
        differences: from `analysis.against`; may be empty.
        styles: looks by label.
        title: of the axis, with the unit.
        height: in pixels; by default it grows with the arms.
    """
    figure = blank(height or 90 + ROW * max(2, len(differences)))
    rows = [f"{short(str(r.label), LABEL)}<br><i>{r.verdict}</i>" for r in differences.itertuples()]
    looks = styles or arm_styles(differences.assign(strategy=differences["label"]))
    for place, row in enumerate(differences.to_dict(orient="records")):
        label = str(row["label"])
        colour = (looks.get(label) or style_of(label)).colour
        if np.isfinite(row["difference"]):
            figure.add_scatter(**_mark(row, rows[place], colour))
        else:
            figure.add_annotation(
                xref="paper", x=0.5, y=rows[place], showarrow=False, text=_without_mean(row),
            )
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.update_layout(
        xaxis=axis(title, type="linear", nticks=5),
        yaxis=axis(
            "", type="category", categoryorder="array", categoryarray=rows,
            range=[len(rows) - 0.5, -0.5],  # rows without a mark have their height, too
        ),
        hovermode="closest", showlegend=False,
    )
    return figure


def verdict_css(verdict: object) -> str:
    """The background of a verdict in a table: blue is better, orange worse."""
    if verdict not in ("better", "worse"):
        return ""
    red, green, blue = (int(COLOURS[str(verdict)][i : i + 2], 16) for i in (1, 3, 5))
    return f"background-color: rgba({red}, {green}, {blue}, 0.28)"


def _mark(row: dict[Any, Any], place: str, colour: str) -> dict[str, Any]:
    decided = row["verdict"] != "no evidence"
    middle = row["difference"]
    ends = np.isfinite([row["low"], row["high"]]).any()
    span = f" ({number(row['low'])} to {number(row['high'])})" if ends else ""
    words = (
        f"{row['label']}: {number(middle)}{span}, {plural(row['seeds'], 'seed')}, "
        f"adjusted p {number(row['p_adjusted'])}"
    )
    return {
        "x": [middle], "y": [place], "mode": "markers", "name": str(row["label"]),
        "marker": {
            "size": 11, "color": colour, "symbol": "circle" if decided else "circle-open",
            "line": {"width": LINE_WIDTH, "color": colour},
        },
        "error_x": {
            "type": "data", "symmetric": False, "array": light([row["high"] - middle]),
            "arrayminus": light([middle - row["low"]]), "color": colour, "thickness": LINE_WIDTH,
            "width": 5,
        },
        "text": [words], "hovertemplate": "%{text}<extra></extra>",
    }


def _without_mean(row: dict[Any, Any]) -> str:
    if np.isnan(row["difference"]):
        return "runs diverged or failed on both sides" if row["seeds"] else "no common seed yet"
    whose = "" if row["difference"] > 0 else " of the baseline"
    return f"more runs{whose} diverged or failed"
