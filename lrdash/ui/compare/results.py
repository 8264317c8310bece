"""The results of a comparison: sentence, charts, leaderboard, all from one set of frames."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.core import wording
from lrdash.planning import external
from lrdash.planning.experiment import Experiment
from lrdash.store import ExperimentRow
from lrdash.ui import resources
from lrdash.ui.compare import verdicts
from lrdash.ui.components import fields, hindsight_offer
from lrdash.ui.components.exact import exact
from lrdash.ui.components.steady_chart import steady_chart
from lrdash.ui.components.tables import show_table

METRICS = {
    "val_loss": "Validation loss", "loss": "Training loss",
    "val_accuracy": "Validation accuracy", "accuracy": "Training accuracy",
    "gradient_norm": "Gradient norm", "update_ratio": "Update-to-weight ratio",
    "weight_norm": "Weight norm",
}
LOG_METRICS = ("val_loss", "loss", "gradient_norm", "update_ratio")
EXTRA = ("gradient_norm", "update_ratio", "weight_norm")
METHOD = """
**Charts and leaderboard** show each strategy at its own best peak rate: the one with the lowest
mean final validation loss over the seeds. At one shared rate, the ranking would mostly show which
strategy that rate suits. Bands and intervals of means are 95% intervals by Student's t over the
seeds. The peak is chosen on the seeds that judge it, so the losses here are slightly optimistic;
the verdicts above are not.

**A run that diverged** counts as worse than all others. A strategy with a diverged seed has no mean
at that rate, and a cross in the bowl.

**Bowl width**: the largest over the smallest peak rate within 10% of the best loss. A wide bowl
tolerates a badly chosen rate.

**Epochs to target**: the median over the seeds (Kaplan-Meier). A run that never reached the target
counts as slower than all others, an unfinished run as not there yet.
"""


class Choice(NamedTuple):
    """How the first chart is drawn."""

    metric: str
    everything: bool  # a line a run
    log: bool  # a logarithmic axis
    smoothing: float


class Results(NamedTuple):
    """What the page shows of an experiment."""

    arms: pd.DataFrame
    curves: pd.DataFrame
    bowl: pd.DataFrame
    board: pd.DataFrame  # the leaderboard


def load(row: ExperimentRow, extra: str | None = None) -> Results:
    """The frames of a comparison; computed once for all who view it in the same state. `extra` is a
    metric beside the usual four.
    """
    return Results(*_frames(row.state, row.experiment_id, row.target, extra))


@st.cache_data(max_entries=16, show_spinner=False)
def _frames(
    state: tuple[Any, ...], experiment_id: str, target: float | None,  # noqa: ARG001 (a cache key)
    extra: str | None,
) -> tuple[pd.DataFrame, ...]:
    store = resources.store()
    runs = store.runs.of_experiment(experiment_id)
    metrics = (*frames.METRICS, extra) if extra else frames.METRICS
    ids = [run.run_id for run in runs]
    curves = frames.curves_frame(store.experiments.curves(run_ids=ids, metrics=metrics), runs)
    arms = frames.arms_frame(runs, curves)
    return arms, curves, analysis.bowl(arms), analysis.leaderboard(arms, curves, target)


@st.cache_data(max_entries=32, show_spinner=False)
def _band(
    state: tuple[Any, ...], metric: str, _results: Results  # noqa: ARG001 (a cache key)
) -> pd.DataFrame:
    """Mean and interval of each arm at its best peak rate."""
    board = _results.board
    at = dict(zip(board["label"], board["best_base_lr"], strict=True))
    return analysis.band(_results.curves, _results.arms, at, metric)


def show(row: ExperimentRow, experiment: Experiment) -> None:
    """Everything about the runs so far."""
    results = load(row)
    if results.curves.empty:
        st.info("The first curves appear after the first epochs.", icon=":material/show_chart:")
        return
    board = results.board
    found = verdicts.top(row, experiment, results.arms, results.curves)
    st.markdown(_sentence(board, provisional=row.active))
    choice = _choices(experiment)
    shown = load(row, choice.metric) if choice.metric in EXTRA else results
    _charts(row, experiment, shown, choice)
    _board(board, row, found)
    hindsight_offer.of_experiment(row)
    verdicts.details(row, experiment, found, results.arms)
    with st.expander("How this is judged"):
        st.markdown(f"{found.method}\n\n{METHOD}")


def _choices(experiment: Experiment) -> Choice:
    classes = external.has_classes(experiment.base)
    names = [name for name in METRICS if classes or "accuracy" not in name]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Curve", names, format_func=lambda name: METRICS[name], key="curve", width=240,
            help="Gradient norm and update-to-weight ratio show whether a rate is too high or low.",
            **fields.PERSIST,
        )
        smoothing = st.slider(
            "Smoothing", 0.0, 0.99, 0.0, 0.01, key="smoothing", width=200, **fields.PERSIST,
            help="Bias-corrected exponential moving average, as in TensorBoard: the share of the "
            "past that each value keeps. The raw line stays visible, faint.",
        )
        log = st.toggle("Log axis", True, key="log", disabled=metric not in LOG_METRICS)
        everything = st.toggle(
            "Every run", key="every",
            help="Draws every run at every peak rate instead of mean and interval at the best.",
            **fields.PERSIST,
        )
    return Choice(metric, everything, log and metric in LOG_METRICS, smoothing)


def _charts(
    row: ExperimentRow, experiment: Experiment, results: Results, choice: Choice
) -> None:
    (arms, curves, bowl, _), (metric, everything, log, smoothing) = results, choice
    styles, epochs = figures.arm_styles(arms), experiment.base.epochs
    left, right = st.columns(2)
    with left:
        name, note = METRICS[metric], ""
        if everything:
            title, rates_title = f"{name} of every run", "Learning rate of every run"
            losses = figures.overlay_figure(
                curves, metric=metric, log=log, styles=styles, height=420, smoothing=smoothing
            )
            rates = figures.overlay_figure(
                curves, metric="learning_rate", log=True, styles=styles, height=300
            )
        else:
            kind = "smoothed" if smoothing else "mean and interval"
            title, rates_title = f"{name}: {kind} at the best peaks", \
                "Learning rates at the best peaks"
            known, exactly = exact(analysis.at_best_peaks(experiment, arms))
            note = exactly if metric in known else ""
            losses = figures.compare_loss_figure(
                _band(row.state, metric, results), styles, metric=metric, log=log, epochs=epochs,
                target=row.target if metric == "val_loss" else None, exact=known,
                smoothing=smoothing,
            )
            rates = figures.compare_rates_figure(
                _band(row.state, "learning_rate", results), styles, epochs=epochs
            )
        _chart(losses, "loss", row, title, f"{metric} {everything} {log}")
        if note:
            st.caption(note)
        _chart(rates, "rates", row, rates_title, str(everything))
    with right:
        _chart(figures.bowl_figure(bowl, styles), "bowl", row,
               "The bowl: final validation loss against peak rate; a cross marks divergence", "")
        _chart(figures.heatmap_figure(bowl), "heat", row,
               "Strategy and peak rate: mean final validation loss", "")


def _chart(figure: go.Figure, key: str, row: ExperimentRow, title: str, what: str) -> None:
    steady_chart(
        figure, key=f"compare-{key}", what=f"{row.experiment_id} {key} {what}", title=title
    )


def _sentence(board: pd.DataFrame, *, provisional: bool) -> str:
    """The lowest mean; the verdicts say whether it is more than noise."""
    known = board[board["final_val_loss"].map(math.isfinite)]
    if known.empty:
        return "No strategy has finished at any rate yet."
    first = known.iloc[0]
    words = (
        f"Lowest {'so far' if provisional else 'of all'}: **{first['label']}** at peak rate "
        f"{wording.rate(first['best_base_lr'])}, mean final validation loss "
        f"{wording.number(first['final_val_loss'])}"
    )
    if math.isfinite(first["low"]):
        words += f" ({wording.number(first['low'])} to {wording.number(first['high'])})"
    edge = f" {first['edge_note']}." if first["edge_note"] else ""
    return f"{words}.{edge[:2].upper()}{edge[2:]}"


def _board(board: pd.DataFrame, row: ExperimentRow, found: analysis.Verdicts) -> None:
    fixed = found.baseline or found.order[0]
    st.header("Leaderboard", anchor=False)
    st.caption("Each strategy at its own best peak rate; losses with their 95% interval.")
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    columns: dict[str, Any] = {
        "label": "Strategy", "best_base_lr": number("Best peak", format="%.3g"),
        "final_val_loss": number("Validation loss", format="%.4f"), "interval": "95% interval",
        "percent": number(
            f"Against {fixed}", format="%+.1f%%",
            help="Difference of the validation loss from that of the baseline.",
        ),
        "final_val_accuracy": number("Accuracy", format="percent"),
        "to_target": text(
            "Epochs to target", help="Median over the seeds, and how many of them reached it.",
        ),
        "bowl": text(
            "Bowl width",
            help="Largest over smallest peak rate within 10% of the best loss; wide is tolerant.",
        ),
        "runs": "Runs", "diverged": "Diverged",
        "sparkline": st.column_config.LineChartColumn("Validation loss over epochs"),
        "edge_note": "Note",
    }
    board = board.replace([math.inf, -math.inf], math.nan)
    lines = board.to_dict(orient="records")
    shown = board.assign(
        percent=100 * analysis.relative(
            board["final_val_loss"], int((board["label"] == fixed).argmax())
        ),
        interval=[f"{line['low']:.4f} to {line['high']:.4f}" if math.isfinite(line["low"]) else ""
                  for line in lines],
        to_target=[_reached(line) for line in lines], bowl=[_width(line) for line in lines],
    )
    empty = {
        "to_target": row.target is None, "diverged": not shown["diverged"].any(),
        "edge_note": not shown["edge_note"].any(), "interval": not (shown["interval"] != "").any(),
        "final_val_accuracy": shown["final_val_accuracy"].isna().all(),
    }
    show_table(shown, key="board", columns={
        name: column for name, column in columns.items() if not empty.get(name, False)
    })


def _reached(line: dict[Any, Any]) -> str:
    if math.isfinite(line["epochs_to_target"]):
        return f"{line['epochs_to_target']:g} ({line['reached']} of {line['seeds']})"
    return f"not reached ({line['reached']} of {line['seeds']})"


def _width(line: dict[Any, Any]) -> str:
    if not math.isfinite(line["bowl_width"]):
        return ""
    return f"{'at least ' if line['bowl_open'] else ''}{line['bowl_width']:.3g} ×"
