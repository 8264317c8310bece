"""What a comparison decides: the sentence on top, seeds to add, and every pair of strategies."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.core.errors import LrdashError
from lrdash.core.wording import escaped, plural
from lrdash.planning import external
from lrdash.planning.experiment import MAX_SEEDS, Experiment, plan_all
from lrdash.store import ExperimentRow
from lrdash.ui.components import estimate, fields, queue
from lrdash.ui.components.errors import error_boundary
from lrdash.ui.components.steady_chart import steady_chart
from lrdash.ui.components.tables import show_table

NO_BASELINE = "none"
CELL = 94  # pixels of a verdict in the table of all pairs
UNITS = {"area_val_loss": "Mean loss", "area_val_accuracy": "Mean accuracy"}


def top(
    row: ExperimentRow, experiment: Experiment, arms: pd.DataFrame, curves: pd.DataFrame
) -> analysis.Verdicts:
    """The sentence, and a button that adds the seeds it asks for."""
    above = st.container()
    verdicts = _judged(row, experiment, arms, curves)
    with above:
        st.markdown(verdicts.sentence)
        if not row.active:
            _offer_seeds(row, experiment, verdicts)
    return verdicts


def details(
    row: ExperimentRow, experiment: Experiment, verdicts: analysis.Verdicts, arms: pd.DataFrame
) -> None:
    """Differences against the baseline, all pairs in words, and every number behind them."""
    if len(verdicts.order) < 2:
        return
    st.header("Strategy against strategy", anchor=False)
    st.caption(
        f"By {analysis.METRICS[verdicts.metric].title}, over "
        f"{plural(len(experiment.seeds), 'seed')}. A filled mark is decided, a hollow one is not. "
        "An interval excludes 0 exactly where the difference is decided, corrected for testing "
        f"{plural(len(verdicts.pairs), 'pair')}; with too few seeds, there is none."
    )
    fixed = verdicts.baseline or verdicts.order[0]
    left, right = st.columns(2)
    with left:
        better = "left" if analysis.METRICS[verdicts.metric].sign > 0 else "right"
        st.markdown(f"**Difference against {fixed}**: {better} of 0 is better")
        steady_chart(
            figures.forest_figure(
                analysis.against(verdicts), figures.arm_styles(arms),
                title=f"{UNITS.get(verdicts.metric, _title(verdicts.metric))}, difference",
            ),
            key="compare-forest", what=f"{row.experiment_id} {verdicts.metric} {fixed}",
            label=f"Differences against {fixed}",
        )
    with right:
        st.markdown("**All pairs**: the strategy of the row compared with that of the column")
        words = analysis.verdict_matrix(verdicts)
        narrow = {label: st.column_config.TextColumn(width=CELL) for label in words.columns}
        st.dataframe(
            words.style.map(figures.verdict_css), key="verdict-matrix", column_config=narrow
        )
    with st.expander("Every pair in numbers"):
        _numbers(verdicts)


def _judged(
    row: ExperimentRow, experiment: Experiment, arms: pd.DataFrame, curves: pd.DataFrame
) -> analysis.Verdicts:
    """The verdicts by the metric and against the baseline chosen."""
    classes = external.has_classes(experiment.base)
    names = [
        name for name in analysis.METRICS
        if (classes or "accuracy" not in name) and (row.target is not None or "target" not in name)
    ]
    labels = [str(label) for label in arms["label"].unique()]
    if st.session_state.get("baseline") not in (None, NO_BASELINE, *labels):
        del st.session_state["baseline"]  # of another comparison
    with st.container(horizontal=True, vertical_alignment="bottom"):
        metric = st.selectbox(
            "Judge by", names, format_func=_title, key="judge-by", width=260, **fields.PERSIST,
            help="Final: the last epoch. Best: the best epoch. Mean: the area under the curve, "
            "which rewards fast training. Epochs to the target: if one is set.",
        )
        pinned = st.selectbox(
            "Baseline", [NO_BASELINE, *labels], key="baseline", width=260,
            help="Compares all others with this strategy. With none, it is the strategy with the "
            "best mean.",
        )
    baseline = None if pinned == NO_BASELINE else pinned
    return _cached(row.state, arms, curves, metric, baseline, row.target)


@st.cache_data(max_entries=32, show_spinner=False)
def _cached(
    state: tuple[Any, ...],  # noqa: ARG001 (a cache key)
    _arms: pd.DataFrame, _curves: pd.DataFrame,
    metric: str, baseline: str | None, target: float | None,
) -> analysis.Verdicts:
    return analysis.judge(_arms, _curves, metric=metric, baseline=baseline, target=target)


def _offer_seeds(
    row: ExperimentRow, experiment: Experiment, verdicts: analysis.Verdicts
) -> None:
    more = min(verdicts.more_seeds, MAX_SEEDS - len(experiment.seeds))
    if more > 0 and not experiment.base.trainable_here:
        seeds = len(experiment.seeds) + more
        known = verdicts.pairs["seeds_needed"].notna().any()
        words = f"About {seeds} seeds in all would probably decide it" if known else \
            f"A verdict needs at least {seeds} seeds"
        st.caption(f"{words}: set seeds={seeds} in the script.")
        return
    if more <= 0:
        return
    first = max(experiment.seeds) + 1
    try:
        larger = experiment.extended(seeds=range(first, first + more))
        added = experiment.replace(seeds=tuple(range(first, first + more)))
        plans = [run.plan for run in plan_all(added)]
    except LrdashError as fault:
        st.caption(f"{more} more seeds cannot be added: {escaped(str(fault))}")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            f"Add {plural(more, 'seed')}", icon=":material/add:", key="add-seeds",
            help="Trains every strategy at every peak rate with them; existing runs are kept.",
        )
        st.caption(", ".join(filter(None, (plural(added.size, "run"), estimate.time_of(plans)))))
    if pressed:
        with error_boundary():
            queue.extend_experiment(row, larger)
            st.rerun()


def _numbers(verdicts: analysis.Verdicts) -> None:
    digits = st.column_config.NumberColumn
    show_table(verdicts.pairs, key="verdict-pairs", columns={
        "first": "First", "verdict": "is", "second": "than / against",
        "difference": digits("Difference", format="%+.4g", help="First minus second."),
        "low": digits(
            "From", format="%+.4g",
            help="The differences that the test does not reject; empty with too few seeds.",
        ),
        "high": digits("To", format="%+.4g"),
        "p_adjusted": digits("Adjusted p", format="%.3g", help="By Holm, over all pairs."),
        "effect": digits("Effect", format="%+.2f", help="Paired d; above 0 the first is better."),
        "improvement": digits(
            "Improvement", format="percent", help="Share of the seeds in which the first is better."
        ),
        "seeds": "Seeds",
        "seeds_needed": digits(
            "Seeds needed", format="%d",
            help="In all; empty where 1,000 would not be enough, and with fewer than 3 seeds.",
        ),
    })


def _title(metric: str) -> str:
    title = analysis.METRICS[metric].title
    return f"{title[0].upper()}{title[1:]}"
