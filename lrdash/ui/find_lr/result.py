"""One range test, live and afterwards: its curves, the rates suggested, and where to use them."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import range_test
from lrdash.core import wording
from lrdash.core.wording import plural
from lrdash.planning import external
from lrdash.planning.range_test import RangeTestSpec, make
from lrdash.store import RangeTestRow
from lrdash.ui import resources
from lrdash.ui.components import fields, found_rate, queue
from lrdash.ui.components.errors import attempt, error_boundary
from lrdash.ui.components.live import live
from lrdash.ui.components.result import ICONS, ended, header, leave, progress
from lrdash.ui.components.steady_chart import steady_chart
from lrdash.ui.components.tables import show_table
from lrdash.ui.find_lr import sweep

TICK, SLOW_TICK = 0.5, 2.0  # seconds between two looks: at the test, at its sweep
OFTEN = 3.0  # passes over the data from which memorized examples lower the loss
READ = (
    "Each point is the loss of one batch before its update; each line is a seed, smoothed.{rules} "
    "The grey area starts where the median seed diverged. Drag to zoom, double-click to reset."
)
READ_RULES = (
    " Below, each rule shows its suggestion (the median over the seeds) and its range over them."
)
METHOD = """
**Smoothed** by a bias-corrected exponential average. It lags behind the loss, so more smoothing
moves the suggestions to the right. The rules use the smoothed curve of each seed, without the first
tenth of the updates, up to where it diverges.

**Diverged** is a seed whose smoothed loss is no longer finite, is four times its lowest value and
more than halfway back, or, once it has learned something, rises above its start by more than
chance. Smoothing below the default does not move that edge.

**No rate is suggested** where the loss does not clearly fall and rise again within the range.

**A range test is a hint, not a verdict**: it sees a few hundred updates of a model that has just
started to learn. The best rate of a whole training can be several times higher or lower; a sweep
shows it.

**Sources.** Smith, arXiv 1506.01186, section 3.3; four of the rules are those of fastai's
learning-rate finder.
"""


class Findings(NamedTuple):
    """What a test shows."""

    frame: pd.DataFrame  # see `analysis.range_test.range_frame`
    table: pd.DataFrame  # see `analysis.range_test.suggestions`


def load(row: RangeTestRow, smoothing: float = range_test.SMOOTHING) -> Findings:
    """The frames of a test; computed once for all who view it in the same state."""
    return Findings(*_findings(row.range_test_id, row.update, smoothing))


@st.cache_data(max_entries=64, show_spinner=False)
def _findings(
    range_test_id: str, update: int, smoothing: float  # noqa: ARG001 (a cache key)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    row = resources.store().range_tests.one(range_test_id)
    seeds = RangeTestSpec.from_json(row.definition).seeds
    frame = range_test.range_frame(row.rates, row.losses, seeds, smoothing)
    return frame, range_test.suggestions(frame)


def in_words(spec: RangeTestSpec) -> str:
    """What was tried, in one line."""
    return f"{analysis.data_and_model(spec.base)} · {analysis.optimizer_in_words(spec.base)}"


def show(range_test_id: str) -> None:
    """The test, refreshed while it or its sweep is active."""
    with error_boundary():
        row = resources.store().range_tests.one(range_test_id)
        _header(row, RangeTestSpec.from_json(row.definition))
        live(_view, TICK if row.active else SLOW_TICK if sweep.active(row) else None, range_test_id)
        return
    _new_test()


def _new_test() -> None:
    st.button("New test", icon=":material/add:", key="new-test", on_click=leave, args=("test",))


def _view(range_test_id: str) -> bool:
    row = resources.store().range_tests.one(range_test_id)
    spec = RangeTestSpec.from_json(row.definition)
    _status(row)
    if row.active and row.update:
        _chart(row, spec, load(row))
    elif row.update:
        _results(row, spec)
    return row.active or sweep.active(row)


def _results(row: RangeTestRow, spec: RangeTestSpec) -> None:
    found = load(row, _smoothing())
    st.markdown(f"**{range_test.headline(*found)}**")
    better = range_test.advice(found.frame)
    if better is not None:
        _again(spec, better)
    _chart(row, spec, found)
    if better is None:
        _rules(row, found.table)
    sweep.show(row, spec, found.table)
    with st.expander("How this is judged"):
        st.markdown(METHOD)


def _again(spec: RangeTestSpec, better: range_test.Advice) -> None:
    """A button that tests better rates, where there are any and the model is at hand."""
    low, high = better.lowest, better.highest
    if low is None or high is None or external.why_not(spec.base):
        return
    words = f"Test {wording.rate(low)} to {wording.rate(high)}"
    if st.button(words, type="primary", icon=":material/play_arrow:", key="test-again"):
        wider = spec.replace(lowest=low, highest=high, updates=better.updates or spec.updates)
        st.query_params["test"] = queue.start_range_test(make(wider))
        st.rerun()


def _header(row: RangeTestRow, spec: RangeTestSpec) -> None:
    actions = header(
        in_words(spec), f"{wording.rate(spec.lowest)} to {wording.rate(spec.highest)} in "
        f"{plural(spec.updates, 'update')} · {plural(len(spec.seeds), 'seed')} · batches of "
        f"{spec.base.batch_size}",
    )
    with actions:
        if row.active:
            st.button(
                "Stopping" if row.stop_requested else "Stop", icon=":material/stop:",
                key="stop-test", disabled=row.stop_requested, on_click=attempt,
                args=(resources.store().range_tests.request_stop, row.range_test_id),
            )
        elif st.button("Delete", icon=":material/delete:", key="delete-test", type="tertiary",
                       help="Deletes this test and its losses. A sweep stays as a comparison."):
            resources.store().range_tests.delete([row.range_test_id])
            leave("test")
            st.rerun()
        _new_test()


def _status(row: RangeTestRow) -> None:
    if row.status == "queued":
        st.info("Queued. It starts as soon as the current training is done and a worker is ready.",
                icon=ICONS["queued"])
    elif row.status == "running":
        words = f"update {row.update} of {row.updates}" if row.update else "building the models"
        progress(row.update / max(1, row.updates), words)
    elif row.status != "finished":
        known = row.reason.startswith("stopped by the user")
        ended(row.status, f"{row.status.capitalize()} after {row.update} of {row.updates} updates",
              reason="" if known else row.reason)
        if not row.update:
            st.caption("No update was made, so there is nothing to draw. Start a new test to try "
                       "again.")


def _smoothing() -> float:
    value: float = st.slider(
        "Smoothing", 0.0, 0.98, range_test.SMOOTHING, step=0.02, key="smoothing-test", width=280,
        **fields.PERSIST,
        help="Share of the past that the lines keep; more makes them smoother and later.",
    )
    return value


def _chart(row: RangeTestRow, spec: RangeTestSpec, found: Findings) -> None:
    figure = figures.range_figure(*found, rates=(spec.lowest, spec.highest))
    steady_chart(
        figure, key="range-test", what=row.range_test_id,
        label="Loss of each batch over the learning rate, and the suggested rates. "
        "The suggestions are in the table below.",
    )
    suggested = found.table["suggestion"].notna().any()
    note = READ.format(rules=READ_RULES if suggested else "")
    passes = row.updates / make(spec).plan.steps_per_epoch
    if passes > OFTEN:
        note += (
            f"\n\nThe test passed over the data {passes:.0f} times: towards the right, the loss "
            "also falls because the model memorizes the examples. Fewer updates or smaller batches "
            "reduce this."
        )
    st.caption(note)


def _rules(row: RangeTestRow, table: pd.DataFrame) -> None:
    st.header("What the rules suggest", anchor=False)
    shown = table.assign(
        idea=[range_test.RULES[rule].idea for rule in table["rule"]],
        rate=[wording.rate(value) for value in table["suggestion"]],
        span=[_span(line) for line in table.to_dict(orient="records")],
    )
    show_table(shown, key="rules", columns={
        "label": "Rule", "rate": "Suggested rate", "span": "Over the seeds",
        "idea": st.column_config.TextColumn("How it works", width="large"),
    })
    known = table[table["suggestion"].map(math.isfinite)]
    if len(known):
        _use(row, known)


def _use(row: RangeTestRow, known: pd.DataFrame) -> None:
    names = dict(zip(known["rule"], known["label"], strict=True))
    first = range_test.PREFERRED if range_test.PREFERRED in names else next(iter(names))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rule = st.selectbox(
            "Rate suggested by", list(names), format_func=lambda name: names[name],
            index=list(names).index(first), key="rule", width=200,
            help=f"{range_test.RULES[range_test.PREFERRED].label} has come closest to the best "
            "rates of whole trainings, as measured by lrdash bench finder.",
        )
        rate = range_test.suggested(known, rule)
        if st.button(f"Train with {wording.rate(rate)}", type="primary", key="use-train",
                     icon=":material/trending_down:"):
            found_rate.leave_for("pages/train.py", row.range_test_id, rate)
        if st.button(f"Compare around {wording.rate(rate)}", key="use-compare",
                     icon=":material/stacked_line_chart:"):
            found_rate.leave_for("pages/compare.py", row.range_test_id, rate)


def _span(line: dict[Any, Any]) -> str:
    if not line["found"]:
        return "no seed"
    span = f"{wording.rate(line['low'])} to {wording.rate(line['high'])}"
    missing = line["seeds"] - line["found"]
    return f"{span} ({line['found']} of {line['seeds']} seeds)" if missing else span
