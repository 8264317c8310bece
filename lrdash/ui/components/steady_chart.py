"""A Plotly chart that may change as a whole and keeps the user's zoom and hidden lines.

`st.plotly_chart` makes a new chart at every change. This component passes each new figure to
`Plotly.react`, which keeps the chart as long as it shows the same thing.
"""

from __future__ import annotations

import json
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from lrdash.core.wording import escaped
from lrdash.figures import literal_names
from lrdash.ui.resources import plotly_url

UI = Path(__file__).resolve().parent.parent
STILL = 1000  # milliseconds after which a page counts as still


def script(name: str) -> str:
    """The text of a script, style or piece of HTML of `lrdash/ui`, by its path there."""
    return (UI / name).read_text(encoding="utf-8")


_chart = st.components.v2.component(
    "lrdash_steady_chart",
    html="<div class='lrdash-steady' role='figure'></div>",
    css=".lrdash-steady{width:100%;min-height:120px}",
    js=script("components/chart.js") + script("components/steady_chart.js"),
    isolate_styles=False,
)


def preload(*, idle: bool = False) -> None:
    """Let the browser fetch Plotly before there is anything to draw with it.

    A browser takes about a second to compile it, the first time. `idle` waits until the page is
    still, for the pages opened next; else it begins while the server computes what to draw.
    """
    job = f"() => load({json.dumps(plotly_url())})"
    when = f"setTimeout(() => (window.requestIdleCallback ?? setTimeout)({job}), {STILL})"
    code = f"{script('components/chart.js')} {when if idle else f'({job})()'};"
    st.html(f"<script>{{ {code} }}</script>", unsafe_allow_javascript=True)


def steady_chart(
    figure: go.Figure, *, key: str, what: str, label: str = "", title: str = ""
) -> None:
    """Draw a figure, or the next state of it.

    Args:
        figure: with its height in the layout.
        key: of the chart on the page.
        what: names what it shows; zoom is kept until this changes.
        label: what it shows, for screen readers; by default the title.
        title: in bold above it, if any.
    """
    if title:
        st.markdown(f"**{escaped(title)}**")
    message = {
        "figure": literal_names(figure).to_json(), "what": what, "label": label or title,
        "height": figure.layout.height, "plotly": plotly_url(),
    }
    _chart(data=message, key=key, height="content")
