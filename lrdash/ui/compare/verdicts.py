"""What a comparison decides: the sentence on top, the seeds that would tell, and who beats whom."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lrdash import analysis, figures
from lrdash.core import wording
from lrdash.core.errors import LrdashError
from lrdash.planning import external
from lrdash.planning.experiment import MAX_SEEDS, Experiment, plan_all
from lrdash.store import ExperimentRow, known_paces
from lrdash.ui import resources
from lrdash.ui.components import fields
from lrdash.ui.components.steady_chart import steady_chart

NO_BASELINE = "none"
CELL = 94  # pixels of a verdict in the table of all pairs
HISTORY = 200  # earlier runs that an estimate looks at
UNITS = {"area_val_loss": "Mean loss", "area_val_accuracy": "Mean accuracy"}


def top(
    row: ExperimentRow, experiment: Experiment, arms: pd.DataFrame, curves: pd.DataFrame
) -> analysis.Verdicts:
    """The sentence with what it rests on, and a button that adds the seeds it asks for."""
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
    st.header("Who is better than whom", anchor=False)
    several = len(experiment.seeds)
    st.caption(
        f"By {analysis.METRICS[verdicts.metric].title}, over "
        f"{several} {'seed' if several == 1 else 'seeds'}. A filled mark is decided, "
        "a hollow one is not; an interval is for one difference by itself, a verdict allows for "
        f"looking at {len(verdicts.pairs)} {'pair' if len(verdicts.pairs) == 1 else 'pairs'}."
    )
    fixed = verdicts.baseline or verdicts.order[0]
    left, right = st.columns(2)
    with left:
        st.markdown(f"**Difference against {fixed}**" + _lower_is_better(verdicts.metric))
        steady_chart(
            figures.forest_figure(
                analysis.against(verdicts), figures.arm_styles(arms), title=_unit(verdicts.metric)
            ),
            key="compare-forest", what=f"{row.experiment_id} {verdicts.metric} {fixed}",
            label=f"Differences against {fixed}",
        )
    with right:
        st.markdown("**All pairs**: what the strategy of the row is against that of the column")
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
    """Judged as chosen: by which metric, against which baseline."""
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
            help="Final: of the last epoch. Best: of the best epoch. Mean: the area under the "
            "curve, which rewards being fast. Epochs to the target: where one is set.",
        )
        pinned = st.selectbox(
            "Baseline", [NO_BASELINE, *labels], key="baseline", width=260,
            help="Tells all others against this strategy, in words, in percent and in the plot of "
            "differences. Without one that is the strategy with the best mean.",
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
        st.caption(f"About {seeds} seeds in all would probably tell: give seeds={seeds} in the "
                   "script.")
        return
    if more <= 0:
        return
    first = max(experiment.seeds) + 1
    try:
        larger = experiment.extended(seeds=range(first, first + more))
        added = experiment.replace(seeds=tuple(range(first, first + more)))
        plans = [run.plan for run in plan_all(added)]
    except LrdashError as fault:
        st.caption(f"{more} more seeds cannot be added: {fault}")
        return
    history = resources.store().runs.listing(limit=HISTORY)
    seconds = analysis.expected_group_seconds(plans, history, known_paces())
    takes = f", about {wording.duration(max(1.0, seconds))}" if seconds is not None else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = st.button(
            f"Add {more} {'seed' if more == 1 else 'seeds'}", icon=":material/add:",
            key="add-seeds",
            help="Trains every strategy at every peak rate with them; what exists stays.",
        )
        st.caption(f"{added.size:,} runs{takes}")
    if pressed:
        _add(row, larger)


def _add(row: ExperimentRow, larger: Experiment) -> None:
    from lrdash.ui.compare import manage  # which itself shows results

    try:
        manage.extend(row, larger)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
        return
    st.rerun()


def _numbers(verdicts: analysis.Verdicts) -> None:
    column = st.column_config
    digits = column.NumberColumn
    config: dict[str, Any] = {
        "first": column.TextColumn("First"),
        "verdict": column.TextColumn("is"),
        "second": column.TextColumn("than / against"),
        "difference": digits("Difference", format="%+.4g", help="First minus second."),
        "low": digits("From", format="%+.4g", help="95% interval of this difference alone."),
        "high": digits("To", format="%+.4g"),
        "p_adjusted": digits("Adjusted p", format="%.3g", help="By Holm, over all pairs."),
        "effect": digits("Effect", format="%+.2f", help="Paired d; above 0 the first is better."),
        "improvement": digits(
            "Improvement", format="percent", help="Share of the seeds in which the first is better."
        ),
        "seeds": digits("Seeds"),
        "seeds_needed": digits(
            "Seeds needed", format="%d", help="In all; empty where 1,000 would not be enough."
        ),
    }
    shown = verdicts.pairs.replace([float("inf"), float("-inf")], float("nan"))
    st.dataframe(
        shown, hide_index=True, key="verdict-pairs", column_config=config,
        column_order=list(config),
    )


def _title(metric: str) -> str:
    title = analysis.METRICS[metric].title
    return f"{title[0].upper()}{title[1:]}"


def _unit(metric: str) -> str:
    return f"{UNITS.get(metric, _title(metric))}, difference"


def _lower_is_better(metric: str) -> str:
    higher = analysis.METRICS[metric].sign < 0
    return f": {'right' if higher else 'left'} of 0 is better"
