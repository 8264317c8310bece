"""One search in hindsight, live and afterwards: what it found, and how far others are from it."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.analysis import hindsight as told
from lrdash.core import wording
from lrdash.core.errors import LrdashError, NotFound
from lrdash.core.events import ACTIVE
from lrdash.jobs import hindsight
from lrdash.planning.hindsight import FOUND, Search, Tried, best, survivors
from lrdash.store import HindsightRow, StageRun
from lrdash.ui import resources
from lrdash.ui.components.steady_chart import steady_chart

TICK = 2.0  # seconds between two looks while it is active
CONTINUABLE = ("interrupted", "stopped")
METHOD = """
**The search.** At each decision point every branch kept is trained on with its rate times each
factor, from exactly the weights it had there, and the branches with the lowest validation loss are
kept. Judged at the end of the run, no branch can win by a cut that pays at once and costs later;
judged at the next point it can, which is cheaper and cuts too early (Wu et al., arXiv 1803.02021).
Near best means: among the schedules that these points and factors can make, as far as the beam saw
them.

**Optimism.** The schedule was chosen by the validation loss of one seed, so there it looks better
than it is. With fresh seeds (other first weights, batches and dropout) it could not choose. All
strategies are trained with the same fresh seeds; the gap is the mean of the differences seed by
seed, its interval holds 95% by Student's t. The validation examples are the same for all seeds, so
what was fitted to them is not seen in this check; neither is it for a strategy whose peak rate
was chosen on them.
"""


def in_words(search: Search) -> str:
    """How it searches, in one line."""
    *others, last = (f"{factor:g}" for factor in search.moves)
    factors = f"{', '.join(others)} or {last}" if others else last
    points = f"{search.rounds} {'point' if search.rounds == 1 else 'points'}"
    return f"{points} · times {factors} · best {search.beam} kept"


def watch(hindsight_id: str) -> None:
    """The search as it stands, refreshed while it is active."""
    try:
        row = resources.store().hindsights.one(hindsight_id)
    except NotFound as fault:
        st.error(str(fault), icon=":material/error:")
        st.button("New search", icon=":material/add:", key="new-search",
                  on_click=st.query_params.clear)
        return
    _head(row)
    st.fragment(_guarded, run_every=TICK if row.active else None)(hindsight_id, row.active)


def _guarded(hindsight_id: str, was_active: bool) -> None:
    try:
        _view(hindsight_id, was_active)
    except LrdashError as fault:  # a fragment runs outside the page's own frame
        st.error(str(fault), icon=":material/error:")


def _view(hindsight_id: str, was_active: bool) -> None:
    store = resources.store()
    row, runs = store.hindsights.one(hindsight_id), store.hindsights.runs(hindsight_id)
    if was_active and not row.active:
        st.rerun()
    search, tried = Search.from_json(row.definition), hindsight.tried(runs)
    _progress(row, search, runs)
    table = told.standings(search, tried)
    if table.empty:
        if not row.active:
            st.caption("No branch came through, so there is nothing to draw.")
        return
    if row.status == "finished":
        st.markdown(told.told(search, tried))
    elif row.active and row.stage <= search.rounds:
        st.caption("Best so far; branches still train.")
    _charts(row, search, table)
    _table(table)
    _lead_on(row, search, tried)
    _branches(search, tried)
    with st.expander("How this is judged"):
        st.markdown(METHOD)


def _head(row: HindsightRow) -> None:
    search, hindsights = Search.from_json(row.definition), resources.store().hindsights
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.header(analysis.settings_in_words(search.base), anchor=False)
        judged = "at the end" if search.ahead == "end" else "at the next point"
        points = ", ".join(str(point) for point in search.points)
        st.caption(
            f"{in_words(search)} · after epoch {points} · judged {judged} · "
            f"{len(search.seeds)} fresh seeds"
        )
    with right, st.container(horizontal=True, horizontal_alignment="right"):
        if row.active:
            st.button("Stop", icon=":material/stop:", key="stop-search",
                      help="What is done stays and can be continued.",
                      on_click=hindsights.request_stop, args=(row.hindsight_id,))
            return
        if row.status in CONTINUABLE and st.button(
            "Continue", icon=":material/play_arrow:", key="continue-search", type="primary",
            help="It goes on from the checkpoints of its runs.",
        ):
            hindsights.resume(row.hindsight_id)
            resources.laboratory().wake()
            st.rerun()
        if st.button("Delete", icon=":material/delete:", key="delete-search", type="tertiary",
                     help="Removes the search with the runs that it made; the run stays."):
            hindsights.delete(row.hindsight_id)
            st.query_params.clear()
            st.rerun()
        if st.button("New search", icon=":material/add:", key="new-search"):
            st.query_params.clear()
            st.rerun()


def _progress(row: HindsightRow, search: Search, runs: list[StageRun]) -> None:
    own = [run for run in runs if run.stage == row.stage]
    if row.active:
        stage = {0: "The run itself", search.check: "Check on fresh seeds"}.get(
            row.stage, f"Point {row.stage} of {search.rounds}"
        )
        over = sum(run.status not in ACTIVE for run in own)
        share = (row.stage + over / max(1, len(own))) / (search.check + 1)
        waits = "" if any(run.status == "running" for run in own) or over else ", waiting its turn"
        st.progress(min(1.0, share), text=f"{stage}: {over} of {len(own)} runs done{waits}")
    elif row.status != "finished":
        where = f" at point {row.stage} of {search.rounds}" if row.stage else ""
        done = row.status.capitalize() + (where if row.stage < search.check else " in the check")
        told_already = row.reason == "stopped by the user"
        reason = f": {row.reason.rstrip('.')}" if row.reason and not told_already else ""
        tell = st.info if row.status in CONTINUABLE else st.error
        way_on = " Continue goes on from the checkpoints." if row.status in CONTINUABLE else ""
        tell(f"{done}{reason}.{way_on}", icon=":material/error:")


def _charts(row: HindsightRow, search: Search, table: pd.DataFrame) -> None:
    lines = [line for line in table.to_dict(orient="records") if line["run_id"]]
    epochs = resources.store().runs.epochs_of({line["run_id"] for line in lines})
    names = {line["label"]: line["strategy"] for line in lines}
    curves = pd.concat(
        [frames.epochs_frame(epochs[line["run_id"]]).assign(label=line["label"]) for line in lines],
        ignore_index=True,
    )
    rates = {line["label"]: frames.rates_frame(epochs[line["run_id"]]) for line in lines}
    shared: dict[str, Any] = {
        "found": FOUND, "points": search.points, "epochs": search.base.epochs,
    }
    left, right = st.columns(2)
    with left:
        _chart(figures.hindsight_losses(curves, names, **shared), "losses", row,
               f"Validation loss, seed {search.base.seed}")
    with right:
        _chart(figures.hindsight_rates(rates, names, **shared), "rates", row, "Learning rate")
    st.caption(
        "The thick line is the schedule found in hindsight, laid over the strategies with the seed "
        "that was searched. Dotted: the points at which it could change its rate. Drag to zoom, "
        "double-click to go back."
    )


def _chart(figure: Any, key: str, row: HindsightRow, title: str) -> None:
    st.markdown(f"**{title}**")
    steady_chart(
        figure, key=f"hindsight-{key}", what=f"{row.hindsight_id} {key}",
        label=f"{title} of the schedule found in hindsight over those of the strategies. The "
        "numbers are in the table below.",
    )


def _table(table: pd.DataFrame) -> None:
    st.header("How far each is from hindsight", anchor=False)
    column = st.column_config
    known = table["fresh_gap"].notna().any()
    shown = table.assign(**{
        name: [wording.number(value) for value in table[name]]
        for name in ("val_loss", "fresh_val_loss")
    })
    shown["gap"] = [_gap(line["gap"], first=not place)
                    for place, line in enumerate(table.to_dict(orient="records"))]
    shown["fresh_gap"] = [_gap(line["fresh_gap"], first=not place)
                          for place, line in enumerate(table.to_dict(orient="records"))]
    shown["interval"] = [_interval(line) for line in table.to_dict(orient="records")]
    shown["base_lr"] = [wording.rate(value) for value in table["base_lr"]]
    fresh = ("fresh_val_loss", "fresh_gap", "interval") if known else ()
    st.dataframe(
        shown, hide_index=True, key="standings",
        column_order=["label", "base_lr", "val_loss", "gap", *fresh],
        column_config={
            "label": column.TextColumn("Schedule"), "base_lr": column.TextColumn("Peak rate"),
            "val_loss": column.TextColumn("Validation loss", help="At the end, seed searched."),
            "gap": column.TextColumn(
                "Gap", help="How far above hindsight, with the seed that was searched."
            ),
            "fresh_val_loss": column.TextColumn("On fresh seeds", help="Mean at the end."),
            "fresh_gap": column.TextColumn(
                "Gap there", help="Mean of the differences seed by seed; below 0 the strategy is "
                "ahead of the schedule found.",
            ),
            "interval": column.TextColumn("95% interval"),
        },
    )


def _gap(value: float, *, first: bool) -> str:
    if first or math.isnan(value):
        return ""
    return f"{'+' if value > 0 else ''}{wording.number(value)}"


def _interval(line: dict[Any, Any]) -> str:
    if not math.isfinite(line["low"]) or line["low"] == line["high"]:
        return f"{line['lost']} of {line['seeds']} lost" if line["lost"] else ""
    return f"{wording.number(line['low'])} to {wording.number(line['high'])}"


def _lead_on(row: HindsightRow, search: Search, tried: list[Tried]) -> None:
    """Where the schedule found can be taken."""
    found = best(search, tried)
    if row.active or found is None:
        return
    with st.container(horizontal=True):
        if st.button("Open its run", icon=":material/open_in_new:", key="open-found",
                     help="Its epochs, its Keras code, its exports; its settings replay it."):
            st.switch_page("pages/train.py", query_params={"run": found.run_id})
        rates = frames.rates_frame(resources.store().runs.epochs(found.run_id))["learning_rate"]
        st.download_button(
            "Schedule as points", data=json.dumps(analysis.as_points(rates), indent=2),
            file_name=f"lrdash-hindsight-{row.hindsight_id}.json", mime="application/json",
            icon=":material/download:", key="as-points", on_click="ignore",
            help="The settings of the strategy Draw your own, with the peak rate.",
        )


def _branches(search: Search, tried: list[Tried]) -> None:
    """All that was tried, point by point."""
    branches = [one for one in tried if one.role in ("base", "branch")]
    kept = {one.run_id for stage in range(search.rounds + 1)
            for one in survivors(search, tried, stage) if one.stage == stage}
    found = best(search, tried)
    with st.expander(f"The branches: {len(branches) - 1} tried"):
        lines = pd.DataFrame([
            {
                "point": one.stage, "changes": told.moves_in_words(one.moves) or "as it was",
                "val_loss": one.val_loss if math.isfinite(one.val_loss) else None,
                "kept": "found" if found and one.run_id == found.run_id
                else "yes" if one.run_id in kept else "",
                "run": one.run_id,
            }
            for one in branches
        ])
        column = st.column_config
        st.dataframe(
            lines, hide_index=True, key="branches",
            column_config={
                "point": column.NumberColumn("Point", width="small"),
                "changes": column.TextColumn("Rate", width="large"),
                "val_loss": column.NumberColumn("Validation loss", format="%.5g"),
                "kept": column.TextColumn("Kept", width="small"),
                "run": column.TextColumn("Run"),
            },
        )
        st.caption("They are in the table of runs as well, with the tag hindsight.")
