"""The Valley page: strategies side by side on a surface that one can see, played and explained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from lrdash.core.errors import InvalidField, LrdashError
from lrdash.core.record import Knob
from lrdash.core.spec import RunSpec
from lrdash.strategies import STRATEGIES
from lrdash.teaching import SURFACES, Path, Surface, compare_in_words, descend, path_in_words
from lrdash.teaching.descent import LOSSES, MOST_STEPS
from lrdash.ui.components import draw, fields
from lrdash.ui.valley.player import moved_start, valley_player

PREFIX = "valley."
FIRST = ["constant", "cosine"]
MOST = 6  # strategies; more paths hide each other
PLAYER = "valley-player"
AXES = ("x", "y")
KNOBS = {knob.name: knob for knob in RunSpec.knobs()}


def body() -> None:
    """What to walk on and how, on the left; the walk and what it shows, on the right."""
    st.markdown(
        "Each step of training moves the weights against the slope of the loss, as far as the rate "
        "says. Press **Play** and watch what that does where the valley is steep, flat, curved or "
        "noisy; drag the ring on the map to start elsewhere."
    )
    left, right = st.columns([4, 9], gap="medium")
    paths: list[Path] = []
    names: list[str] = []
    with left:
        surface = _surface()
        try:
            names, paths = _walks(surface)
        except LrdashError as fault:
            problem = str(fault)
    with right:
        if not paths:
            st.error(problem, icon=":material/error:")
            st.caption("Nothing is lost: mend that field and the valley comes back.")
            return
        log = st.session_state.get(f"{PREFIX}log", False)
        valley_player(
            surface, paths, names, key=PLAYER, log=log, on_start=lambda: _move(surface)
        )
        st.toggle("Log axis for the rates", key=f"{PREFIX}log", **fields.PERSIST)
        _explain(surface, paths, names)


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
    """The form of the walk, and the paths that it makes.

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
            help="All walk from the same start with the same peak rate.",
        )
        first, second = st.columns(2)
        with first:
            rate = fields.widget(
                replace(KNOBS["base_lr"], step=surface.base_lr / 20), key=f"{own}base_lr",
                start=surface.base_lr,
            )
        with second:
            knob = replace(KNOBS["epochs"], label="Steps", unit="", high=float(MOST_STEPS),
                           help="A step counts as an epoch in the strategies' settings.")
            steps = fields.widget(knob, key=f"{own}steps", start=surface.steps)
        start = []
        for axis, place in enumerate(st.columns(2)[: surface.dimensions]):
            with place:
                start.append(_coordinate(surface, own, axis))
        seed = 0
        if surface.noise:
            seed = fields.widget(
                replace(KNOBS["seed"], help="Other noise; the same for all strategies."),
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


def _coordinate(surface: Surface, own: str, axis: int) -> float:
    low, high = surface.spans[axis]
    knob = Knob(
        name=AXES[axis], label=f"Start {AXES[axis]}", unit="", kind="number", optional=False,
        help="Where all paths begin. The ring on the map can be dragged too.",
        default=surface.start[axis], low=low, high=high, low_open=False, high_open=False,
        step=0.1, choices=(),
    )
    place: float = fields.widget(knob, key=f"{own}{AXES[axis]}", start=surface.start[axis])
    return place


def _settings(name: str) -> dict[str, Any]:
    strategy = STRATEGIES[name]
    knobs = [
        replace(knob, choices=LOSSES) if knob.name == "monitor" else knob
        for knob in strategy.knobs()
    ]
    if not knobs:
        return {}
    with st.expander(strategy.label):
        st.caption(strategy.when)
        params = fields.draw(knobs, prefix=f"{PREFIX}{name}.")
        draw.in_form(name, params, f"{PREFIX}{name}.")
    return params


def _move(surface: Surface) -> None:
    """Put the start that was dragged into the number fields."""
    for axis, place in zip(AXES, moved_start(PLAYER), strict=False):
        fields.preset(f"{PREFIX}{surface.id}.{axis}", place)


def _explain(surface: Surface, paths: list[Path], names: list[str]) -> None:
    with st.container(border=True):
        st.header("What happened, and why", anchor=False)
        told = compare_in_words(paths, names)
        if told:
            st.markdown(told)
        for path, name in zip(paths, names, strict=True):
            st.markdown(f"- {path_in_words(surface, path, name)}")
        with st.expander("Where the limit comes from"):
            st.markdown(
                "Close to the floor a valley looks like a parabola. If its curvature (the largest "
                "eigenvalue of the Hessian at that place) is $c$, one step with the rate $\\eta$ "
                "turns the distance $d$ to the floor into $(1 - \\eta c)\\,d$:"
            )
            st.markdown(
                "- $\\eta < 1 / c$: it stops short of the floor and comes closer each time.\n"
                "- $1 / c < \\eta < 2 / c$: it jumps to the other wall and lands lower there.\n"
                "- $\\eta > 2 / c$: it lands higher than it began: the walk climbs out of the "
                "valley.\n\nThe steepest direction sets the limit for all others, so the flat "
                "ones move slowly. That is why a high rate first and a low one later does better "
                "than either alone."
            )
            st.caption("Source: Nesterov, Introductory Lectures on Convex Optimization, 2004.")
