"""A new range test: its form, what it takes, Start, and earlier tests."""

from __future__ import annotations

import streamlit as st

from lrdash.analysis import range_test
from lrdash.core import wording
from lrdash.core.spec import RunSpec
from lrdash.core.wording import plural
from lrdash.planning.range_test import MOST_SEEDS, PlannedTest, RangeTestSpec, make
from lrdash.ui import resources
from lrdash.ui.components import fields, form
from lrdash.ui.components.tables import defined
from lrdash.ui.find_lr import result

PREFIX = "find."
KNOBS = {knob.name: knob for knob in RangeTestSpec.knobs()}
SEEDS = 5
SHOWN = 20  # earlier tests in the list
IDEA = """
The rate starts too low to matter and grows with every update until the loss diverges. In between,
the loss falls: those are the rates to use. A test takes seconds, whole trainings take minutes.

Several seeds run side by side, each with its own weights and batches, and show how far you can
trust a suggestion. Only new models are used; no trained run is touched.
"""
COLUMNS = {
    "what": st.column_config.TextColumn("Data, model, optimizer", width="medium"),
    "rate": st.column_config.TextColumn("Suggested rate", width="small"),
    "status": st.column_config.TextColumn("Status", width="small"),
    "created": st.column_config.DatetimeColumn("Created", format="distance"),
}


def read() -> PlannedTest:
    """Draw the form and plan the test.

    Raises:
        LrdashError: a setting is not allowed, or settings do not fit each other.
    """
    values = form.what()
    with st.container(border=True):
        st.header("Which rates", anchor=False)
        tried = fields.draw([KNOBS["lowest"], KNOBS["highest"]], prefix=PREFIX)
        first, second = st.columns(2)
        with first:
            tried |= fields.draw([KNOBS["updates"]], prefix=PREFIX, columns=1)
        seeds = second.number_input(
            "Seeds", 1, MOST_SEEDS, SEEDS, key=f"{PREFIX}seeds", **fields.PERSIST,
            help=KNOBS["seeds"].help,
        )
        with st.expander("Batches, loss"):
            values |= form.more(values["dataset"], seed=False, stopping=False)
    spec = RangeTestSpec(base=RunSpec(**values), seeds=tuple(range(seeds)), **tried)
    form.require_data(spec.base.dataset)
    return make(spec)


def start(planned: PlannedTest) -> bool:
    """What the test takes, and the button; True when pressed."""
    spec, plan = planned.spec, planned.plan
    with st.container(border=True):
        st.header("A range test", anchor=False)
        st.markdown(IDEA)
        passes = spec.updates / plan.steps_per_epoch
        st.caption(
            f"{plural(spec.updates, 'update')} for each of {plural(len(spec.seeds), 'seed')}, from "
            f"{wording.rate(spec.lowest)} to {wording.rate(spec.highest)} · "
            f"{plan.parameters:,} parameters · {passes:.2g} passes over "
            f"{plan.train_examples:,} examples"
        )
        return st.button("Start range test", type="primary", icon=":material/play_arrow:",
                         key="start-test")


def earlier() -> dict[str, dict[str, object]]:
    """A line for each of the latest tests, by id."""
    lines: dict[str, dict[str, object]] = {}
    for row, spec in defined(resources.store().range_tests, RangeTestSpec, SHOWN):
        value = range_test.suggested(result.load(row).table) if row.update else None
        lines[row.range_test_id] = {
            "what": result.in_words(spec),
            "rate": wording.rate(value), "status": row.status, "created": row.created_at,
        }
    return lines
