"""The results of an experiment: sentence, charts, leaderboard, all from one set of frames."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from lrdash import analysis, figures, frames
from lrdash.datasets import DATASETS
from lrdash.experiment import Experiment
from lrdash.store import ExperimentRow
from lrdash.ui import fields, resources
from lrdash.ui.exact import exact
from lrdash.ui.steady_chart import steady_chart

METRICS = {
    "val_loss": "Validation loss", "loss": "Training loss",
    "val_accuracy": "Validation accuracy", "accuracy": "Training accuracy",
    "gradient_norm": "Gradient norm", "update_ratio": "Update-to-weight ratio",
    "weight_norm": "Weight norm",
}
LOG_METRICS = ("val_loss", "loss", "gradient_norm", "update_ratio")
EXTRA = ("gradient_norm", "update_ratio", "weight_norm")
METHOD = """
**Each strategy at its own best peak rate**: the one with the lowest mean final validation loss over
the seeds. A ranking at one shared rate would mostly tell whom that rate suits.

**Bands and intervals** hold 95 % by Student's t over the seeds. The best peak is chosen on the same
seeds that judge it, so the winner's loss is a little flattered; with more seeds less so.

**A run that diverged** counts as the worst there is: a strategy that loses one seed at a rate has
no mean there, and a cross in the bowl.

**Bowl width**: largest over smallest peak rate within 10 % of the best loss. A wide bowl forgives
a badly chosen rate.

**Epochs to target**: the median over the seeds; a run that never got there counts as slower than
all others.
"""


class Results(NamedTuple):
    """What the page shows of an experiment."""

    arms: pd.DataFrame
    curves: pd.DataFrame


def load(row: ExperimentRow, extra: str | None = None) -> Results:
    """The frames of an experiment; computed once for all who look at it in the same state.

    Args:
        row: as it stands.
        extra: a metric beside the usual four.
    """
    stamp = (row.update, tuple(sorted(row.counts.items())))
    return Results(*_frames(row.experiment_id, stamp, extra))


@st.cache_data(max_entries=16, show_spinner=False)
def _frames(
    experiment_id: str, stamp: tuple[Any, ...], extra: str | None  # noqa: ARG001 (a cache key)
) -> tuple[pd.DataFrame, pd.DataFrame]:
    store = resources.store()
    runs = list(reversed(store.runs(experiment_id=experiment_id)))  # in the order of the arms
    usual = ("loss", "val_loss", "accuracy", "val_accuracy")
    metrics = (*usual, extra) if extra else usual
    ids = [run.run_id for run in runs]
    curves = frames.curves_frame(store.curves(run_ids=ids, metrics=metrics), runs)
    return frames.arms_frame(runs, curves), curves


def show(row: ExperimentRow, experiment: Experiment) -> None:
    """Everything about the runs so far."""
    results = load(row)
    if results.curves.empty:
        st.info("The first curves come with the first epochs.", icon=":material/show_chart:")
        return
    board = analysis.leaderboard(results.arms, results.curves, row.target)
    st.markdown(_sentence(board, provisional=row.active))
    metric, everything, log = _choices(experiment)
    if metric in EXTRA:
        results = load(row, metric)
    _charts(row, experiment, results, metric, everything=everything, log=log)
    _board(board, row)
    with st.expander("How this is judged"):
        st.markdown(METHOD)


def _choices(experiment: Experiment) -> tuple[str, bool, bool]:
    """Metric of the first chart, whether every run is drawn, whether its axis is logarithmic."""
    classes = DATASETS[experiment.base.dataset].num_classes > 0
    names = [name for name in METRICS if classes or "accuracy" not in name]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Curve", names, format_func=lambda name: METRICS[name], key="curve", width=240,
            help="Gradient norm and update-to-weight ratio tell whether a rate is too high or low.",
            **fields.PERSIST,
        )
        log = st.toggle("Log axis", True, key="log", disabled=metric not in LOG_METRICS)
        everything = st.toggle(
            "Every run", key="every",
            help="A line a run, at all peak rates, in place of mean and interval at the best one.",
            **fields.PERSIST,
        )
    return metric, everything, log and metric in LOG_METRICS


def _charts(
    row: ExperimentRow, experiment: Experiment, results: Results, metric: str, *,
    everything: bool, log: bool,
) -> None:
    arms, curves = results
    styles, bowl, epochs = figures.arm_styles(arms), analysis.bowl(arms), experiment.base.epochs
    left, right = st.columns(2)
    with left:
        name = METRICS[metric]
        if everything:
            _chart(
                figures.overlay_figure(curves, metric=metric, log=log, styles=styles, height=420),
                "loss", row, f"{name} of every run", f"{metric} every {log}",
            )
        else:
            band = analysis.band(curves, arms, metric=metric)
            known, note = exact(analysis.at_best_peaks(experiment, arms))
            target = row.target if metric == "val_loss" else None
            _chart(
                figures.compare_loss_figure(
                    band, styles, metric=metric, log=log, target=target, epochs=epochs, exact=known
                ),
                "loss", row, f"{name}: mean and interval at the best peaks", f"{metric} {log}",
            )
            if note and metric in known:
                st.caption(note)
        if everything:
            rates = figures.overlay_figure(
                curves, metric="learning_rate", log=True, styles=styles, height=300
            )
            _chart(rates, "rates", row, "Learning rate of every run", "every")
        else:
            used = analysis.band(curves, arms, metric="learning_rate")
            _chart(figures.compare_rates_figure(used, styles, epochs=epochs), "rates", row,
                   "Learning rates at the best peaks", "best")
    with right:
        _chart(figures.bowl_figure(bowl, styles), "bowl", row,
               "The bowl: final validation loss against peak rate; a cross has diverged", "")
        _chart(figures.heatmap_figure(bowl), "heat", row,
               "Strategy and peak rate: mean final validation loss", "")


def _chart(figure: go.Figure, key: str, row: ExperimentRow, title: str, what: str) -> None:
    st.markdown(f"**{title}**")
    steady_chart(
        figure, key=f"compare-{key}", what=f"{row.experiment_id} {key} {what}", label=title
    )


def _sentence(board: pd.DataFrame, *, provisional: bool) -> str:
    """Who leads, said no louder than the numbers allow."""
    known = board[board["final_val_loss"].map(math.isfinite)]
    if known.empty:
        return "No strategy has come through at any rate yet."
    first = known.iloc[0]
    words = (
        f"Lowest {'so far' if provisional else 'of all'}: **{first['label']}** at peak rate "
        f"{analysis.rate(first['best_base_lr'])}, mean final validation loss "
        f"{analysis.number(first['final_val_loss'])}"
    )
    if math.isfinite(first["low"]):
        words += f" ({analysis.number(first['low'])} to {analysis.number(first['high'])})"
        near = known.iloc[1:][known.iloc[1:]["low"] <= first["high"]]["label"]
        if len(near):
            words += f". Intervals overlap with {_listed(list(near))}: that may be seed noise"
    edge = f" {first['edge_note']}." if first["edge_note"] else ""
    return f"{words}.{edge[:2].upper()}{edge[2:]}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _board(board: pd.DataFrame, row: ExperimentRow) -> None:
    st.header("Leaderboard", anchor=False)
    st.caption("Each strategy at its own best peak rate; losses with their 95 % interval.")
    column = st.column_config
    columns: dict[str, Any] = {
        "label": column.TextColumn("Strategy"),
        "best_base_lr": column.NumberColumn("Best peak", format="%.3g"),
        "final_val_loss": column.NumberColumn("Validation loss", format="%.4f"),
        "interval": column.TextColumn("95 % interval"),
        "final_val_accuracy": column.NumberColumn("Accuracy", format="percent"),
        "to_target": column.TextColumn(
            "Epochs to target", help="Median over the seeds, and how many of them got there.",
        ),
        "bowl": column.TextColumn(
            "Bowl width",
            help="Largest over smallest peak rate within 10 % of the best loss: how forgiving.",
        ),
        "runs": column.NumberColumn("Runs"),
        "diverged": column.NumberColumn("Diverged"),
        "sparkline": column.LineChartColumn("Validation loss over epochs"),
        "edge_note": column.TextColumn("Note"),
    }
    shown = board.replace([math.inf, -math.inf], math.nan)
    shown = shown.assign(
        interval=[_span(low, high) for low, high in zip(shown["low"], shown["high"], strict=True)],
        to_target=[_reached(line) for line in shown.to_dict(orient="records")],
        bowl=[_width(line) for line in shown.to_dict(orient="records")],
    )
    empty = {
        "to_target": row.target is None, "diverged": not shown["diverged"].any(),
        "edge_note": not shown["edge_note"].any(), "interval": shown["low"].isna().all(),
        "final_val_accuracy": shown["final_val_accuracy"].isna().all(),
    }
    st.dataframe(
        shown, hide_index=True, key="board", column_config=columns,
        column_order=[name for name in columns if not empty.get(name, False)],
    )


def _span(low: float, high: float) -> str:
    return f"{low:.4f} to {high:.4f}" if math.isfinite(low) else ""


def _reached(line: dict[Any, Any]) -> str:
    if math.isfinite(line["epochs_to_target"]):
        return f"{line['epochs_to_target']:g} ({line['reached']} of {line['seeds']})"
    return f"not reached ({line['reached']} of {line['seeds']})"


def _width(line: dict[Any, Any]) -> str:
    if not math.isfinite(line["bowl_width"]):
        return ""
    return f"{'at least ' if line['bowl_open'] else ''}{line['bowl_width']:.3g} ×"
