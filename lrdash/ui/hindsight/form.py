"""A new search in hindsight: its run, how to search, Start, and earlier searches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st

from lrdash import analysis
from lrdash.analysis.hindsight import expected_seconds
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.core.record import Knob
from lrdash.core.wording import escaped, listed, plural
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
from lrdash.planning.plan import Plan
from lrdash.store import RunRow, known_paces
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.compare import results
from lrdash.ui.components import estimate, fields
from lrdash.ui.components.form_column import form_column
from lrdash.ui.components.tables import defined
from lrdash.ui.hindsight import result

LOOKED = 200  # runs among which some to choose from are looked for
SHOWN = 20  # earlier searches, and runs to choose from
PREFIX = "hindsight."
KNOBS = {knob.name: knob for knob in Search.knobs()}
COLUMNS = {
    "what": st.column_config.TextColumn("Run", width="large"),
    "search": st.column_config.TextColumn("Search", width="medium"),
    "status": st.column_config.TextColumn("Status", width="small"),
    "created": st.column_config.DatetimeColumn("Created", format="distance"),
}


class Source(NamedTuple):
    """The run to search, and the strategies to compare with."""

    run: RunRow
    rivals: tuple[Rival, ...] | None  # of a comparison; else chosen on the page


def source() -> Source | None:
    """The run or the best of the comparison that the address names, else one of the latest runs."""
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
        row for row in resources.store().runs.listing(status="finished", limit=LOOKED)
        if row.spec.epochs > 1
    ][:SHOWN]
    if not rows:
        st.info("There is no finished run to search yet.", icon=":material/history:")
        if st.button("Train a model", icon=":material/trending_down:", key="train-one"):
            st.switch_page("pages/train.py")
        return None
    names = {row.run_id: _name(row) for row in rows}
    chosen = st.selectbox(
        "Run", list(names), format_func=lambda run_id: names[run_id],
        key="hindsight.run",
        help="The latest finished runs. Older ones have a Hindsight button on their own page.",
    )
    return Source(next(row for row in rows if row.run_id == chosen), None)


def _best_of(experiment_id: str) -> Source:
    """The winner of a comparison at its best peak, first seed; the others are the rivals."""
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


def choose(source: Source) -> None:
    """How to search, what that takes, and Start."""
    with st.container(border=True):
        st.header(escaped(_name(source.run)), anchor=False)
        planned, below = form_column(lambda: _read(source), beside=False)
        with below:
            if planned is not None:
                _start(*planned, source.run)


def _read(source: Source) -> tuple[Search, list[list[Plan]]]:
    search = _search(source)
    return search, hindsight.check(search)


def _start(search: Search, stages: list[list[Plan]], run: RunRow) -> None:
    time = estimate.about(expected_seconds(stages, estimate.history(), known_paces()))
    takes = f"At most {plural(sum(map(len, stages)), 'run')} of {search.base.epochs} epochs"
    st.caption(
        f"{takes}{', ' if time else ''}{time} · branches after epoch {listed(search.points)} · "
        f"judged by the final validation loss of seed {search.base.seed}, checked with "
        f"{plural(len(search.seeds), 'other seed')}"
    )
    if st.button("Start search", type="primary", icon=":material/play_arrow:", key="start-search"):
        made = hindsight.create(resources.store(), search, run.run_id)
        resources.laboratory().wake()
        st.query_params.from_dict({"search": made})
        st.rerun()


def _search(source: Source) -> Search:
    base = source.run.spec
    values = fields.draw(_knobs(), prefix=PREFIX)
    choices: list[Ahead] = ["end", "next"]
    ahead = st.radio(
        KNOBS["ahead"].label, choices, horizontal=True, key="hindsight.ahead",
        format_func=lambda one: "at the next point" if one == "next" else "at the end of the run",
        help=KNOBS["ahead"].help,
    )
    return Search(
        base=base, beam=values["beam"], factors=tuple(values["factors"]),
        points=spread(base.epochs, values["points"], [piece.epoch for piece in base.pieces]),
        rivals=_rivals(source), ahead=ahead,
        seeds=tuple(base.seed + 1 + place for place in range(values["seeds"])),
    )


def _knobs() -> list[Knob]:
    """The fields of a search; points and seeds are chosen by their number."""
    beam = replace(KNOBS["beam"], default=BEAM)
    return [
        replace(beam, name="points", label="Decision points", help=KNOBS["points"].help,
                default=POINTS),
        replace(KNOBS["factors"], default=FACTORS), beam,
        replace(beam, name="seeds", label=KNOBS["seeds"].label, help=KNOBS["seeds"].help,
                default=FRESH, high=50.0),
    ]


def _rivals(source: Source) -> tuple[Rival, ...]:
    if source.rivals is not None:
        names = listed(f"{one.label} at {wording.rate(one.base_lr)}" for one in source.rivals)
        st.caption(f"Compared with the other strategies at their best peak rates: {escaped(names)}."
                   if names else "The comparison has no other strategy.")
        return source.rivals
    chosen = st.multiselect(
        KNOBS["rivals"].label, list(STRATEGIES), default=list(RIVALS), key="hindsight.rivals",
        format_func=lambda name: STRATEGIES[name].label,
        help=f"Each at the peak rate of the run, {wording.rate(source.run.spec.base_lr)}, with "
        "its default settings. The run itself is always included.",
    )
    return tuple(Rival(strategy=name) for name in chosen)


def earlier(run: RunRow | None) -> dict[str, dict[str, Any]]:
    """A line for each of the latest searches, by id; those of a run are marked."""
    lines = {}
    for row, search in defined(resources.store().hindsights, Search, SHOWN):
        this = " (this run)" if run is not None and search.base == run.spec else ""
        lines[row.hindsight_id] = {
            "what": analysis.settings_in_words(search.base) + this,
            "search": result.in_words(search), "status": row.status, "created": row.created_at,
        }
    return lines
