"""A Plotly chart that keeps the user's zoom while data arrive.

`st.plotly_chart` draws anew at every change and forgets the zoom. This component draws a figure once
and then extends its line traces by their new points (`Plotly.extendTraces`). Each message carries
`{offset, tail}` with an overlap, because the send queue may replace a message that was not sent yet;
the browser skips what it has and asks for the whole figure when it finds a gap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from lrdash.ui.resources import plotly_url

OVERLAP = 10  # epochs that each message repeats

HTML = "<div class='lrdash-chart' role='figure'></div>"
CSS = ".lrdash-chart{width:100%;min-height:200px}"
SCRIPT = """
const load = url => window.Plotly ? Promise.resolve(window.Plotly)
  : (window.__lrdashPlotly ??= new Promise((done, fail) => {
      const s = document.createElement('script'); s.src = url;
      s.onload = () => done(window.Plotly); s.onerror = fail; document.head.appendChild(s); }));
const paint = host => {
  const css = getComputedStyle(host), v = n => css.getPropertyValue(n).trim();
  const text = v('--st-text-color') || '#1f2933', grid = v('--st-border-color') || '#dfe3e8';
  const paper = v('--st-background-color') || '#fff', look = {'font.color': text,
    'font.family': v('--st-font') || 'sans-serif', 'hoverlabel.bgcolor': paper,
    'hoverlabel.font.color': text, 'hoverlabel.bordercolor': grid,
    'modebar.bgcolor': 'rgba(0,0,0,0)', 'modebar.color': grid, 'modebar.activecolor': text};
  for (const a of Object.keys(host.layout || {}).filter(k => /^[xy]axis/.test(k)))
    Object.assign(look, {[a + '.gridcolor']: grid, [a + '.linecolor']: grid, [a + '.zerolinecolor']: grid});
  return [look, text + grid];
};
export default async function ({ data, parentElement, setTriggerValue }) {
  const host = parentElement.querySelector('.lrdash-chart');
  host.setAttribute('aria-label', data.label); host.style.height = data.height + 'px';
  let P;
  try { P = await load(data.plotly); }
  catch { host.textContent = 'The chart library did not load. Reload the page; the table below has the numbers.'; return; }
  if (data.figure) {
    const f = JSON.parse(data.figure);
    await P.react(host, f.data, {...f.layout, autosize: true}, {responsive: true, displaylogo: false, showTips: false,
      modeBarButtonsToRemove: ['select2d', 'lasso2d', 'autoScale2d']});
    host.have = data.have; host.run = data.run;
  } else if (host.run !== data.run || data.tail.some((t, i) => t.start > host.data[i].x.length)) {
    setTriggerValue('resync', data.run + ':' + data.have); return;
  } else if (data.have > host.have) {
    const rest = data.tail.map((t, i) => [t, host.data[i].x.length - t.start]);
    await P.extendTraces(host, {x: rest.map(([t, n]) => t.x.slice(n)), y: rest.map(([t, n]) => t.y.slice(n))},
      rest.map((_, i) => i));
    for (const m of data.marks) await P.restyle(host, {x: [m.x], y: [m.y], text: [m.text]}, [m.trace]);
    host.have = data.have;
  }
  const [look, key] = paint(host);
  if (host.look !== key || data.figure) { host.look = key; await P.relayout(host, look); }
  host.dataset.epochs = host.have; host.dataset.updates = +(host.dataset.updates || 0) + 1;
}
"""
_chart = st.components.v2.component(
    "lrdash_live_chart", html=HTML, css=CSS, js=SCRIPT, isolate_styles=False
)


def live_chart(
    run_id: str,
    epochs: int,
    *,
    figure: Callable[[], go.Figure],
    tail: Callable[[int], tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]],
    label: str,
    height: int = 520,
) -> None:
    """Draw or extend the chart of a run.

    Args:
        run_id: the run; another run is another figure.
        epochs: epochs done by now.
        figure: makes the whole figure up to now; called only when it has to be sent.
        tail: `(lines, marks)` from an epoch on, as `figures.live_tail` and `live_marks` give them.
        label: what the chart shows, for screen readers.
        height: in pixels.
    """
    state = st.session_state.setdefault("live_chart", {})
    known = state.get("run") == run_id and not state.get("again") and state["have"] <= epochs
    message: dict[str, Any] = {
        "run": run_id, "have": epochs, "label": label, "height": height, "plotly": plotly_url(),
    }
    if known:
        offset = max(0, state["have"] - OVERLAP)
        lines, marks = tail(offset)
        message |= {"offset": offset, "tail": lines, "marks": marks}
    else:
        message["figure"] = figure().to_json()
    state.update(run=run_id, have=epochs, again=False)
    _chart(data=message, key="live_chart", height="content", on_resync_change=_send_whole)


def _send_whole() -> None:
    st.session_state.setdefault("live_chart", {})["again"] = True

