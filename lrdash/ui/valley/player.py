"""Descents played in the browser: map, relief, charts of loss and rate, and a table of the moment.

The browser gets surface and paths once and plays them by itself (`requestAnimationFrame`); the
server hears of it only when the start was moved. Map and relief are drawn on canvases: a WebGL
scene is slow, or missing, where there is no graphics card.
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

HTML = """<div class="lrdash-valley" role="group">
<div class="lv-top">
  <div class="lv-part"><div class="lv-title">Map: click or drag the ring to start elsewhere</div>
    <div class="lv-map"><canvas role="img" aria-label="The paths on a map of the loss"></canvas>
    <button type="button" class="lv-start"></button></div></div>
  <div class="lv-part lv-deep"><div class="lv-title"><span class="lv-height"></span>
    <button type="button" class="lv-left" aria-label="Turn the relief left">&#8630;</button>
    <button type="button" class="lv-right" aria-label="Turn the relief right">&#8631;</button></div>
    <div class="lv-relief"><canvas role="img"></canvas></div></div>
</div>
<div class="lv-bar">
  <button type="button" class="lv-play">Play</button>
  <button type="button" class="lv-back">Step back</button>
  <button type="button" class="lv-step">Step</button>
  <button type="button" class="lv-reset">Reset</button>
  <input type="range" class="lv-slider" min="0" max="1" step="1" value="0" aria-label="Step">
  <span class="lv-count"></span>
  <label>Speed <select class="lv-speed"><option value=".25">¼</option><option value=".5">½</option>
  <option value="1" selected>1</option><option value="2">2</option></select></label>
</div>
<p class="lv-said" aria-live="polite"></p>
<div class="lv-scroll" tabindex="0" role="region" aria-label="Where each path is now">
<table class="lv-now"><thead><tr><th scope="col">Strategy</th><th scope="col">Rate</th>
<th scope="col">Limit</th><th scope="col">Loss</th><th scope="col">What happens</th></tr></thead>
<tbody></tbody></table></div>
<div class="lv-top">
  <div class="lv-part"><div class="lv-title">Loss after each step</div><div class="lv-chart">
    <div class="lv-loss" role="figure" aria-label="Loss after each step"></div>
    <div class="lv-veil"></div></div></div>
  <div class="lv-part"><div class="lv-title">Rate of each step, and what the curvature allows
    </div><div class="lv-chart">
    <div class="lv-rate" role="figure" aria-label="Rate of each step and its limit"></div>
    <div class="lv-veil"></div></div><div class="lv-caption"></div></div>
</div></div>"""

ONE_LIMIT = (
    "Above 2 / curvature a step lands higher than it began. Between the dotted lines it jumps over "
    "the floor and lands lower. Below 1 / curvature it stops short of the floor."
)
OWN_LIMITS = (
    "Dotted, in the colour of each path: the stability limit 2 / curvature at the place where the "
    "path is. A rate above it lands higher than it began. No line: the surface bends down there."
)

CSS = """
.st-key-valley-formula .katex-display{overflow:visible;font-size:.95em}
.lrdash-valley{font-family:var(--st-font);color:var(--st-text-color);font-size:.9rem}
.lv-top{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:.8rem}
.lv-part{min-width:0}.lv-title{font-weight:600;min-height:1.9rem;line-height:1.9rem;
display:flex;gap:.3rem;align-items:center}.lv-title .lv-height{flex:1}
.lv-map,.lv-relief,.lv-chart{position:relative;overflow:hidden}
.lv-map canvas,.lv-relief canvas{display:block;width:100%;height:330px;touch-action:pan-y}
.lv-map canvas{cursor:crosshair}.lv-relief canvas{cursor:ew-resize}
.lv-flat .lv-deep{display:none}
.lv-start{position:absolute;width:30px;height:30px;margin:-15px 0 0 -15px;padding:0;
border-radius:50%;border:3px solid var(--st-text-color);background:transparent;cursor:grab;
touch-action:none}
.lrdash-valley button:focus-visible,.lrdash-valley input:focus-visible,
.lrdash-valley select:focus-visible,.lv-scroll:focus-visible{outline:3px solid
var(--st-primary-color);outline-offset:2px}
.lv-bar{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.5rem 0}
.lv-bar button,.lv-title button,.lv-bar select{font:inherit;color:inherit;
background:var(--st-secondary-background-color);border:1px solid var(--st-border-color);
border-radius:.4rem;padding:.35rem .8rem;cursor:pointer}
.lv-title button{padding:0 .5rem;line-height:1.6rem}
.lv-bar .lv-play{background:var(--st-primary-color);border-color:transparent;color:#fff;
min-width:5rem}
.lv-slider{flex:1 1 8rem;min-width:7rem;accent-color:var(--st-primary-color)}
.lv-count{font-variant-numeric:tabular-nums;min-width:7.5em}
.lv-said{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.lrdash-valley{position:relative}
.lv-scroll{overflow-x:auto;margin-bottom:.6rem}
.lv-now{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.lv-now th,.lv-now td{text-align:left;padding:.25rem .8rem .25rem 0;font-weight:400;
border-bottom:1px solid var(--st-border-color);white-space:nowrap}
.lv-now thead th{font-weight:600}.lv-now td{min-width:4.2em}.lv-now td:last-child{width:60%}
.lv-now canvas{width:28px;height:8px;margin-right:.5rem;vertical-align:middle}
.lv-now td:last-child{white-space:normal;min-width:9em}
.lv-caption{font-size:.85rem;opacity:.8}
.lv-chart>div:first-child{height:240px}
@media (max-width:640px){.lv-map canvas{height:280px}.lv-relief canvas{height:230px}
.lv-now{font-size:.85rem}.lv-now th,.lv-now td{padding-right:.5rem;white-space:normal}
.lv-now td{min-width:3.4em}.lv-now tbody th{min-width:6.5em}}
.lv-veil{position:absolute;display:none;pointer-events:none;background:var(--st-background-color);
opacity:.72;border-left:2px solid var(--st-text-color)}
"""

_player = st.components.v2.component(
    "lrdash_valley", html=HTML, css=CSS,
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
    """Draw the paths and let the user play them.

    Args:
        surface: where the paths walk.
        paths: at least one.
        names: what to call each.
        key: of the component on the page.
        log: a logarithmic axis of the rates.
        on_start: called after the start was moved; `moved_start` tells where to.
    """
    picture = figures.valley_picture(surface, paths, names)
    height = "log(1 + loss)" if surface.log_height else "the loss"
    message: dict[str, Any] = {
        "picture": picture,
        "what": json.dumps([surface.id, picture["paths"]]),
        "start": paths[0].places[0].tolist(),
        "label": f"{surface.label}: {', '.join(names)}",
        "height": f"Relief: height is {height}",
        "caption": ONE_LIMIT if surface.even else OWN_LIMITS,
        "loss": figures.valley_loss_figure(paths, names).to_json(),
        "rate": figures.valley_rate_figure(paths, names, log=log).to_json(),
        "plotly": plotly_url(),
    }
    _player(data=message, key=key, height="content", on_start_change=on_start)


def moved_start(key: str) -> list[float]:
    """Where the start was moved to; for `on_start`."""
    told: str = st.session_state[key]["start"]
    return [float(part) for part in json.loads(told)]
