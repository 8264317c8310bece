"""What if: other settings of the plateau rule over the same record, and the actual training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import streamlit as st

from lrdash import figures
from lrdash.strategies.plateau import Plateau
from lrdash.strategies.recorded import WatchedPlateau
from lrdash.teaching import (
    DELTAS,
    PATIENCES,
    Grid,
    Recorded,
    first_difference,
    grid,
    outlook,
    replay,
)
from lrdash.ui.components import fields
from lrdash.ui.components.live import live
from lrdash.ui.components.steady_chart import steady_chart
from lrdash.ui.inside import trained
from lrdash.ui.inside.sources import Source

NAMES = ("patience", "factor", "min_delta", "cooldown", "mode", "rules")
PREFIX = "whatif."
LIMIT = """
This holds **only up to the first decision that differs**. Until then, both trainings and their
metrics are the same. After it, the rate differs, and the metric would too, but it was never
measured: the dotted line is a guess from the recorded one. Train it for real to find out.
"""


def show(source: Source) -> None:
    """Settings, what they would have done, and the grid; refreshed while the actual run trains."""
    st.header("What if", anchor=False)
    st.markdown("With other settings and the same recorded metric, when would the rate have been "
                "cut?")
    _start_from(source)
    live(_view, trained.TICK if trained.training(source) else None, source)


def _start_from(source: Source) -> None:
    """Fill the fields with the settings of the record when it changes."""
    if source.rule is None:
        return
    before = st.session_state.get("whatif_source", source.key)
    filled = st.session_state.get(fields.PRESET, ())
    for name in NAMES:
        key = f"{PREFIX}{name}"
        forgotten = key in filled and key not in st.session_state  # after a visit to another page
        if before != source.key or forgotten:
            fields.preset(key, getattr(source.rule, name))
    st.session_state["whatif_source"] = source.key


def _view(source: Source) -> bool:
    rule, recorded = source.rule, source.recorded
    if rule is None or recorded is None:
        return False
    other = rule.replace(**_settings(rule))
    was, would = replay(rule, recorded), replay(other, recorded)
    differs = first_difference(was, would)
    st.markdown(outlook(was, would, changed=", ".join(trained.differing(rule, other))))
    if differs is not None:
        st.info(LIMIT, icon=":material/info:")
    actual = trained.show(source, other, would, differs)
    steady_chart(
        figures.whatif_figure(recorded, was, would, differs, metric=source.metric, actual=actual),
        key="whatif", what=source.key, title=f"{source.metric} and the rate",
        label=f"Recorded {source.metric}, and the rates as they were and would have been",
    )
    _grids(rule, other, recorded, was.cuts[0] if was.cuts else None)
    return trained.training(source)


def _settings(rule: Plateau) -> dict[str, Any]:
    knobs = {knob.name: knob for knob in rule.knobs()}  # of a script's rule with wider bounds
    own = [replace(knobs[name], default=getattr(rule, name)) for name in NAMES]
    return fields.draw(own, prefix=PREFIX, columns=3)


def _grids(rule: Plateau, other: Plateau, recorded: Recorded, sure: int | None) -> None:
    st.markdown("**Patience and smallest improvement**")
    found = _grid_of(rule, other, recorded)
    shown: dict[Literal["first", "count"], str] = {
        "first": "Epoch of the first cut", "count": "Number of cuts",
    }
    for place, (show_, title) in zip(st.columns(2), shown.items(), strict=True):
        with place:
            st.markdown(title)
            steady_chart(
                figures.grid_figure(
                    found, show=show_, was=(rule.patience, rule.min_delta),
                    chosen=(other.patience, other.min_delta), sure=sure,
                ),
                key=f"grid-{show_}", what=f"grid-{show_}",
                label=f"{title} for each patience and smallest improvement",
            )
    st.caption(
        "Each cell is a plateau rule with that patience (across) and smallest improvement (up), "
        "with the other settings as above; grey means no cut. The orange frame marks the record, "
        "the white frame your choice. "
        + (f"A first cut up to epoch {sure} is certain. There the rate of the record fell, so "
           "later first cuts (?), cells without a cut and numbers of cuts are guesses." if sure
           else "The rate of the record never fell, so every first cut is certain; the rest is a "
           "guess.")
    )


def _grid_of(rule: Plateau, other: Plateau, recorded: Recorded) -> Grid:
    """The grid; computed only if it would differ from the last one."""
    rest = other.as_dict()
    for name in ("patience", "min_delta"):
        del rest[name]
    return _grid(
        tuple(rest.items()), recorded.values, recorded.base_lr, recorded.lead,
        tuple(sorted(recorded.missing)),
        tuple(sorted({rule.patience, other.patience} - {*PATIENCES})),
        tuple(sorted({rule.min_delta, other.min_delta} - {*DELTAS})),
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _grid(
    rest: tuple[tuple[str, Any], ...], values: tuple[float, ...], base_lr: float,
    lead: tuple[float, ...], missing: tuple[int, ...], patiences: tuple[int, ...],
    deltas: tuple[float, ...],
) -> Grid:
    recorded = Recorded(values=values, base_lr=base_lr, lead=lead, missing=frozenset(missing))
    rule = WatchedPlateau(**dict(rest))  # whose metric may be any
    return grid(rule, recorded, patiences=patiences, deltas=deltas)
