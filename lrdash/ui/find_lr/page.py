"""The Find LR page: choose what to try, or watch the range test that the address names."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lrdash.analysis import range_test as told
from lrdash.core import wording
from lrdash.core.errors import LrdashError
from lrdash.core.spec import RunSpec
from lrdash.planning.range_test import MOST_SEEDS, PlannedTest, RangeTestSpec, make
from lrdash.store import RangeTestRow
from lrdash.ui import resources, shell
from lrdash.ui.components import fields, form
from lrdash.ui.find_lr import result

PREFIX = "find."
KNOBS = {knob.name: knob for knob in RangeTestSpec.knobs()}
SEEDS = 5
SHOWN = 20  # earlier tests in the list
IDEA = """
The rate begins so low that nothing moves and grows with every update, until the loss leaves all
bounds. In between the loss falls: there lie the rates that this model can learn with. It takes
seconds, where trying whole trainings takes minutes.

Several seeds run side by side, each with first weights and batches of its own, so that you see how
far a suggestion can be trusted. Only fresh models are used; nothing that was trained is touched.
"""


def body() -> None:
    """The test that the address names, else the form."""
    range_test_id = st.query_params.get("test")
    if range_test_id:
        result.watch(range_test_id)
    else:
        shell.activity()
        choose()


def choose() -> None:
    """What to try on the left, what that is on the right, and Start."""
    left, right = st.columns([5, 7], gap="medium")
    planned: PlannedTest | None = None
    with left:
        try:
            tested = _draw()
            form.require_data(tested.base.dataset)
            planned = make(tested)
        except LrdashError as fault:
            problem = str(fault)
    with right, st.container(key="outlook"):
        if planned is None:
            st.error(problem, icon=":material/error:")
            st.caption("Nothing is lost: mend that field and Start comes back.")
        else:
            _offer(planned)
        _earlier()


def _draw() -> RangeTestSpec:
    values = form.what()
    with st.container(border=True):
        st.header("Which rates", anchor=False)
        knobs = [KNOBS[name] for name in ("lowest", "highest", "updates")]
        tried = fields.draw(knobs[:2], prefix=PREFIX)
        first, second = st.columns(2)
        with first:
            tried["updates"] = fields.widget(
                KNOBS["updates"], key=f"{PREFIX}updates", start=KNOBS["updates"].default
            )
        with second:
            seeds = st.number_input(
                "Seeds", 1, MOST_SEEDS, SEEDS, key=f"{PREFIX}seeds", **fields.PERSIST,
                help=KNOBS["seeds"].help,
            )
        with st.expander("Batches, loss"):
            values |= form.more(values["dataset"], seed=False, stopping=False)
    return RangeTestSpec(base=RunSpec(**values), seeds=tuple(range(seeds)), **tried)


def _offer(planned: PlannedTest) -> None:
    spec, plan = planned.spec, planned.plan
    with st.container(border=True):
        st.header("A range test", anchor=False)
        st.markdown(IDEA)
        passes = spec.updates / plan.steps_per_epoch
        st.caption(
            f"{spec.updates} updates for each of {len(spec.seeds)} seeds, from "
            f"{wording.rate(spec.lowest)} to {wording.rate(spec.highest)} · "
            f"{plan.parameters:,} parameters · {passes:.2g} passes over "
            f"{plan.train_examples:,} examples"
        )
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="start-test"):
            _begin(spec)


def _begin(spec: RangeTestSpec) -> None:
    made = resources.store().range_tests.create(
        spec.to_json(), spec.rates, seeds=len(spec.seeds)
    )
    resources.laboratory().wake()
    st.query_params["test"] = made
    st.rerun()


def _earlier() -> None:
    rows = resources.store().range_tests.listing(limit=SHOWN)
    if not rows:
        st.caption("Earlier tests will be listed here.")
        return
    st.header("Earlier tests", anchor=False)
    column = st.column_config
    table = pd.DataFrame([_line(row) for row in rows])
    event = st.dataframe(
        table, hide_index=True, key="earlier-tests", on_select="rerun",
        selection_mode="single-row",
        column_config={
            "what": column.TextColumn("Data, model, optimizer", width="medium"),
            "rate": column.TextColumn("Suggested rate", width="small"),
            "status": column.TextColumn("Status", width="small"),
            "created": column.DatetimeColumn("Created", format="distance"),
        },
    )
    st.caption("Tick the box at the left of a row to open it.")
    if event.selection.rows:
        st.query_params["test"] = rows[event.selection.rows[0]].range_test_id
        st.rerun()


def _line(row: RangeTestRow) -> dict[str, object]:
    spec = RangeTestSpec.from_json(row.definition)
    value = told.suggested(result.load(row).table) if row.update else None
    return {
        "what": result.in_words(spec), "rate": wording.rate(value),
        "status": row.status, "created": row.created_at,
    }
