"""One experiment, live and afterwards: progress, verdict in a sentence, charts, leaderboard."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import streamlit as st

from lrdash import analysis, figures, frames
from lrdash.errors import LrdashError
from lrdash.experiment import Experiment
from lrdash.store import ExperimentRow
from lrdash.ui import resources

TICK = 2.0  # seconds between two looks while runs are active
CONTINUABLE = ("interrupted", "stopped")


def watch(experiment_id: str) -> None:
    """The experiment as it stands, refreshed while it is active.

    Raises:
        ExperimentNotFound: there is no such experiment.
    """
    if st.button("New comparison", icon=":material/add:", key="new-comparison", type="tertiary"):
        st.query_params.pop("experiment", None)
        st.rerun()
    active = resources.store().experiment(experiment_id).active
    st.fragment(_guarded, run_every=TICK if active else None)(experiment_id, active)


def _guarded(experiment_id: str, was_active: bool) -> None:
    try:
        _view(experiment_id, was_active)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")


def _view(experiment_id: str, was_active: bool) -> None:
    store = resources.store()
    row = store.experiment(experiment_id)
    if was_active and not row.active:
        st.rerun()
    experiment = Experiment.from_json(row.definition)
    _head(row, experiment)
    runs = list(reversed(store.runs(experiment_id=experiment_id)))  # in the order of the arms
    _progress(row, [run.run_id for run in runs if run.status in CONTINUABLE])
    curves = frames.curves_frame(store.curves(run_ids=[run.run_id for run in runs]), runs)
    arms = frames.arms_frame(runs, curves)
    if curves.empty:
        st.caption("The first curves come with the first epochs.")
        return
    _results(arms, curves, experiment)


def _head(row: ExperimentRow, experiment: Experiment) -> None:
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        st.header(row.name or ", ".join(experiment.labels()), anchor=False)
        base = experiment.base
        st.caption(
            f"{base.dataset} · {base.model} · {base.epochs} epochs · peak rates "
            f"{', '.join(analysis.rate(rate) for rate in experiment.base_lrs)} · "
            f"{len(experiment.seeds)} seeds"
        )
    with right:
        if row.active:
            ids = [run.run_id for run in resources.store().runs(experiment_id=row.experiment_id)]
            if st.button("Stop", icon=":material/stop:", key="stop-all", width="stretch"):
                resources.store().request_stop_all(ids)


def _progress(row: ExperimentRow, unfinished: list[str]) -> None:
    done = row.runs - row.counts["queued"] - row.counts["running"]
    if row.active:
        share = min(1.0, row.update / max(1, row.updates))
        st.progress(share, text=f"{done} of {row.runs} runs done")
        return
    parts = [f"{count} {status}" for status, count in row.counts.items() if count]
    st.info(f"{row.runs} runs: {', '.join(parts)}.", icon=":material/check_circle:")
    if unfinished and st.button(
        f"Continue {len(unfinished)} unfinished runs", icon=":material/play_arrow:", key="continue"
    ):
        resources.store().requeue(unfinished)
        st.rerun()


def _results(arms: pd.DataFrame, curves: pd.DataFrame, experiment: Experiment) -> None:
    styles = figures.arm_styles(arms)
    board = analysis.leaderboard(arms, curves, experiment.target)
    bowl = analysis.bowl(arms)
    st.markdown(_sentence(board))
    st.caption("Each strategy at its own best peak rate, the one with the lowest mean final "
               "validation loss. Bands and intervals: 95 %, Student-t over seeds. The best peak is "
               "chosen on the same seeds, so small differences are flattered.")
    left, right = st.columns(2)
    epochs = experiment.base.epochs
    with left:
        st.markdown("**Validation loss**, mean and interval")
        loss = analysis.band(curves, arms)
        _chart(figures.compare_loss_figure(
            loss, styles, log=True, target=experiment.target, epochs=epochs), "loss")
        st.markdown("**Learning rates** at the best peaks")
        rates = analysis.band(curves, arms, metric="learning_rate")
        _chart(figures.compare_rates_figure(rates, styles, epochs=epochs), "rates")
    with right:
        st.markdown("**The bowl**: final validation loss against peak rate; a cross has diverged")
        _chart(figures.bowl_figure(bowl, styles), "bowl")
        st.markdown("**Strategy and peak rate**: mean final validation loss")
        _chart(figures.heatmap_figure(bowl), "heat")
    _board(board)


def _chart(figure: Any, key: str) -> None:
    st.plotly_chart(figure, key=f"compare:{key}", config={"displayModeBar": False})


def _sentence(board: pd.DataFrame) -> str:
    """Who leads, said no louder than the numbers allow."""
    known = board[board["final_val_loss"].map(math.isfinite)]
    if known.empty:
        return "No strategy has finished a run yet."
    first = known.iloc[0]
    words = (
        f"Lowest so far: **{first['label']}** at {analysis.rate(first['best_base_lr'])}, mean "
        f"final validation loss {analysis.number(first['final_val_loss'])}"
    )
    if math.isfinite(first["low"]):
        words += f" ({analysis.number(first['low'])} to {analysis.number(first['high'])})"
        near = known.iloc[1:][known.iloc[1:]["low"] <= first["high"]]["label"]
        if len(near):
            return f"{words}. Intervals overlap with {', '.join(near)}: that may be seed noise."
    return f"{words}."


def _board(board: pd.DataFrame) -> None:
    column = st.column_config
    columns: dict[str, Any] = {
        "label": column.TextColumn("Strategy"),
        "best_base_lr": column.NumberColumn("Best peak", format="%.4g"),
        "edge_note": column.TextColumn("Note"),
        "final_val_loss": column.NumberColumn("Validation loss", format="%.4f"),
        "low": column.NumberColumn("Low", format="%.4f"),
        "high": column.NumberColumn("High", format="%.4f"),
        "final_val_accuracy": column.NumberColumn("Accuracy", format="percent"),
        "epochs_to_target": column.NumberColumn("Epochs to target", format="%.1f"),
        "bowl_width": column.NumberColumn(
            "Bowl width", format="%.3g ×",
            help="Largest over smallest peak rate within 10 % of the best loss: how forgiving.",
        ),
        "runs": column.NumberColumn("Runs"),
        "diverged": column.NumberColumn("Diverged"),
        "sparkline": column.LineChartColumn("Curve"),
    }
    shown = board.replace([math.inf, -math.inf], math.nan)
    order = [
        name for name in columns
        if name in shown and not (shown[name].isna().all() if name != "sparkline" else False)
    ]
    st.dataframe(shown, hide_index=True, key="board", column_config=columns, column_order=order)
    st.download_button(
        "Download CSV", data=lambda: shown.drop(columns=["sparkline"]).to_csv(index=False),
        file_name="lrdash-comparison.csv", mime="text/csv", icon=":material/download:",
        key="board-csv", on_click="ignore",
    )
