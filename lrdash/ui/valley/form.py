"""The form of the Valley page: a surface, strategies with their settings, and a start."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from lrdash.core.errors import InvalidField
from lrdash.core.record import Knob
from lrdash.strategies import STRATEGIES
from lrdash.teaching import SURFACES, Path, Surface, descend
from lrdash.teaching.descent import LOSSES, MOST_STEPS
from lrdash.ui.components import fields, form
from lrdash.ui.components.form import KNOBS
from lrdash.ui.valley.player import moved_start

PREFIX = "valley."
FIRST = ["constant", "cosine"]
MOST = 6  # strategies; more paths hide each other
PLAYER = "valley-player"
AXES = ("x", "y")


def read() -> tuple[Surface, list[Path], list[str]]:
    """Draw the form; gives the surface, the paths on it and their names.

    Raises:
        InvalidField: for a value that is not allowed.
    """
    surface = _surface()
    names, paths = _walks(surface)
    return surface, paths, names


def move_start(surface: Surface) -> None:
    """Put the start that was dragged into the number fields."""
    for axis, place in zip(AXES, moved_start(PLAYER), strict=False):
        fields.preset(f"{PREFIX}{surface.id}.{axis}", place)


def _surface() -> Surface:
    key = f"{PREFIX}surface"
    with st.container(border=True):
        st.header("The surface", anchor=False)
        name = st.selectbox(
            "Surface", list(SURFACES), key=key, format_func=lambda one: SURFACES[one].label,
            **fields.PERSIST,
        )
        surface = SURFACES[name]
        with st.container(key="valley-formula"):
            st.latex(surface.formula)
        st.caption(surface.description)
    return surface


def _walks(surface: Surface) -> tuple[list[str], list[Path]]:
    """The settings of the walk, and the paths that follow from them.

    Raises:
        InvalidField: for a value that is not allowed.
    """
    own = f"{PREFIX}{surface.id}."  # rates, steps and starts belong to their surface
    with st.container(border=True):
        st.header("The walk", anchor=False)
        chosen = st.multiselect(
            "Strategies", list(STRATEGIES), key=f"{PREFIX}strategies", max_selections=MOST,
            default=FIRST, **fields.PERSIST,
            format_func=lambda name: STRATEGIES[name].label,
            help="All start at the same point with the same peak rate.",
        )
        first, second = st.columns(2)
        with first:
            rate = fields.widget(
                replace(KNOBS["base_lr"], step=surface.base_lr / 20), key=f"{own}base_lr",
                start=surface.base_lr,
            )
        with second:
            knob = replace(KNOBS["epochs"], label="Steps", unit="", high=float(MOST_STEPS),
                           help="In the settings of the strategies, a step counts as an epoch.")
            steps = fields.widget(knob, key=f"{own}steps", start=surface.steps)
        axes = [_coordinate(surface, axis) for axis in range(surface.dimensions)]
        start = list(fields.draw(axes, prefix=own).values())
        seed = 0
        if surface.noise:
            seed = fields.widget(
                replace(KNOBS["seed"], help="Selects the noise, the same for all strategies."),
                key=f"{own}seed", start=0,
            )
        settings = {name: _settings(name) for name in chosen}
    if not chosen:
        raise InvalidField("strategies", "must name at least one strategy", chosen)
    paths = [
        descend(surface, name, params, base_lr=rate, steps=steps, start=start, seed=seed)
        for name, params in settings.items()
    ]
    return [STRATEGIES[name].label for name in settings], paths


def _coordinate(surface: Surface, axis: int) -> Knob:
    low, high = surface.spans[axis]
    return Knob(
        name=AXES[axis], label=f"Start {AXES[axis]}", unit="", kind="number", optional=False,
        help="Where all paths start. You can also drag the ring on the map.",
        default=surface.start[axis], low=low, high=high, low_open=False, high_open=False,
        step=0.1, choices=(),
    )


def _settings(name: str) -> dict[str, Any]:
    knobs = [
        replace(knob, choices=LOSSES) if knob.name == "monitor" else knob
        for knob in STRATEGIES[name].knobs()
    ]
    return form.strategy_settings(name, knobs, prefix=PREFIX)
