"""Descents played in the browser: map, relief, charts of loss and rate, and a table of this step.

The browser gets surface and paths once and plays them (`requestAnimationFrame`); it calls the
server only when the start moves. Map and relief are drawn on canvases, because a WebGL scene is
slow or missing without a graphics card.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from lrdash import figures
from lrdash.teaching import Path, Surface
from lrdash.ui.components.steady_chart import script
from lrdash.ui.resources import plotly_url

ONE_LIMIT = (
    "Above 2 / curvature, a step lands higher than it started. Between the dotted lines, it jumps "
    "over the floor and lands lower. Below 1 / curvature, it stops short of the floor."
)
OWN_LIMITS = (
    "Dotted, in the colour of each path: the stability limit 2 / curvature at its current point. A "
    "step at a higher rate lands higher than it started. Without a line, the surface curves down."
)

_player = st.components.v2.component(
    "lrdash_valley", html=script("valley/player.html"), css=script("valley/player.css"),
    js=script("components/chart.js") + script("valley/player.js"),
    isolate_styles=False,
)


def valley_player(
    surface: Surface,
    paths: Sequence[Path],
    names: Sequence[str],
    *,
    key: str,
    log: bool,
    on_start: Callable[[], None],
) -> None:
    """Draw at least one path for the visitor to play; `log` is about the axis of the rates.

    `on_start` is called after the start moved; `moved_start` gives the new place.
    """
    picture = figures.valley_picture(surface, paths, names)
    height = "log(1 + loss)" if surface.log_height else "the loss"
    message: dict[str, Any] = {
        "picture": picture,
        "what": json.dumps([surface.id, picture["paths"]]),
        "start": paths[0].places[0].tolist(),
        "surface": surface.id,
        "moves": st.session_state.get(f"{key}-moves", 0),
        "label": f"{surface.label}: {', '.join(names)}",
        "height": f"Relief: height is {height}",
        "caption": ONE_LIMIT if surface.even else OWN_LIMITS,
        "loss": figures.valley_loss_figure(paths, names).to_json(),
        "rate": figures.valley_rate_figure(paths, names, log=log).to_json(),
        "plotly": plotly_url(),
    }
    _player(data=message, key=key, height="content", on_start_change=on_start)


def moved_start(key: str) -> list[float]:
    """Where the start is now, which the next message confirms; for `on_start`."""
    message = json.loads(st.session_state[key]["start"])
    st.session_state[f"{key}-moves"] = message["moves"]
    return [float(part) for part in message["place"]]
