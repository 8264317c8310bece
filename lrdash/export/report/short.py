"""A short report: what was found in a sentence, one chart, one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from lrdash.export.report import html
from lrdash.export.report.charts import Chart
from lrdash.export.report.page import page

HEIGHT = 520  # pixels, of a chart without a height


def short_report(
    title: str, settings: str, answer: str, figure: go.Figure, rows: Sequence[Mapping[str, str]]
) -> str:
    """A complete HTML document of about 2 MB that needs no other file and no network.

    Args:
        title: of the report.
        settings: what was trained, in words.
        answer: the result, in words.
        figure: the result, drawn.
        rows: the numbers in words, columns by title.
    """
    drawn = go.Figure(figure)
    drawn.update_layout(height=drawn.layout.height or HEIGHT)
    columns = list(rows[0]) if rows else []
    table = html.table(columns, [list(row.values()) for row in rows], caption="In numbers")
    chart = Chart(
        name="result", title="Result", figure=drawn, caption=answer, alt=answer,
    ).html()
    return page(title, "".join([
        html.header(title, settings),
        html.section("Answer", f'<div class="answer">\n{html.paragraph(answer)}</div>\n'),
        html.section("Chart", f'<div class="charts single">\n{chart}</div>\n'),
        html.section("Numbers", table if rows else ""),
    ]))
