"""The player: all moments go to the browser once, which plays them on its own.

The script beside this file draws each frame, so playing, stepping and sliding cost the server
nothing and never rerun the page.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import streamlit as st

from lrdash import figures
from lrdash.teaching import Moment, Walk
from lrdash.ui.components.steady_chart import script
from lrdash.ui.resources import plotly_url

TITLES = {
    "keras": "ReduceLROnPlateau, after every epoch",
    "torch": "ReduceLROnPlateau by PyTorch's rules, after every epoch",
    "scheduler": "LearningRateScheduler, before every epoch",
}

TALL, FLAT = 470, 260  # height of the chart in pixels: with a metric, and with the rate alone

_player = st.components.v2.component(
    "lrdash_inside_player",
    html=script("inside/player.html"),
    css=script("inside/player.css"),
    js=script("components/chart.js") + script("inside/player.js"),
    isolate_styles=False,
)


def inside_player(
    walk: Walk, values: Sequence[float], *, metric: str, source: str, remarks: str = ""
) -> None:
    """Draw the steps, the chart, the slider and the variables.

    Args:
        walk: with at least one moment.
        values: the metric, one value for each epoch.
        metric: its name.
        source: id of the record; the moment shown is kept until it changes.
        remarks: a text below the steps; may be empty.
    """
    height = TALL if values else FLAT
    figure = figures.walk_figure(walk, values, metric=metric, height=height)
    message = {
        "title": TITLES[walk.kind], "source": source, "remarks": remarks,
        "steps": [{"title": step.title, "code": step.code} for step in walk.steps],
        "moments": [_moment(walk, moment) for moment in walk.moments],
        "figure": figure.to_json(), "height": figure.layout.height, "plotly": plotly_url(),
        "epoch_label": "Epoch", "label": _label(walk, metric, bool(values)),
    }
    digest = hashlib.sha256(json.dumps(message, sort_keys=True).encode()).hexdigest()[:16]
    _player(data={**message, "what": digest}, key="inside-player", height="content")


def _moment(walk: Walk, moment: Moment) -> dict[str, Any]:
    scheduler = walk.kind == "scheduler"
    when = f"Before epoch {moment.epoch + 1}" if scheduler else f"Epoch {moment.epoch}"
    return {
        "epoch": moment.epoch, "when": when, "words": moment.words, "step": moment.step,
        "notes": {str(place): note for place, note in moment.notes.items()},
        "changed": moment.outcome in ("cut", "set"),
        "state": [[each.name, each.meaning, each.now, each.was] for each in moment.variables],
    }


def _label(walk: Walk, metric: str, known: bool) -> str:
    if not known:
        return "Learning rate over the epochs. The table below has its numbers."
    wait = "" if walk.kind == "scheduler" else ", wait count"
    return f"{metric}{wait} and learning rate up to the chosen epoch. " \
        "The table below has the numbers."
