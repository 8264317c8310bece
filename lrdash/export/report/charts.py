"""Charts of a report: a Plotly figure, how to read it, and its data as a table."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from pathlib import Path

import plotly
import plotly.graph_objects as go

from lrdash.export.report.html import folded
from lrdash.figures import literal_names

LEGEND = 560  # pixels of its width, at least: that of the narrowest plot on a printed page
ROW, LETTER, MARK = 22, 7, 50  # pixels: height of a row, width of a letter and of a line sample


@dataclass(frozen=True, kw_only=True)
class Chart:
    """One chart."""

    name: str  # for ids: letters and dashes
    title: str
    figure: go.Figure  # with its height in the layout
    caption: str  # how to read it
    alt: str  # what it shows, for screen readers
    numbers: str = ""  # HTML: its data as a table

    def html(self) -> str:
        """The chart as a figure element; the script of the report draws it."""
        height = int(self.figure.layout.height)
        drawn = literal_names(go.Figure(self.figure))
        drawn.update_layout(margin_t=34 + ROW * _rows(self.figure))
        data = str(drawn.to_json()).replace("<", "\\u003c")  # cannot end the script element
        title = self.title[:1].lower() + self.title[1:]
        fold = folded(f"The numbers: {title}", self.numbers) if self.numbers else ""
        return (
            f'<figure aria-labelledby="{self.name}-title">\n<div class="drawn">\n'
            f'<h3 id="{self.name}-title">{escape(self.title)}</h3>\n'
            f'<div class="chart" role="figure" aria-label="{escape(self.alt)}" '
            f'style="height:{height}px" data-source="{self.name}-data"></div>\n'
            f'<script type="application/json" id="{self.name}-data">{data}</script>\n'
            f'<p class="quiet">{escape(self.caption)}</p>\n</div>\n{fold}</figure>\n'
        )


def _rows(figure: go.Figure) -> int:
    """Rows of the legend in print, where Plotly may not make room in time."""
    names = [str(trace.name) for trace in figure.data if trace.showlegend is not False]
    if figure.layout.showlegend is False:
        return 0
    return -(-sum(len(name) * LETTER + MARK for name in names if name) // LEGEND)


def grid(charts: Sequence[Chart]) -> str:
    """Charts side by side where there is room."""
    return f'<div class="charts">\n{"".join(chart.html() for chart in charts)}</div>\n'


@lru_cache(maxsize=1)
def library() -> str:
    """plotly.min.js of the installed Plotly, gzip and base64: a third of its size.

    Plotly ships this one bundle only. Browsers unpack it with `DecompressionStream`; without it the
    tables remain.
    """
    script = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
    packed = gzip.compress(script.read_bytes(), compresslevel=9, mtime=0)
    return base64.b64encode(packed).decode("ascii")
