"""A Plotly chart that keeps the user's zoom while data arrive.

`st.plotly_chart` redraws at every change and forgets the zoom. This component draws a figure
once and then extends its line traces by their new points (`Plotly.extendTraces`). Each message
repeats some epochs, because the send queue may replace a message that was not sent yet; the browser
skips what it has and asks for the whole figure when it finds a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from lrdash.ui.components.steady_chart import script
from lrdash.ui.resources import plotly_url

KEY, STATE = "live_chart", "live_chart_sent"
OVERLAP = 10  # epochs that each message repeats

_chart = st.components.v2.component(
    "lrdash_live_chart",
    html="<div class='lrdash-chart' role='figure'></div>",
    css=".lrdash-chart{width:100%;min-height:200px}",
    js=script("components/chart.js") + script("components/live_chart.js"),
    isolate_styles=False,
)


def live_chart(
    run_id: str,
    epochs: int,
    *,
    figure: Callable[[], go.Figure],
    tail: Callable[[int], tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]] | None,
    label: str,
    height: int = 480,
    chosen: int | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> None:
    """Draw or extend the chart of a run.

    Args:
        run_id: the run; another run is another figure.
        epochs: epochs done by now.
        figure: makes the whole figure up to now; called only when it has to be sent.
        tail: `(lines, marks)` from an epoch on, as `figures.live_tail` and `live_marks` give them;
            None: the chart cannot be extended and is drawn as a whole each time.
        label: what the chart shows, for screen readers.
        height: in pixels.
        chosen: epoch at which a line is drawn across, if any.
        on_epoch: called with the epoch that was clicked, before the next run of the script.
    """
    state = st.session_state.setdefault(STATE, {})
    known = state.get("run") == run_id and not state.get("again") and state["have"] <= epochs
    message: dict[str, Any] = {
        "run": run_id, "have": epochs, "label": label, "height": height, "plotly": plotly_url(),
        "chosen": chosen,
    }
    if known and tail is not None:
        offset = max(0, state["have"] - OVERLAP)
        lines, marks = tail(offset)
        message |= {"offset": offset, "tail": lines, "marks": marks}
    else:
        message["figure"] = figure().to_json()
    state.update(run=run_id, have=epochs, again=False)
    _chart(
        data=message, key=KEY, height="content", on_resync_change=_send_whole,
        on_epoch_change=lambda: _report_click(on_epoch),
    )


def _send_whole() -> None:
    st.session_state.setdefault(STATE, {})["again"] = True


def _report_click(on_epoch: Callable[[int], None] | None) -> None:
    clicked = st.session_state[KEY]["epoch"]
    if on_epoch and isinstance(clicked, int | float) and clicked >= 1:
        on_epoch(int(clicked))

