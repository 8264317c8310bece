"""The Hindsight page: choose how to search, or watch the search that the address names."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from lrdash import analysis
from lrdash.analysis import hindsight as told
from lrdash.core import wording
from lrdash.core.errors import InvalidField, LrdashError
from lrdash.jobs import hindsight
from lrdash.planning.experiment import Experiment
from lrdash.planning.hindsight import (
    BEAM,
    FACTORS,
    FRESH,
    POINTS,
    RIVALS,
    Ahead,
    Rival,
    Search,
    spread,
)
from lrdash.store import HindsightRow, RunRow, known_paces
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources, shell
from lrdash.ui.compare import results
from lrdash.ui.components import fields
from lrdash.ui.hindsight import result

HISTORY = 200  # earlier runs that an estimate looks at
SHOWN = 20  # earlier searches, and runs to choose from
KNOBS = {knob.name: knob for knob in Search.knobs()}
IDEA = """
After training one knows more. At each of some points the run is forked, its rate times each of a
few factors; the best branches are kept and forked again. What is left at the end is close to the
best that the rate could have done for this run. It is no strategy to use but a measure: how much is
there to gain over the strategies at hand? Since it was chosen by the loss that judges it, it is
then trained anew with seeds that the search has not seen.
"""


class Source(NamedTuple):
    """The run to look back on, and what to compare with."""

    run: RunRow
    rivals: tuple[Rival, ...] | None  # of a comparison; else they are chosen on the page


def body() -> None:
    """The search that the address names, else what to search."""
    search_id = st.query_params.get("search")
    if search_id:
        result.watch(search_id)
        return
    shell.activity()
    st.markdown(IDEA)
    source = _source()
    if source is not None:
        _choose(source)
    _earlier(source.run if source else None)


def _source() -> Source | None:
    """From the address: a run, or the best of a comparison; else one of the latest runs."""
    experiment_id = st.query_params.get("experiment")
    if experiment_id:
        return _best_of(experiment_id)
    run_id = st.query_params.get("run")
    if run_id:
        run = resources.store().runs.one(run_id)
        hindsight.base_of(run)
        return Source(run, None)
    return _pick()


def _pick() -> Source | None:
    rows = [
        row for row in resources.store().runs.listing(status="finished", limit=HISTORY)
        if row.spec.epochs > 1
    ][:SHOWN]
    if not rows:
        st.info("There is no finished run to look back on yet.", icon=":material/history:")
        if st.button("Train one", icon=":material/trending_down:", key="train-one"):
            st.switch_page("pages/train.py")
        return None
    names = {row.run_id: _name(row) for row in rows}
    chosen = st.selectbox(
        "Run to look back on", list(names), format_func=lambda run_id: names[run_id],
        key="hindsight.run", help="The latest runs that finished; any other from its own page.",
    )
    return Source(next(row for row in rows if row.run_id == chosen), None)


def _best_of(experiment_id: str) -> Source:
    """The winner of a comparison, at its best peak with its first seed; the rest are rivals."""
    store = resources.store()
    row = store.experiments.one(experiment_id)
    experiment = Experiment.from_json(row.definition)
    found = results.load(row)
    board, arms = found.board.to_dict(orient="records"), found.arms
    arms = arms[(arms["status"] == "finished") & (arms["label"] == board[0]["label"])]
    own = arms[arms["base_lr"] == board[0]["best_base_lr"]]
    if own.empty:
        raise InvalidField("experiment", "must have runs that finished", experiment_id)
    labels = dict(zip(experiment.labels(), experiment.arms, strict=True))
    rivals = [
        Rival(**labels[line["label"]].replace(label=line["label"]).as_dict(),
              base_lr=line["best_base_lr"])
        for line in board[1:]
    ]
    return Source(store.runs.one(str(own.iloc[0]["run_id"])), tuple(rivals))


def _name(row: RunRow) -> str:
    words = analysis.settings_in_words(row.spec)
    return f"{row.name}: {words}" if row.name else words


def _choose(source: Source) -> None:
    with st.container(border=True):
        st.header(_name(source.run), anchor=False)
        try:
            search = _search(source)
            stages = hindsight.check(search)
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
            return
        history = resources.store().runs.listing(limit=HISTORY)
        seconds = told.expected_seconds(stages, history, known_paces())
        time = f", about {wording.duration(max(1.0, seconds))}" if seconds is not None else ""
        points = ", ".join(str(point) for point in search.points)
        runs = sum(map(len, stages))
        st.caption(
            f"At most {runs} runs of {search.base.epochs} epochs{time} · forks after epoch "
            f"{points} · judged by the final validation loss of seed {search.base.seed}, checked "
            f"with {len(search.seeds)} others"
        )
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="start-search"):
            _begin(search, source.run)


def _search(source: Source) -> Search:
    base = source.run.spec
    left, right = st.columns(2, gap="medium")
    with left:
        points = st.number_input(
            "Decision points", 1, 20, key="hindsight.points", help=KNOBS["points"].help,
            value=POINTS, **fields.PERSIST,
        )
        beam = st.number_input(
            KNOBS["beam"].label, 1, 20, key="hindsight.beam", help=KNOBS["beam"].help,
            value=BEAM, **fields.PERSIST,
        )
    with right:
        factors = st.text_input(
            KNOBS["factors"].label, key="hindsight.factors", help=KNOBS["factors"].help,
            value=fields.as_text(FACTORS), **fields.PERSIST,
        )
        seeds = st.number_input(
            KNOBS["seeds"].label, 1, 50, key="hindsight.seeds", help=KNOBS["seeds"].help,
            value=FRESH, **fields.PERSIST,
        )
    choices: list[Ahead] = ["end", "next"]
    ahead = st.radio(
        KNOBS["ahead"].label, choices, horizontal=True, key="hindsight.ahead",
        format_func=lambda one: "at the next point" if one == "next" else "at the end of the run",
        help=KNOBS["ahead"].help,
    )
    return Search(
        base=base, beam=beam, factors=tuple(fields.as_list(factors, "hindsight.factors")),
        points=spread(base.epochs, points, [piece.epoch for piece in base.pieces]),
        rivals=_rivals(source), seeds=tuple(base.seed + 1 + place for place in range(seeds)),
        ahead=ahead,
    )


def _rivals(source: Source) -> tuple[Rival, ...]:
    if source.rivals is not None:
        names = ", ".join(f"{one.label} at {wording.rate(one.base_lr)}" for one in source.rivals)
        st.caption(f"Compared with the others of the comparison at their best peaks: {names}."
                   if names else "The comparison has no other strategy.")
        return source.rivals
    chosen = st.multiselect(
        KNOBS["rivals"].label, list(STRATEGIES), default=list(RIVALS), key="hindsight.rivals",
        format_func=lambda name: STRATEGIES[name].label,
        help=f"Each at the peak rate of the run, {wording.rate(source.run.spec.base_lr)}, with "
        "its usual settings. The run itself is always compared.",
    )
    return tuple(Rival(strategy=name) for name in chosen)


def _begin(search: Search, run: RunRow) -> None:
    made = hindsight.create(resources.store(), search, run.run_id)
    resources.laboratory().wake()
    st.query_params.from_dict({"search": made})
    st.rerun()


def _earlier(run: RunRow | None) -> None:
    """Earlier searches; of a run that the address names, those that look back on it."""
    rows = resources.store().hindsights.listing(limit=SHOWN)
    if not rows:
        return
    st.header("Earlier searches", anchor=False)
    column = st.column_config
    event = st.dataframe(
        pd.DataFrame([_line(row, run) for row in rows]), hide_index=True, key="earlier-searches",
        on_select="rerun", selection_mode="single-row",
        column_config={
            "what": column.TextColumn("Run looked back on", width="large"),
            "search": column.TextColumn("Searched", width="medium"),
            "status": column.TextColumn("Status", width="small"),
            "created": column.DatetimeColumn("Created", format="distance"),
        },
    )
    st.caption("Tick the box at the left of a row to open it.")
    if event.selection.rows:
        st.query_params.from_dict({"search": rows[event.selection.rows[0]].hindsight_id})
        st.rerun()


def _line(row: HindsightRow, run: RunRow | None) -> dict[str, Any]:
    search = Search.from_json(row.definition)
    this = " (this run)" if run is not None and search.base == run.spec else ""
    return {
        "what": analysis.settings_in_words(search.base) + this,
        "search": result.in_words(search), "status": row.status,
        "created": row.created_at,
    }
