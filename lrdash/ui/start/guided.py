"""A guided experiment, live and afterwards: what to watch, the curves, and what they show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.analysis.guides import Evidence, Guide, by_peak, guide_of
from lrdash.core.wording import escaped, plural
from lrdash.planning.experiment import Experiment
from lrdash.store import ExperimentRow
from lrdash.ui import resources
from lrdash.ui.compare import results
from lrdash.ui.compare.experiment import status
from lrdash.ui.components import queue
from lrdash.ui.components.errors import show_error
from lrdash.ui.components.live import live
from lrdash.ui.components.result import leave
from lrdash.ui.components.steady_chart import preload, steady_chart

TICK = 1.0  # seconds between two looks while it trains
ICONS = {"as expected": "check_circle", "otherwise": "help", "open": "hourglass_empty"}
HEIGHT = 360  # pixels of a chart
READING = (
    "All lines share one seed: the same initial weights and batches, so that only the rate "
    "differs. A number after a name is its peak rate. Both vertical axes are logarithmic. Point at "
    "a line to read it; drag to zoom."
)


def show(experiment_id: str) -> None:
    """The experiment, refreshed while it is active.

    Raises:
        NotFound: there is no such experiment.
    """
    st.button("All guided experiments", icon=":material/arrow_back:", key="back", type="tertiary",
              on_click=leave, args=("experiment",))
    row = resources.store().experiments.one(experiment_id)
    guide = guide_of(Experiment.from_json(row.definition))
    if guide is None:
        st.info("This comparison is not one of the guided experiments.", icon=":material/info:")
        _to_compare(row)
        return
    preload()
    st.header(guide.title, anchor=False)
    st.markdown(f"{guide.idea}\n\n**What to expect.** {guide.expected}")
    live(_view, TICK if row.active else None, guide, experiment_id)
    st.caption(f"Source of the idea: {guide.source}.")


def begin(experiment: Experiment, name: str) -> None:
    """Queue all runs and open their own address."""
    st.query_params["experiment"] = queue.start_experiment(queue.prepare(experiment), name)
    st.rerun()


def _view(guide: Guide, experiment_id: str) -> bool:
    row = resources.store().experiments.one(experiment_id)
    status(row, Experiment.from_json(row.definition))
    found = _evidence(row)
    if row.active:
        _look(guide, row, found)
    else:
        _explained(guide, row, found)
    if found.curves.empty:
        st.info("The first curves appear after the first epochs.", icon=":material/show_chart:")
    else:
        _charts(guide, row, found)
    if not row.active:
        _next(guide, row, found)
    return row.active


def _look(guide: Guide, row: ExperimentRow, found: Evidence) -> None:
    """While it trains: what to watch, what it shows so far, and Stop."""
    with st.container(border=True):
        st.markdown("**What to watch**\n\n" + "\n".join(f"- {line}" for line in guide.watch))
        so_far = guide.so_far(found)
        if so_far:
            st.markdown(f":material/model_training: {so_far}")
        if st.button("Stop", icon=":material/stop:", key="stop-guided",
                     help="Everything trained so far is kept and can be resumed."):
            queue.stop_experiment(row.experiment_id)
            st.rerun()


def _explained(guide: Guide, row: ExperimentRow, found: Evidence) -> None:
    shown = guide.explain(found)
    with st.container(border=True, key="explained"):
        st.header("What your results show", anchor=False)
        st.markdown(f":material/{ICONS[shown.outcome]}: {shown.headline}")
        if shown.findings:
            st.markdown("\n".join(f"- {line}" for line in shown.findings))
    if row.counts["failed"]:
        first = resources.store().runs.listing(experiment_id=row.experiment_id, status="failed")[0]
        show_error(first.reason or "A run failed.")


def _charts(guide: Guide, row: ExperimentRow, found: Evidence) -> None:
    found = _shown(row, found)
    for place, (metric, title) in zip(
        st.columns(2), (("val_loss", "Validation loss"), ("learning_rate", "Learning rate")),
        strict=True,
    ):
        with place:
            steady_chart(
                _figure(guide, found, metric), key=f"guided-{metric}", title=title,
                what=f"{row.experiment_id} {metric}", label=f"{title}: {guide.title}",
            )
    gone = found.arms[found.arms["status"] == "diverged"]
    if len(gone):
        names = "; ".join(
            f"{label} after {plural(epochs, 'epoch')}" if epochs > 1
            else f"{label} in the first epoch"
            for label, epochs in zip(gone["label"], gone["epochs_done"], strict=True)
        )
        st.caption(f"**Diverged with this seed**: {escaped(names)}.")
    st.caption(READING)


def _shown(row: ExperimentRow, found: Evidence) -> Evidence:
    """The part of the evidence that the charts draw: the runs of one seed."""
    seeds = [int(seed) for seed in found.arms["seed"].unique()]
    seed = st.segmented_control(
        "Seed", seeds, default=seeds[0], required=True, key=f"seed-{row.experiment_id}",
        help="The seed whose runs are drawn. The findings above are about all seeds.",
    )
    arms, curves = (frame[frame["seed"] == seed] for frame in (found.arms, found.curves))
    return replace(found, arms=by_peak(arms), curves=by_peak(curves))


def _styles(arms: pd.DataFrame) -> dict[str, figures.Style]:
    """The colours of the strategies; Step and Plateau are similar, so one is dashed."""
    looks = figures.arm_styles(arms)
    step = {label: look for label, look in looks.items() if look == figures.style_of("step")}
    return looks | {label: replace(look, dash="dash") for label, look in step.items()}


def _figure(guide: Guide, found: Evidence, metric: str) -> go.Figure:
    styles, epochs = _styles(found.arms), guide.experiment.base.epochs
    band = analysis.band(found.curves, found.arms, metric=metric)
    if metric == "learning_rate":
        return figures.compare_rates_figure(band, styles, epochs=epochs, height=HEIGHT)
    return figures.compare_loss_figure(band, styles, log=True, epochs=epochs, height=HEIGHT)


def _next(guide: Guide, row: ExperimentRow, found: Evidence) -> None:
    with st.container(horizontal=True):
        if st.button(
            "Try other seeds", icon=":material/casino:", key="again",
            help="Trains with other initial weights and batches. A real effect shows up again; the "
            "same seeds would repeat the same curves.",
        ):
            first = int(found.arms["seed"].max()) + 1
            seeds = range(first, first + len(guide.experiment.seeds))
            begin(guide.experiment.replace(seeds=list(seeds)), guide.title)
        _to_compare(row)
        ruled = found.arms[found.arms["strategy"] == "plateau"]["run_id"]
        if len(ruled) and st.button(
            "Look inside the callback", icon=":material/schema:", key="to-inside",
            help="Plays a run of this experiment epoch by epoch and shows why the rate is lowered.",
        ):
            st.switch_page("pages/inside.py", query_params={"run": str(ruled.iloc[0])})


def _to_compare(row: ExperimentRow) -> None:
    if st.button("Open in Compare", icon=":material/stacked_line_chart:", key="to-compare",
                 help="All charts and the leaderboard; more seeds, rates and strategies."):
        st.switch_page("pages/compare.py", query_params={"experiment": row.experiment_id})


def _evidence(row: ExperimentRow) -> Evidence:
    found = results.load(row)
    ruled = found.arms[found.arms["strategy"] == "plateau"]["run_id"]
    decisions = _decisions(tuple(str(run_id) for run_id in ruled), row.state)
    return Evidence(arms=found.arms, curves=found.curves, decisions=decisions)


@st.cache_data(max_entries=16, show_spinner=False)
def _decisions(
    run_ids: tuple[str, ...], stamp: tuple[Any, ...]  # noqa: ARG001 (a cache key)
) -> pd.DataFrame:
    """The decisions of the rules in these runs, with the run of each."""
    store = resources.store()
    parts = [
        frames.decisions_frame(store.runs.decisions(run_id)).assign(run_id=run_id)
        for run_id in run_ids
    ]
    empty = frames.decisions_frame([]).assign(run_id=pd.Series([], dtype="str"))
    return pd.concat(parts, ignore_index=True) if parts else empty
