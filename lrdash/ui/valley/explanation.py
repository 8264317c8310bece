"""What happened in the valley, and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from lrdash.teaching import Path, Surface, compare_in_words, path_in_words

LIMIT = """
Close to its floor, a valley looks like a parabola. If its curvature there (the largest eigenvalue
of the Hessian) is $c$, one step at the rate $\\eta$ changes the distance $d$ to the floor into
$(1 - \\eta c)\\,d$:

- $\\eta < 1 / c$: the step stops short of the floor, closer each time.
- $1 / c < \\eta < 2 / c$: it jumps to the other wall and lands lower there.
- $\\eta > 2 / c$: it lands higher than it started, so the walk climbs out of the valley.

The steepest direction sets the limit for all others, so the flat ones progress slowly. That is why
a high rate first and a low one later does better than either alone.
"""


def draw(surface: Surface, paths: Sequence[Path], names: Sequence[str]) -> None:
    """The comparison first, then each path, then where the limit comes from."""
    with st.container(border=True):
        st.header("What happened, and why", anchor=False)
        comparison = compare_in_words(paths, names)
        if comparison:
            st.markdown(comparison)
        for path, name in zip(paths, names, strict=True):
            st.markdown(f"- {path_in_words(surface, path, name)}")
        with st.expander("Where the limit comes from"):
            st.markdown(LIMIT)
            st.caption("Source: Nesterov, Introductory Lectures on Convex Optimization, 2004.")
