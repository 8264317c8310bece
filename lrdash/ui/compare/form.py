"""What to compare: the form, which the address can fill."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.core.spec import RunSpec
from lrdash.planning import external
from lrdash.planning.experiment import Experiment, peaks_around, suggested_peak
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.components import fields, form, found_rate, queue
from lrdash.ui.components.errors import error_boundary

FIRST = ["constant", "linear", "cosine", "one_cycle", "plateau"]
FIRST_RATES = "0.01, 0.03, 0.1, 0.3, 1"
AROUND, TYPED = "5 around the suggested one", "Typed"
PREFIX = "compare."


def fill_from_address() -> None:
    """Fill the form with the experiment or the range test that the address names."""
    like = st.query_params.pop("like", None)
    if like:
        with error_boundary():
            wanted = Experiment.from_json(resources.store().experiments.one(like).definition)
            external.refuse([wanted.base])
            _fill(wanted)
    peaks = found_rate.into_form()
    if peaks:
        fields.preset(f"{PREFIX}how", TYPED)
        fields.preset(f"{PREFIX}rates", fields.as_text(peaks))


def _fill(experiment: Experiment) -> None:
    form.fill(experiment.base)
    fields.preset(f"{PREFIX}strategies", [arm.strategy for arm in experiment.arms])
    for arm in experiment.arms:
        fields.preset_all(f"{PREFIX}{arm.strategy}.", arm.params)
    fields.preset(f"{PREFIX}how", TYPED)
    fields.preset(f"{PREFIX}rates", fields.as_text(experiment.base_lrs))
    fields.preset(f"{PREFIX}seeds", len(experiment.seeds))
    fields.preset(f"{PREFIX}target", experiment.target)


def read() -> queue.Prepared:
    """Draw the form and plan what it compares.

    Raises:
        LrdashError: a setting is not allowed, or settings do not fit each other.
    """
    values = form.what()
    with st.container(border=True):
        st.header("What to compare", anchor=False)
        chosen = st.multiselect(
            "Strategies", list(STRATEGIES), default=FIRST, format_func=_label,
            **fields.bound(f"{PREFIX}strategies", FIRST, _label),
            help="Each is trained at every peak rate with every seed.",
        )
        arms = form.arms(chosen, values["dataset"], prefix=PREFIX)
        typed = _peaks(values)
        first, second = st.columns(2)
        seeds = first.number_input(
            "Seeds", 1, 200, 3, **fields.bound(f"{PREFIX}seeds", 3),
            help="Runs of each strategy and rate; within a seed all start from the same weights "
            "and see the same batches. Three show a trend, five or more allow a verdict.",
        )
        with second:
            values["epochs"] = form.setting("epochs")
        target = st.number_input(
            "Target validation loss", min_value=0.0, step=0.05, value=None,
            **fields.bound(f"{PREFIX}target", None), placeholder="none",
            help="The leaderboard shows how many epochs each strategy took to reach it.",
        )
        with st.expander("Warm-up, batches, loss, early stopping"):
            values["warmup_epochs"] = form.setting("warmup_epochs")
            values |= form.more(values["dataset"], seed=False)
    if not arms:
        raise InvalidField("strategies", "must name at least one strategy", chosen)
    experiment = Experiment(
        base=RunSpec(**values), arms=tuple(arms), seeds=tuple(range(seeds)), target=target,
        base_lrs=rates_in(typed) if isinstance(typed, str) else typed,
    )
    form.require_data(experiment.base.dataset)
    return queue.prepare(experiment)


def rates_in(text: str) -> tuple[float, ...]:
    """Peak rates that were typed.

    Raises:
        InvalidField: one is no number.
    """
    try:
        return tuple(float(part) for part in re.split(r"[,;\s]+", text.strip()) if part)
    except ValueError:
        raise InvalidField("base_lrs", "must be numbers like 0.01, 0.1, 1", text) from None


def _label(strategy: str) -> str:
    return STRATEGIES[strategy].label


def _peaks(values: dict[str, Any]) -> tuple[float, ...] | str:
    """The peak rates: five around the usual one of the optimizer, or the text typed, which is read
    once the whole form is drawn: Streamlit forgets fields that are not drawn.
    """
    how = st.segmented_control(
        "Peak rates", [AROUND, TYPED], required=True, default=AROUND,
        **fields.bound(f"{PREFIX}how", AROUND),
        help="A fair comparison gives each strategy its own best peak rate, so that none wins "
        "because the rate happens to suit it.",
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
        f"{', '.join(wording.rate(rate) for rate in peaks)}: a factor of 3 apart, around the "
        f"usual {wording.rate(centre)} of this optimizer."
    )
    return peaks
