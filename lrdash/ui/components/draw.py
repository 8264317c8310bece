"""The editor of the strategy `points`: corners on a chart, to click, drag and delete.

The points live in the text field of the form and nowhere else, so that address, reruns and runs
that fill the form work as for every other setting. The editor writes into that field, and undo
brings back its earlier texts. The browser numbers its edits; each message says which one it has
seen, so that a message that is behind takes no newer edit back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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

_editor = st.components.v2.component(
    "lrdash_draw", html=script("components/draw.html"), css=script("components/draw.css"),
    js=script("components/draw.js"), isolate_styles=False,
)


def on_plan(plan: Plan, field: str) -> None:
    """The editor over the epochs and rates of a run under `points`, instead of its preview; `field`
    is the key of the text field that holds the points.
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
    """The editor below the settings of a strategy, over shares; nothing but for `points`. The page
    reports wrong settings.
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
    message |= _seen(st.session_state, key)
    _editor(
        data=message, key=key, height="content",
        on_points_change=lambda: drawn(st.session_state, field, st.session_state[key]["points"]),
        on_undo_change=lambda: undo(st.session_state, field, st.session_state[key]["undo"]),
    )


def remember(session: Any, field: str, text: str) -> list[str]:
    """Remember what the text field of this key holds now; returns its earlier texts, the latest
    last.
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


def read(points: Any) -> str | None:
    """Points from the editor as the field's text; None if the strategy refuses them."""
    try:
        return fields.as_text(Points(points=points).points)
    except (ValueError, TypeError, LrdashError):
        return None


def drawn(session: Any, field: str, message: str) -> None:
    """Put what was drawn into the field.

    The message of the editor is JSON: `edit`, the number of the edit, and `points`.
    """
    seen, value = _seen(session, f"draw-{field}"), json.loads(message)
    seen["edit"] = max(seen["edit"], value["edit"])
    text = read(value["points"])
    if text is not None:
        fields.preset(field, text)


def undo(session: Any, field: str, message: str) -> None:
    """Put an earlier text back into the field.

    The message of the editor is JSON: `edit`, and `times`, how often Undo was pressed so far; of
    quick presses only the last message may arrive.
    """
    seen, value = _seen(session, f"draw-{field}"), json.loads(message)
    for _ in range(value["times"] - seen["undone"]):
        text = undone(session, field)
        if text is not None:
            fields.preset(field, text)
    seen |= {"edit": max(seen["edit"], value["edit"]), "undone": value["times"]}


def _seen(session: Any, key: str) -> dict[str, int]:
    """The last edit of the browser and its presses of Undo that are in the field."""
    seen: dict[str, int] = session.setdefault(f"seen-{key}", {"edit": 0, "undone": 0})
    return seen


def _history(field: str) -> str:
    return f"draw-history:{field}"
