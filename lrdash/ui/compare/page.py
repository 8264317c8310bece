"""The Compare page: choose what to compare, or watch the experiment that the address names."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from lrdash import analysis
from lrdash.core import wording
from lrdash.core.errors import InvalidField, LrdashError
from lrdash.core.spec import RunSpec
from lrdash.planning import external, grouping
from lrdash.planning.experiment import (
    Arm,
    Experiment,
    Planned,
    peaks_around,
    plan_all,
    suggested_peak,
)
from lrdash.planning.plan import Plan
from lrdash.store import known_paces
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources, shell
from lrdash.ui.compare import arms, live, manage
from lrdash.ui.components import fields, form, found_rate

FIRST = ["constant", "linear", "cosine", "one_cycle", "plateau"]
FIRST_RATES = "0.01, 0.03, 0.1, 0.3, 1"
AROUND, TYPED = "5 around the suggested one", "Typed"
PREFIX = "compare."
HISTORY = 200  # earlier runs that an estimate looks at
SHOWN = 20  # earlier comparisons in the list


def body() -> None:
    """The experiment that the address names, else the form."""
    experiment_id = st.query_params.get("experiment")
    if experiment_id:
        live.watch(experiment_id)
    else:
        shell.activity()
        choose()


def choose() -> None:
    """What to compare on the left, what that takes on the right, and Start."""
    like = st.query_params.pop("like", None)
    if like:
        try:
            wanted = Experiment.from_json(resources.store().experiments.one(like).definition)
            external.refuse([wanted.base])
            _fill(wanted)
        except LrdashError as fault:
            st.error(str(fault), icon=":material/error:")
    peaks = found_rate.into_form()
    if peaks:
        fields.preset(f"{PREFIX}how", TYPED)
        fields.preset(f"{PREFIX}rates", fields.as_text(peaks))
    left, right = st.columns([5, 7], gap="medium")
    planned: list[Planned] = []
    with left:
        try:
            experiment = _draw()
            form.require_data(experiment.base.dataset)
            planned = plan_all(experiment)
        except LrdashError as fault:
            problem = str(fault)
    with right, st.container(key="outlook"):
        if planned:
            _offer(experiment, planned)
        else:
            st.error(problem, icon=":material/error:")
            st.caption("Nothing is lost: mend that field and Start comes back.")
        _earlier()


def _fill(experiment: Experiment) -> None:
    """Put an experiment's settings into the form."""
    form.fill(experiment.base)
    fields.preset(f"{PREFIX}strategies", [arm.strategy for arm in experiment.arms])
    for arm in experiment.arms:
        for name, value in arm.params.items():
            shown = fields.as_text(value) if isinstance(value, list | tuple) else value
            fields.preset(f"{PREFIX}{arm.strategy}.{name}", shown)
    fields.preset(f"{PREFIX}how", TYPED)
    fields.preset(f"{PREFIX}rates", fields.as_text(experiment.base_lrs))
    fields.preset(f"{PREFIX}seeds", len(experiment.seeds))
    fields.preset(f"{PREFIX}target", experiment.target)


def _label(strategy: str) -> str:
    return STRATEGIES[strategy].label


def _draw() -> Experiment:
    values = form.what()
    with st.container(border=True):
        st.header("What to compare", anchor=False)
        chosen = st.multiselect(
            "Strategies", list(STRATEGIES), default=FIRST, format_func=_label,
            **fields.bound(f"{PREFIX}strategies", FIRST, _label),
            help="Each is trained at every peak rate with every seed.",
        )
        compared = [
            Arm(strategy=name, params=arms.settings(name, dataset=values["dataset"], prefix=PREFIX))
            for name in chosen
        ]
        typed = _rates(values)
        first, second = st.columns(2)
        with first:
            seeds = st.number_input(
                "Seeds", 1, 200, 3, **fields.bound(f"{PREFIX}seeds", 3),
                help="Runs of each strategy and rate. Within a seed all arms start from the same "
                "weights and see the same batches. Three show a trend; five or more tell.",
            )
        with second:
            values["epochs"] = form.setting("epochs")
        target = st.number_input(
            "Target validation loss", min_value=0.0, step=0.05, value=None,
            **fields.bound(f"{PREFIX}target", None),
            placeholder="none", help="The leaderboard tells how many epochs it took to reach it.",
        )
        with st.expander("Warm-up, batches, loss, early stopping"):
            values["warmup_epochs"] = form.setting("warmup_epochs")
            values |= form.more(values["dataset"], seed=False)
    if not compared:
        raise InvalidField("strategies", "must name at least one strategy", chosen)
    rates = manage.rates_in(typed) if isinstance(typed, str) else typed
    return Experiment(
        base=RunSpec(**values), arms=tuple(compared), base_lrs=rates, seeds=tuple(range(seeds)),
        target=target,
    )


def _rates(values: dict[str, Any]) -> tuple[float, ...] | str:
    """The grid of peak rates: five around the usual one of the optimizer, or the text typed, which
    is read when the whole form is drawn: what is not drawn would be forgotten.
    """
    how = st.segmented_control(
        "Peak rates", [AROUND, TYPED], required=True, default=AROUND,
        **fields.bound(f"{PREFIX}how", AROUND),
        help="A fair comparison gives each strategy its own best peak rate, so that none wins "
        "because the rate happened to suit it.",
    )
    if how == TYPED:
        typed: str = st.text_input(
            "Peak rates, typed", label_visibility="collapsed", value=FIRST_RATES,
            **fields.bound(f"{PREFIX}rates", FIRST_RATES),
        )
        return typed
    centre = suggested_peak(values["optimizer"], float(values.get("momentum") or 0.0))
    peaks = peaks_around(centre)
    st.caption(
        f"{', '.join(wording.rate(rate) for rate in peaks)}: the usual "
        f"{wording.rate(centre)} of this optimizer, a factor of 3 apart."
    )
    return peaks


def _offer(experiment: Experiment, planned: list[Planned]) -> None:
    plans = [run.plan for run in planned]
    groups = grouping.cut(plans)
    with st.container(border=True):
        st.header(f"{len(planned):,} {'run' if len(planned) == 1 else 'runs'}", anchor=False)
        st.markdown(
            f"{_counted(len(experiment.arms), 'strategy', 'strategies')} × "
            f"{_counted(len(experiment.base_lrs), 'peak rate')} × "
            f"{_counted(len(experiment.seeds), 'seed')}, {experiment.base.epochs} epochs each. "
            "Every strategy is judged at its own best peak rate."
        )
        with st.container(horizontal=True):
            st.metric("Time", _time(plans), help="From what this machine has trained so far.")
            told = grouping.describe(plans, groups)
            st.metric(
                "Memory", f"{max(1, round(told['bytes'] / 2**20)):,} MB",
                help=f"Estimated, of the largest group; {told['limit'] / 2**20:,.0f} MB are free "
                "for training. LRDASH_MEMORY_MB sets another limit.",
            )
            st.metric(
                "Groups", f"{len(groups):,}",
                help=f"Runs that train together as one program, up to {told['lanes']} at a time, "
                "group after group.",
            )
        first = plans[0]
        st.caption(
            f"{first.parameters:,} parameters · {first.train_examples:,} / "
            f"{first.validation_examples:,} examples · {first.updates:,} updates a run"
        )
        if st.button("Start", type="primary", icon=":material/play_arrow:", key="start-compare"):
            _begin(experiment, planned, groups)


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _time(plans: list[Plan]) -> str:
    history = resources.store().runs.listing(limit=HISTORY)
    seconds = analysis.expected_group_seconds(plans, history, known_paces())
    return "unknown yet" if seconds is None else f"about {wording.duration(max(1.0, seconds))}"


def _begin(experiment: Experiment, planned: list[Planned], groups: list[list[int]]) -> None:
    experiment_id = resources.store().experiments.create(
        experiment.to_json(), manage.new_runs([(run.label, run.plan) for run in planned]),
        groups=groups,
    )
    resources.laboratory().wake()
    st.query_params["experiment"] = experiment_id
    st.rerun()


def _earlier() -> None:
    rows = resources.store().experiments.listing(limit=SHOWN)
    if not rows:
        return
    st.header("Earlier comparisons", anchor=False)
    found = [(row, Experiment.from_json(row.definition)) for row in rows]
    column = st.column_config
    table = pd.DataFrame({
        "what": [row.name or live.in_words(experiment) for row, experiment in found],
        "data": [f"{analysis.dataset_in_words(e.base.dataset)} · {e.base.model}" for _, e in found],
        "done": [(row.runs - row.counts["queued"] - row.counts["running"]) / max(1, row.runs)
                 for row in rows],
        "runs": [row.runs for row in rows],
        "created": [row.created_at for row in rows],
    })
    event = st.dataframe(
        table, hide_index=True, key="earlier", on_select="rerun", selection_mode="single-row",
        column_config={
            "what": column.TextColumn("Comparison", width="medium"),
            "data": column.TextColumn("Data and model"),
            "done": column.ProgressColumn("Done", format="percent", width="small"),
            "runs": column.NumberColumn("Runs", width="small"),
            "created": column.DatetimeColumn("Created", format="distance"),
        },
    )
    st.caption("Tick the box at the left of a row to open it.")
    if event.selection.rows:
        st.query_params["experiment"] = rows[event.selection.rows[0]].experiment_id
        st.rerun()
