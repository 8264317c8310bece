"""One search in hindsight, live and afterwards: what it found, and how far strategies are off."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.analysis import hindsight as findings
from lrdash.core import wording
from lrdash.core.events import ACTIVE
from lrdash.core.wording import listed, plural
from lrdash.jobs import hindsight
from lrdash.planning.hindsight import FOUND, Search, Tried, best, survivors
from lrdash.store import HindsightRow, StageRun
from lrdash.ui import resources
from lrdash.ui.components.errors import attempt, error_boundary
from lrdash.ui.components.live import live
from lrdash.ui.components.queue import RESUMABLE
from lrdash.ui.components.result import ended, header, progress
from lrdash.ui.components.steady_chart import steady_chart
from lrdash.ui.components.tables import show_table

TICK = 2.0  # seconds between two looks while it is active
METHOD = """
**The search.** At each decision point, every branch still kept is trained further with its rate
times each factor, from the exact weights it had there. The branches with the lowest validation loss
are kept. If they are judged at the end of the run, no branch can win by a cut that helps at first
and costs later. If they are judged at the next point it can, which is cheaper and cuts too early
(Wu et al., arXiv 1803.02021). The schedule found is close to the best among those that the points
and factors allow, as far as the search has seen them.

**Optimism.** The schedule was chosen by the validation loss of one seed, so it looks better there
than it is. Fresh seeds (other initial weights, batches and dropout) had no part in the choice. All
strategies are trained with the same fresh seeds. The gap is the mean of the differences seed by
seed, with a 95% interval by Student's t. The validation examples are the same for all seeds, so
this check does not detect a schedule fitted to them, nor a peak rate chosen on them.
"""


def in_words(search: Search) -> str:
    """How it searches, in one line."""
    factors = listed((f"{factor:g}" for factor in search.moves), "or")
    return f"{plural(search.rounds, 'point')} · times {factors} · best {search.beam} kept"


def show(hindsight_id: str) -> None:
    """The search, refreshed while it is active."""
    with error_boundary():
        row = resources.store().hindsights.one(hindsight_id)
        _header(row)
        live(_view, TICK if row.active else None, hindsight_id)
        return
    _new_search()


def _new_search() -> None:
    st.button("New search", icon=":material/add:", key="new-search", on_click=st.query_params.clear)


def _view(hindsight_id: str) -> bool:
    store = resources.store()
    row, runs = store.hindsights.one(hindsight_id), store.hindsights.runs(hindsight_id)
    search, tried = Search.from_json(row.definition), hindsight.tried(runs)
    _status(row, search, runs)
    table = findings.standings(search, tried)
    if not table.empty:
        _results(row, search, tried, table)
    elif not row.active:
        st.caption("Every branch failed or diverged, so there is nothing to draw.")
    return row.active


def _results(
    row: HindsightRow, search: Search, tried: list[Tried], table: pd.DataFrame
) -> None:
    if row.status == "finished":
        st.markdown(findings.result_in_words(search, tried))
    elif row.active and row.stage <= search.rounds:
        st.caption("Best so far; branches are still training.")
    _charts(row, search, table)
    _table(table)
    _ways_on(row, search, tried)
    _branches(search, tried)
    with st.expander("How this is judged"):
        st.markdown(METHOD)


def _header(row: HindsightRow) -> None:
    search, hindsights = Search.from_json(row.definition), resources.store().hindsights
    judged = "at the end" if search.ahead == "end" else "at the next point"
    actions = header(
        analysis.settings_in_words(search.base),
        f"{in_words(search)} · after epoch {listed(search.points)} · judged {judged} · "
        f"{plural(len(search.seeds), 'fresh seed')}",
    )
    with actions:
        if row.active:
            st.button("Stop", icon=":material/stop:", key="stop-search",
                      help="Everything trained so far is kept and can be resumed.",
                      on_click=attempt, args=(hindsights.request_stop, row.hindsight_id))
            return
        if row.status in RESUMABLE and st.button(
            "Resume", icon=":material/play_arrow:", key="resume-search", type="primary",
            help="Resumes its runs from their checkpoints.",
        ):
            hindsights.resume(row.hindsight_id)
            resources.laboratory().wake()
            st.rerun()
        if st.button("Delete", icon=":material/delete:", key="delete-search", type="tertiary",
                     help="Deletes the search and the runs that it made; the run itself stays."):
            hindsights.delete(row.hindsight_id)
            st.query_params.clear()
            st.rerun()
        _new_search()


def _status(row: HindsightRow, search: Search, runs: list[StageRun]) -> None:
    if row.active:
        own = [run for run in runs if run.stage == row.stage]
        stage = {0: "The run itself", search.check: "Check on fresh seeds"}.get(
            row.stage, f"Point {row.stage} of {search.rounds}"
        )
        over = sum(run.status not in ACTIVE for run in own)
        share = (row.stage + over / max(1, len(own))) / (search.check + 1)
        training = over or any(run.status == "running" for run in own)
        waits = "" if training else ", waiting for a worker"
        progress(share, f"{stage}: {over} of {plural(len(own), 'run')} done{waits}")
    elif row.status != "finished":
        where = f" at point {row.stage} of {search.rounds}" if row.stage else ""
        ended(
            row.status,
            row.status.capitalize() + (where if row.stage < search.check else " in the check"),
            reason="" if row.reason == "stopped by the user" else row.reason,
            hint="It can be resumed from the checkpoints." if row.status in RESUMABLE else "",
        )


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
        "The thick line is the schedule found in hindsight, the others are the strategies, all "
        "with the seed that was searched. Dotted lines mark the decision points. Drag to zoom, "
        "double-click to reset."
    )


def _chart(figure: Any, key: str, row: HindsightRow, title: str) -> None:
    steady_chart(
        figure, key=f"hindsight-{key}", what=f"{row.hindsight_id} {key}", title=title,
        label=f"{title} of the schedule found in hindsight over those of the strategies. The "
        "numbers are in the table below.",
    )


def _table(table: pd.DataFrame) -> None:
    st.header("How far each strategy is from hindsight", anchor=False)
    lines = [
        line | {name: wording.number(line[name]) for name in ("val_loss", "fresh_val_loss")} | {
            "base_lr": wording.rate(line["base_lr"]), "interval": _interval(line),
            "gap": _gap(line["gap"]) if place else "",
            "fresh_gap": _gap(line["fresh_gap"]) if place else "",
        }
        for place, line in enumerate(table.to_dict(orient="records"))
    ]
    column = st.column_config.TextColumn
    columns: dict[str, Any] = {
        "label": "Schedule", "base_lr": "Peak rate",
        "val_loss": column("Validation loss", help="At the end, with the seed searched."),
        "gap": column("Gap", help="How far above hindsight, with the seed searched."),
    }
    if table["fresh_gap"].notna().any():
        columns |= {
            "fresh_val_loss": column("On fresh seeds", help="Mean at the end."),
            "fresh_gap": column(
                "Gap on fresh seeds", help="Mean of the differences seed by seed; below 0 the "
                "strategy is better than the schedule found.",
            ),
            "interval": "95% interval",
        }
    show_table(pd.DataFrame(lines), key="standings", columns=columns)


def _gap(value: float) -> str:
    return "" if math.isnan(value) else f"{'+' if value > 0 else ''}{wording.number(value)}"


def _interval(line: dict[Any, Any]) -> str:
    if not math.isfinite(line["low"]) or line["low"] == line["high"]:
        return f"{line['lost']} of {line['seeds']} failed or diverged" if line["lost"] else ""
    return f"{wording.number(line['low'])} to {wording.number(line['high'])}"


def _ways_on(row: HindsightRow, search: Search, tried: list[Tried]) -> None:
    """What can be done with the schedule found."""
    found = best(search, tried)
    if row.active or found is None:
        return
    with st.container(horizontal=True):
        if st.button("Open its run", icon=":material/open_in_new:", key="open-found",
                     help="Its epochs, Keras code and exports. Replay repeats the schedule."):
            st.switch_page("pages/train.py", query_params={"run": found.run_id})
        rates = frames.rates_frame(resources.store().runs.epochs(found.run_id))["learning_rate"]
        st.download_button(
            "Schedule as points", data=json.dumps(analysis.as_points(rates), indent=2),
            file_name=f"lrdash-hindsight-{row.hindsight_id}.json", mime="application/json",
            icon=":material/download:", key="as-points", on_click="ignore",
            help="Settings of the strategy Draw your own, with the peak rate.",
        )


def _branches(search: Search, tried: list[Tried]) -> None:
    """Every branch, point by point."""
    branches = [one for one in tried if one.role in ("base", "branch")]
    kept = {one.run_id for stage in range(search.rounds + 1)
            for one in survivors(search, tried, stage) if one.stage == stage}
    found = best(search, tried)
    with st.expander(f"{plural(len(branches) - 1, 'branch', 'branches')} tried"):
        lines = pd.DataFrame([
            {
                "point": one.stage, "changes": findings.moves_in_words(one.moves) or "unchanged",
                "val_loss": one.val_loss if math.isfinite(one.val_loss) else None,
                "kept": "found" if found and one.run_id == found.run_id
                else "yes" if one.run_id in kept else "",
                "run": one.run_id,
            }
            for one in branches
        ])
        number, text = st.column_config.NumberColumn, st.column_config.TextColumn
        show_table(lines, key="branches", columns={
            "point": number("Point", width="small"), "changes": text("Rate", width="large"),
            "val_loss": number("Validation loss", format="%.5g"),
            "kept": text("Kept", width="small"), "run": "Run",
        })
        st.caption("The Runs page lists them with the tag hindsight.")
