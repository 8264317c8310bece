"""The editor of the strategy `points`: corners on a chart, to click, drag and delete.

The points are kept only in the text field of the form, so that address, reruns and runs that fill
the form work as for every other setting. The editor writes into it, and Undo restores the earlier
texts of that field.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from lrdash import figures
from lrdash.core.errors import LrdashError
from lrdash.planning.plan import Plan
from lrdash.strategies import preview
from lrdash.strategies.base import Rates
from lrdash.strategies.points import HIGHEST_FACTOR, MOST_POINTS, Points
from lrdash.ui.components import fields
from lrdash.ui.components.steady_chart import script

LOWEST = 1e-3  # share of the peak rate at which the log axis ends; lower points make it longer
UNDOS = 50  # steps that can be taken back
SAMPLES = 400  # points of the curve where no plan says how many updates there are

HTML = """<div class="lrdash-draw" role="group">
<div class="ld-title"></div>
<svg role="group" aria-label="Points of the curve"></svg>
<div class="ld-hint">Click to add a point, drag to move it, double-click to delete it. Keyboard: Tab
selects a point, arrow keys move it, Insert adds one, Delete removes it.</div>
<div class="ld-bar"><button type="button" class="ld-before" aria-label="Previous point">&#8592;
</button><span class="ld-which" aria-live="polite"></span><button type="button" class="ld-after"
aria-label="Next point">&#8594;</button>
<label><span class="ld-xname"></span><input type="number" step="any" class="ld-x"></label>
<label><span class="ld-yname"></span><input type="number" step="any" min="0" class="ld-y"></label>
</div><div class="ld-bar"><button type="button" class="ld-add">Add point</button>
<button type="button" class="ld-delete">Delete point</button>
<button type="button" class="ld-undo">Undo</button>
<button type="button" class="ld-over">Start over</button></div></div>"""

CSS = """
.lrdash-draw{font-family:var(--st-font);color:var(--st-text-color);font-size:.9rem}
.lrdash-draw svg{display:block;width:100%;height:300px;touch-action:pan-y;user-select:none;
overflow:visible}
.ld-title,.ld-hint{font-size:.85rem;opacity:.8}.ld-hint{margin:.2rem 0 .4rem}
.ld-axes line{stroke:var(--st-border-color);stroke-width:1}
.ld-axes text{fill:var(--st-text-color);font-size:12px}
.ld-ground{fill:transparent;cursor:crosshair}
.ld-curve{fill:none;stroke-width:2;pointer-events:none}.ld-new{stroke-dasharray:4 4}
.ld-point{cursor:grab;touch-action:none;outline:none}.ld-hit{fill:transparent}
.ld-dot{stroke:var(--st-background-color);stroke-width:2}
.ld-chosen .ld-dot,.ld-point:focus-visible .ld-dot{stroke:var(--st-text-color);stroke-width:2.5}
.ld-point:focus-visible .ld-hit{stroke:var(--st-primary-color);stroke-width:3}
.ld-bar{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin-bottom:.5rem}
.ld-bar label{display:flex;gap:.4rem;align-items:center}
.ld-bar button,.ld-bar input{font:inherit;color:inherit;border:1px solid var(--st-border-color);
background:var(--st-secondary-background-color);border-radius:.4rem;padding:.3rem .7rem}
.ld-bar input{width:6.5rem}.ld-bar button{cursor:pointer}
.ld-bar button:disabled,.ld-bar input:disabled{opacity:.5;cursor:default}
.ld-bar button:focus-visible,.ld-bar input:focus-visible{outline:3px solid
var(--st-primary-color);outline-offset:2px}
"""

_editor = st.components.v2.component(
    "lrdash_draw", html=HTML, css=CSS, js=script("components/draw.js"), isolate_styles=False
)


def on_plan(plan: Plan, field: str) -> None:
    """The editor over a run's epochs and rates, instead of its preview.

    Args:
        plan: of a run under `points`.
        field: key of the text field that holds the points.
    """
    lead = plan.spec.warmup_epochs
    _draw(
        field, Points(**plan.spec.params), plan.rates(), plan.steps_per_epoch,
        {
            "peak": plan.spec.base_lr, "lead": lead, "scale": plan.spec.epochs - lead,
            "xtitle": "Epochs done", "ytitle": "Learning rate (log)",
            "xname": "epoch", "yname": "rate", "xlabel": "Epoch", "ylabel": "Rate",
            "label": "Editor of the learning rate over the training",
        },
    )


def in_form(name: str, params: Mapping[str, Any], prefix: str) -> None:
    """The editor below the settings of a strategy, over shares; nothing but for `points`.

    Args:
        name: id of the strategy.
        params: its settings as the form has them; the page reports wrong ones.
        prefix: of the keys of its fields.
    """
    if name != Points.id:
        return
    try:
        strategy = Points(**params)
    except LrdashError:
        return
    rates = preview(name, params, base_lr=1.0, epochs=SAMPLES)
    _draw(
        f"{prefix}points", strategy, rates, SAMPLES / 100,
        {
            "peak": 1.0, "lead": 0.0, "scale": 100.0, "xtitle": "Share of the training, %",
            "ytitle": "Share of the peak rate (log)", "xname": "share in %", "yname": "factor",
            "xlabel": "Share, %", "ylabel": "Factor", "label": "Editor of the curve",
        },
    )


def _draw(
    field: str, strategy: Points, rates: Rates, steps: float, words: Mapping[str, Any]
) -> None:
    points = [list(point) for point in strategy.points]
    smallest = min((factor for _, factor in strategy.points if factor > 0), default=1.0)
    message = {
        "points": points,
        "first": [list(point) for point in Points().points],
        "interpolation": strategy.interpolation,
        "curve": figures.rate_line(rates, steps),
        "colour": figures.style_of(Points.id).colour,
        "low": min(LOWEST, smallest), "top": HIGHEST_FACTOR, "most": MOST_POINTS,
        "undo": bool(remember(st.session_state, field, fields.as_text(points))),
        **words,
    }
    key = f"draw-{field}"
    _editor(
        data=message, key=key, height="content",
        on_points_change=_taker(field, key), on_undo_change=_undoer(field),
    )


def remember(session: Any, field: str, text: str) -> list[str]:
    """Remember the text of a field; returns the earlier ones, the latest last.

    Args:
        session: the session's state.
        field: key of the text field.
        text: what it holds now.
    """
    kept = session.setdefault(_history(field), {"now": text, "past": []})
    if text != kept["now"]:
        kept["past"] = [*kept["past"], kept["now"]][-UNDOS:]
        kept["now"] = text
    past: list[str] = kept["past"]
    return past


def undone(session: Any, field: str) -> str | None:
    """Go back one step: the text that the field had before; None where there is none."""
    kept = session.get(_history(field))
    if not kept or not kept["past"]:
        return None
    kept["now"] = kept["past"].pop()
    before: str = kept["now"]
    return before


def read(sent: str) -> str | None:
    """What the editor sent, as the field's text; None if the strategy refuses it."""
    try:
        return fields.as_text(Points(points=json.loads(sent)).points)
    except (ValueError, TypeError, LrdashError):
        return None


def _history(field: str) -> str:
    return f"draw-history:{field}"


def _taker(field: str, key: str) -> Callable[[], None]:
    def take() -> None:
        text = read(st.session_state[key]["points"])
        if text is not None:
            fields.preset(field, text)

    return take


def _undoer(field: str) -> Callable[[], None]:
    def undo() -> None:
        text = undone(st.session_state, field)
        if text is not None:
            fields.preset(field, text)

    return undo
