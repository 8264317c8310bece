"""The table of all runs, its filters, and what happens when the list changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import streamlit as st

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.core.errors import LrdashError
from lrdash.core.events import Status
from lrdash.core.wording import count, plural
from lrdash.store import RunRow
from lrdash.ui import resources
from lrdash.ui.components.live import live
from lrdash.ui.components.tables import page_of, pick_rows, show_unreadable
from lrdash.ui.runs import actions

WATCH = 3.0  # seconds between two checks for new runs
PAGE_SIZE = 100  # runs on a page of the table


def await_new_runs() -> None:
    """Redraw the page when a script or another visitor starts a run."""
    live(_watch, WATCH, resources.store().runs.counts())


def show() -> bool:
    """The table, and what can be done with the selected runs; gives whether a run is active."""
    rows = resources.store().runs.listing()
    active = any(row.active for row in rows)
    matching = _filtered(rows)
    if not matching:
        st.caption("No run matches these filters.")
        return active
    tree = page_of(analysis.as_tree(matching), PAGE_SIZE, key="page",
                   title=f"{count(len(matching))} runs, newest first, {PAGE_SIZE} per page")
    shown = {row.run_id: row for row, _ in tree}
    curves = resources.store().runs.val_losses(shown)
    frame = frames.runs_frame(list(shown.values()), curves)
    frame["settings"] = [_indented(row, depth) for row, depth in tree]
    picked = pick_rows(
        frame, list(shown), key="runs", columns=_columns(), order=_order(list(shown.values())),
        several=True, height=min(620, 38 + 35 * max(3, len(frame))),
    )
    if picked:
        actions.draw([shown[run_id] for run_id in picked])
    else:
        st.caption("Tick the box at the left of a row to open, rename, tag, export or delete the "
                   "run; tick several to compare them.")
    return active


def offer_to_delete_unreadable() -> None:
    """Runs that cannot be read, named with the reasons: they can only be deleted."""
    broken = resources.store().runs.unreadable()
    if not broken:
        return
    show_unreadable(list(broken.values()))
    if st.button(f"Delete {plural(len(broken), 'unreadable run')}", icon=":material/delete:",
                 key="delete-unreadable"):
        actions.delete(list(broken))


def _watch(seen: Mapping[Status, int]) -> None:
    with suppress(LrdashError):  # the page shows it where it needs the store
        if resources.store().runs.counts() != seen:
            st.rerun()


def _indented(row: RunRow, depth: int) -> str:
    """The settings; for a branch, first what it changes, indented by its depth."""
    settings = analysis.settings_in_words(row.spec)
    if row.fork_epoch is None:
        return settings
    change = analysis.branch_in_words(row.spec, row.fork_epoch)
    indent = "\u2003" * max(0, depth - 1) + ("└ " if depth else "")
    return f"{indent}from epoch {row.fork_epoch}: {change} · {settings}"


def _filtered(rows: list[RunRow]) -> list[RunRow]:
    known_tags = sorted({tag for row in rows for tag in row.tags})
    places = st.columns([2, 1, 1] if known_tags else [2, 1])
    text = places[0].text_input("Search", key="search", bind="query-params",
                                placeholder="name, dataset, model, strategy")
    status = places[1].multiselect("Status", sorted({row.status for row in rows}), key="status")
    tags = places[2].multiselect("Tags", known_tags, key="tag") if known_tags else []
    needles = text.lower().split()
    return [
        row for row in rows
        if (not status or row.status in status)
        and (not tags or set(tags) & set(row.tags))
        and all(needle in _haystack(row) for needle in needles)
    ]


def _haystack(row: RunRow) -> str:
    spec = row.spec
    ids = (row.run_id, spec.dataset, spec.model, spec.strategy)
    return " ".join([*ids, row.name, _indented(row, 0), *row.tags]).lower()


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
    """The columns to show: names and tags only if there are any."""
    empty = {"name": not any(row.name for row in shown), "tags": not any(row.tags for row in shown)}
    return [name for name in _columns() if not empty.get(name, False)]
