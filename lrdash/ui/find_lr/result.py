"""One range test, live and afterwards: its curves, what the rules suggest, and where to go on."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import range_test as told
from lrdash.core import wording
from lrdash.core.errors import LrdashError, NotFound
from lrdash.planning.range_test import RangeTestSpec, make
from lrdash.store import RangeTestRow
from lrdash.ui import resources
from lrdash.ui.components import fields, found_rate
from lrdash.ui.components.errors import attempt
from lrdash.ui.components.steady_chart import steady_chart
from lrdash.ui.find_lr import sweep

TICK, SLOW_TICK = 0.5, 2.0  # seconds between two looks: at the test, at its sweep
OFTEN = 3.0  # passes over the data from which the loss says more about what is known by heart
READ = """
A point is the loss of one batch before its update; the lines are smoothed, one a seed. Below, each
rule with its suggestion (the median over the seeds) and the span over the seeds. The grey ground on
the right begins where, in the middle over the seeds, the loss has left all bounds. Drag to zoom,
double-click to go back.
"""
METHOD = """
**Smoothed** by an exponential average without the pull towards 0 at its start. It follows the loss
with some delay, so more smoothing moves the suggestions to the right. The rules work on the
smoothed curve of each seed, without the first tenth of the updates, up to where it diverges.

**Diverged** is a seed whose smoothed loss is no longer finite, is four times its lowest so far, or,
once it has learned something, is back above what it began with.

**A range test is a hint, not a verdict**: it sees a few hundred updates of a model that has just
begun to learn. The best rate of a whole training can be several times higher or lower, which the
trainings below can tell.

**Sources.** Smith, arXiv 1506.01186, section 3.3; the rules are those of fastai's learning-rate
finder.
"""


class Told(NamedTuple):
    """What a test tells."""

    frame: pd.DataFrame  # see `analysis.range_test.range_frame`
    table: pd.DataFrame  # see `analysis.range_test.suggestions`


def load(row: RangeTestRow, smoothing: float = told.SMOOTHING) -> Told:
    """The frames of a test; computed once for all who look at it in the same state."""
    return Told(*_told(row.range_test_id, row.update, smoothing))


@st.cache_data(max_entries=64, show_spinner=False)
def _told(
    range_test_id: str, update: int, smoothing: float  # noqa: ARG001 (a cache key)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    row = resources.store().range_tests.one(range_test_id)
    seeds = RangeTestSpec.from_json(row.definition).seeds
    frame = told.range_frame(row.rates, row.losses, seeds, smoothing)
    return frame, told.suggestions(frame)


def in_words(spec: RangeTestSpec) -> str:
    """What was tried, in one line."""
    base = spec.base
    data = analysis.dataset_in_words(base.dataset)
    return f"{data} · {base.model} · {analysis.optimizer_in_words(base)}"


def watch(range_test_id: str) -> None:
    """The test as it stands, refreshed while it or its sweep is active."""
    try:
        row = resources.store().range_tests.one(range_test_id)
    except NotFound as fault:
        st.error(str(fault), icon=":material/error:")
        st.button("New test", icon=":material/add:", key="new-test",
                  on_click=_leave)
        return
    spec = RangeTestSpec.from_json(row.definition)
    _head(row, spec)
    every = TICK if row.active else SLOW_TICK if sweep.active(row) else None
    st.fragment(_guarded, run_every=every)(range_test_id, every is not None)


def _leave() -> None:
    st.query_params.pop("test", None)


def _guarded(range_test_id: str, was_active: bool) -> None:
    try:
        _view(range_test_id, was_active)
    except LrdashError as fault:  # a fragment runs outside the page's own frame
        st.error(str(fault), icon=":material/error:")


def _view(range_test_id: str, was_active: bool) -> None:
    row = resources.store().range_tests.one(range_test_id)
    if was_active and not row.active and not sweep.active(row):
        st.rerun()
    spec = RangeTestSpec.from_json(row.definition)
    _progress(row)
    if not row.update:
        return
    if row.active:
        _chart(row, spec, load(row))
        return
    smoothing = _smoothing()
    found = load(row, smoothing)
    st.markdown(f"**{told.headline(*found)}**")
    _chart(row, spec, found)
    _rules(row, found.table)
    sweep.show(row, spec, found.table)
    with st.expander("How this is judged"):
        st.markdown(METHOD)


def _head(row: RangeTestRow, spec: RangeTestSpec) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.header(in_words(spec), anchor=False)
        seeds = len(spec.seeds)
        st.caption(
            f"{wording.rate(spec.lowest)} to {wording.rate(spec.highest)} in {spec.updates} "
            f"updates · {seeds} {'seed' if seeds == 1 else 'seeds'} · batches of "
            f"{spec.base.batch_size}"
        )
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if row.active:
            st.button(
                "Stopping" if row.stop_requested else "Stop", icon=":material/stop:",
                key="stop-test", disabled=row.stop_requested,
                on_click=attempt,
                args=(resources.store().range_tests.request_stop, row.range_test_id),
            )
        elif st.button("Delete", icon=":material/delete:", key="delete-test", type="tertiary",
                       help="Removes this test and its losses. A sweep beside it stays."):
            resources.store().range_tests.delete([row.range_test_id])
            st.query_params.pop("test", None)
            st.rerun()
        if st.button("New test", icon=":material/add:", key="new-test"):
            st.query_params.pop("test", None)
            st.rerun()


def _progress(row: RangeTestRow) -> None:
    if row.status == "queued":
        st.info("Queued. It starts as soon as what trains now is done and the trainer is warm.",
                icon=":material/schedule:")
    elif row.status == "running":
        words = f"update {row.update} of {row.updates}" if row.update else "making the models"
        st.progress(row.update / max(1, row.updates), text=words)
    elif row.status != "finished":
        words = f"{row.status.capitalize()} after {row.update} of {row.updates} updates"
        told_already = row.reason.startswith("stopped by the user")
        reason = f": {row.reason}" if row.reason and not told_already else ""
        tell = st.info if row.status == "stopped" else st.error
        tell(f"{words}{reason}.".replace("..", "."), icon=":material/error:")
        if not row.update:
            st.caption("No update was made, so there is nothing to draw. New test begins again.")


def _smoothing() -> float:
    value: float = st.slider(
        "Smoothing", 0.0, 0.98, told.SMOOTHING, step=0.02, key="smoothing-test", width=280,
        **fields.PERSIST,
        help="Share of the past that the smoothed lines keep. The points stay as they were.",
    )
    return value


def _chart(row: RangeTestRow, spec: RangeTestSpec, found: Told) -> None:
    figure = figures.range_figure(*found, rates=(spec.lowest, spec.highest))
    steady_chart(
        figure, key="range-test", what=row.range_test_id,
        label="Loss of each batch over the learning rate, and the suggested rates. "
        "The suggestions are in the table below.",
    )
    note = READ
    passes = row.updates / make(spec).plan.steps_per_epoch
    if passes > OFTEN:
        note += (
            f"\nThe test went through the data {passes:.0f} times: towards the right the loss also "
            "falls because the examples are known by heart. Fewer updates or smaller batches "
            "shorten that."
        )
    st.caption(note)


def _rules(row: RangeTestRow, table: pd.DataFrame) -> None:
    st.header("What the rules suggest", anchor=False)
    column = st.column_config
    shown = table.assign(
        idea=[told.RULES[rule].idea for rule in table["rule"]],
        rate=[wording.rate(value) for value in table["suggestion"]],
        span=[_span(line) for line in table.to_dict(orient="records")],
    )
    st.dataframe(
        shown, hide_index=True, key="rules", column_order=["label", "rate", "span", "idea"],
        column_config={
            "label": column.TextColumn("Rule"), "rate": column.TextColumn("Suggested rate"),
            "span": column.TextColumn("Over the seeds"),
            "idea": column.TextColumn("How it looks", width="large"),
        },
    )
    known = table[table["suggestion"].map(math.isfinite)]
    if len(known):
        _use(row, known)


def _use(row: RangeTestRow, known: pd.DataFrame) -> None:
    names = dict(zip(known["rule"], known["label"], strict=True))
    first = told.PREFERRED if told.PREFERRED in names else next(iter(names))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rule = st.selectbox(
            "Rate of the rule", list(names), format_func=lambda name: names[name],
            index=list(names).index(first), key="rule", width=200,
            help="Minimum / 10 has come closest to the best rates of whole trainings so far; "
            "lrdash bench finder measures it.",
        )
        rate = told.suggested(known, rule)
        if st.button(f"Train with {wording.rate(rate)}", type="primary", key="use-train",
                     icon=":material/trending_down:"):
            found_rate.go("pages/train.py", row.range_test_id, rate)
        if st.button(f"Compare around {wording.rate(rate)}", key="use-compare",
                     icon=":material/stacked_line_chart:"):
            found_rate.go("pages/compare.py", row.range_test_id, rate)


def _span(line: dict[Any, Any]) -> str:
    if not line["found"]:
        return "no seed has one"
    span = f"{wording.rate(line['low'])} to {wording.rate(line['high'])}"
    missing = line["seeds"] - line["found"]
    return f"{span} ({line['found']} of {line['seeds']} seeds)" if missing else span
