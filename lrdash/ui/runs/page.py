"""The Runs page: the table of all runs and what can be done with those selected."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, nan
from typing import Any

import streamlit as st

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.core.errors import LrdashError
from lrdash.core.events import Status
from lrdash.planning import external
from lrdash.store import RunRow
from lrdash.ui import resources, shell
from lrdash.ui.components import export, interrupted
from lrdash.ui.runs import importing, overlay, storage

RESUMABLE = ("interrupted", "stopped")
WATCH = 3.0  # seconds between two looks for new runs
PAGE_SIZE = 100  # runs on a page of the table


def body() -> None:
    """Filters, table, actions; a sentence and a button where there is nothing yet."""
    side_by_side = st.query_params.get("runs")
    if side_by_side:
        overlay.body(side_by_side)
        return
    shell.activity()
    interrupted.offer()
    st.fragment(_watch, run_every=WATCH)(resources.store().runs.counts())
    rows = resources.store().runs.listing()
    _unreadable()
    if not rows:
        st.info("Your runs will be listed here, with their curves and settings. "
                "Start the first one on the Train page.", icon=":material/table_rows:")
        with st.container(horizontal=True):
            if st.button("Train a model", type="primary", icon=":material/trending_down:"):
                st.switch_page("pages/train.py")
            importing.offer()
        return
    importing.offer()
    active = any(row.active for row in rows)
    st.fragment(_guarded, run_every=2.0 if active else None)(active)
    storage.line()


def _watch(seen: Mapping[Status, int]) -> None:
    """See runs that scripts begin while nothing else is going on here."""
    try:
        if resources.store().runs.counts() != seen:
            st.rerun()
    except LrdashError:  # the page says it where it needs the store
        return


def _guarded(was_active: bool) -> None:
    try:
        _table(was_active)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")


def _table(was_active: bool) -> None:
    rows = resources.store().runs.listing()
    if was_active and not any(row.active for row in rows):
        st.rerun()
    shown = _filtered(rows)
    if not shown:
        st.caption("No run matches these filters.")
        return
    tree = _page_of(analysis.as_tree(shown))
    shown = [row for row, _ in tree]
    epochs = resources.store().runs.epochs_of([row.run_id for row in shown])
    curves = {
        run_id: [loss for epoch in found if isfinite(loss := epoch.metrics.get("val_loss", nan))]
        for run_id, found in epochs.items()
    }
    frame = frames.runs_frame(shown, curves)
    frame["settings"] = [_indented(row, depth) for row, depth in tree]
    event = st.dataframe(
        frame, hide_index=True, key="runs", on_select="rerun", selection_mode="multi-row",
        column_config=_columns(), column_order=_order(shown),
        height=min(620, 38 + 35 * max(3, len(frame))),
    )
    picked = [shown[i] for i in event.selection.rows if i < len(shown)]
    if picked:
        _actions(picked)
    else:
        st.caption("Tick the box at the left of a row to open, rename, tag, export or delete it; "
                   "tick several to compare them.")


def _indented(row: RunRow, depth: int) -> str:
    """The settings; of a branch first what it does, further in the deeper it stands."""
    settings = analysis.settings_in_words(row.spec)
    if row.fork_epoch is None:
        return settings
    does = analysis.branch_in_words(row.spec, row.fork_epoch)
    indent = "\u2003" * max(0, depth - 1) + ("└ " if depth else "")
    return f"{indent}from epoch {row.fork_epoch}: {does} · {settings}"


def _unreadable() -> None:
    """Runs that another version stored; they can only be deleted."""
    broken = resources.store().runs.unreadable()
    if not broken:
        return
    count = f"{len(broken)} {'run was' if len(broken) == 1 else 'runs were'}"
    st.warning(f"{count} stored by another version of lrdash and cannot be shown.",
               icon=":material/warning:")
    if st.button("Delete them", icon=":material/delete:", key="delete-unreadable"):
        _confirm_delete(list(broken))


def _page_of(rows: list[tuple[RunRow, int]]) -> list[tuple[RunRow, int]]:
    pages = -(-len(rows) // PAGE_SIZE)
    if pages < 2:
        return rows
    st.caption(f"{len(rows):,} runs, newest first, {PAGE_SIZE} on a page")
    page = st.pagination(pages, key="page")
    return rows[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]


def _filtered(rows: list[RunRow]) -> list[RunRow]:
    known_tags = sorted({tag for row in rows for tag in row.tags})
    places = st.columns([2, 1, 1] if known_tags else [2, 1])
    with places[0]:
        text = st.text_input("Search", key="search", placeholder="name, dataset, model, strategy",
                             bind="query-params")
    with places[1]:
        status = st.multiselect("Status", sorted({row.status for row in rows}), key="status")
    tags: list[str] = []
    if known_tags:
        with places[2]:
            tags = st.multiselect("Tags", known_tags, key="tag")
    needles = text.lower().split()
    return [
        row for row in rows
        if (not status or row.status in status)
        and (not tags or set(tags) & set(row.tags))
        and all(needle in _haystack(row) for needle in needles)
    ]


def _haystack(row: RunRow) -> str:
    settings = _indented(row, 0)
    return " ".join([row.run_id, row.name, settings, *row.tags]).lower()


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "settings": column.TextColumn("Settings", width="large"),
        "name": column.TextColumn("Name", width="small"),
        "status": column.TextColumn("Status", width="small"),
        "progress": column.ProgressColumn("Epochs", format="percent", width="small"),
        "curve": column.LineChartColumn("Validation loss", width="small"),
        "best_val_loss": column.NumberColumn("Best val loss", format="%.4f"),
        "seconds": column.NumberColumn("Seconds", format="%.1f", width="small"),
        "created_at": column.DatetimeColumn("Created", format="distance"),
        "tags": column.ListColumn("Tags"),
    }


def _order(shown: list[RunRow]) -> list[str]:
    """The columns worth showing: names and tags only where there are any."""
    empty = {"name": not any(row.name for row in shown), "tags": not any(row.tags for row in shown)}
    return [name for name in _columns() if not empty.get(name, False)]


def _actions(picked: list[RunRow]) -> None:
    one = picked[0] if len(picked) == 1 else None
    with st.container(horizontal=True):
        if st.button("Open", icon=":material/open_in_new:", disabled=one is None, key="open") \
                and one:
            st.switch_page("pages/train.py", query_params={"run": one.run_id})
        if st.button("Compare", icon=":material/stacked_line_chart:", key="compare-runs",
                     disabled=one is not None, help="Their curves over each other."):
            st.query_params["runs"] = ",".join(row.run_id for row in picked)
            st.rerun()
        paused = [
            row.run_id for row in picked if row.status in RESUMABLE and row.spec.trainable_here
        ]
        if paused and st.button("Continue", icon=":material/play_arrow:", key="continue",
                                help="From the last checkpoint, to the same bits."):
            interrupted.go_on(paused)
            st.rerun()
        missing = external.why_not(one.spec) if one else ""
        if st.button("Train again", icon=":material/replay:", key="again",
                     disabled=one is None or bool(missing), help=missing or None) and one:
            st.switch_page("pages/train.py", query_params={"from": one.run_id})
        with st.popover("Rename", icon=":material/edit:", disabled=one is None):
            if one:
                _rename(one)
        with st.popover("Tag", icon=":material/label:"):
            _tag(picked)
        with st.popover("Export", icon=":material/download:", key="export"):
            export.of_runs(picked)
        if st.button("Delete", icon=":material/delete:", key="delete"):
            _confirm_delete([row.run_id for row in picked])


def _rename(row: RunRow) -> None:
    with st.form("rename", border=False):
        name = st.text_input("Name", row.name, max_chars=120)
        if st.form_submit_button("Save"):
            resources.store().runs.rename(row.run_id, name.strip())
            st.rerun()


def _tag(picked: list[RunRow]) -> None:
    with st.form("tags", border=False):
        common = sorted(set.intersection(*(set(row.tags) for row in picked)))
        text = st.text_input("Tags, separated by commas", ", ".join(common), max_chars=200)
        if st.form_submit_button("Save"):
            tags = [tag.strip() for tag in text.split(",") if tag.strip()]
            for row in picked:
                kept = [tag for tag in row.tags if tag not in common]
                resources.store().runs.tag(row.run_id, tuple(dict.fromkeys([*kept, *tags])))
            st.rerun()


@st.dialog("Delete runs")
def _confirm_delete(run_ids: list[str]) -> None:
    count = len(run_ids)
    st.write(f"{count} {'run' if count == 1 else 'runs'} with all epochs will be gone for good.")
    if st.button(f"Delete {count} for good", type="primary", key="delete-for-good"):
        try:
            resources.store().runs.delete(run_ids)
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
            return
        st.rerun()
