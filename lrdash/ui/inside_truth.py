"""The truth beside the guess: the same training with the changed settings.

A trained run is found by its spec, so a reload, a second tab and a run that somebody trained on
the Train page with these settings all show it.
"""

from __future__ import annotations

import streamlit as st

from lrdash import analysis, elsewhere
from lrdash.errors import LrdashError
from lrdash.figures import Truth
from lrdash.plan import make
from lrdash.store import RunRow
from lrdash.strategies.plateau import Plateau
from lrdash.teaching import MOST, Recorded, Replay, replay, verdict
from lrdash.ui import resources, train
from lrdash.ui.inside_sources import Source

TICK = 1.0  # seconds between two looks while the truth is trained
LATEST = 200  # runs looked through


def training(source: Source) -> bool:
    """Whether a run that differs in the settings of the rule alone is queued or trained now."""
    return any(run.active for run in _siblings(source))


def differing(rule: Plateau, other: Plateau) -> list[str]:
    """The settings in which two rules differ: `patience 2`."""
    before, after = rule.as_dict(), other.as_dict()
    labels = {knob.name: knob.label.lower() for knob in Plateau.knobs()}
    return [
        f"{labels[name]} {value:g}" if isinstance(value, float) else f"{labels[name]} {value}"
        for name, value in after.items() if before[name] != value
    ]


def show(
    source: Source, other: Plateau, guess: Replay, differs: int | None, *, was_active: bool
) -> Truth | None:
    """The way to the truth, or the truth itself where it is known.

    Args:
        source: the record.
        other: the changed rule.
        guess: what it would have decided over the record.
        differs: epochs done at the first decision that differs; None for none.
        was_active: whether something was in training when the page was drawn.
    """
    siblings = _siblings(source)
    if was_active and not any(run.active for run in siblings):
        st.rerun()
    if differs is None:
        return None
    if source.spec is None:
        st.caption("A typed series has no training behind it that could be done again. Pick a run "
                   "or an example to train the truth.")
        return None
    if reason := elsewhere.why_not(source.spec):
        st.caption(f"The truth cannot be trained here. {reason}")
        return None
    run = next((run for run in siblings if _same(run, other)), None)
    if run is None or (run.status != "finished" and not run.active):
        _offer(source, other, run)
        return None
    if run.active:
        _progress(run)
        return None
    return _told(source, other, guess, differs, run)


def _offer(source: Source, other: Plateau, failed: RunRow | None) -> None:
    if failed is not None:
        reason = f" ({failed.reason})" if failed.reason else ""
        st.warning(f"The last run with these settings was {failed.status}{reason}.",
                   icon=":material/warning:")
    if st.button("Train the truth", type="primary", icon=":material/play_arrow:", key="truth",
                 help="A new run with the changed settings and the same seed: same first weights, "
                 "same batches. Its curve is then laid over the guess."):
        _start(source, other)


def _start(source: Source, other: Plateau) -> None:
    if source.spec is None or source.rule is None:
        return
    plan = make(source.spec.replace(params=other.as_dict()))
    name = f"What if {', '.join(differing(source.rule, other))}"
    train.queue(plan, source.engine, name=name[:120])
    st.rerun()


def _progress(run: RunRow) -> None:
    if run.status == "queued":
        st.info("The truth is queued and starts by itself.", icon=":material/schedule:")
        return
    share = min(1.0, run.update / max(1, run.updates))
    st.progress(share, text=f"Training the truth: epoch {min(run.epochs_done + 1, run.spec.epochs)}"
                f" of {run.spec.epochs}")


def _told(
    source: Source, other: Plateau, guess: Replay, differs: int, run: RunRow
) -> Truth | None:
    if source.recorded is None:
        return None
    rows = resources.store().epochs(run.run_id)[:MOST]
    values = tuple(row.metrics.get(other.monitor, float("nan")) for row in rows)
    lead = source.recorded.lead
    real = replay(other, Recorded(values=values, base_lr=run.spec.base_lr, lead=lead))
    st.success(
        verdict(source.values, values, guess, real, metric=source.metric, differs=differs)
        + f" Last {source.metric}: {analysis.number(values[-1])} trained, "
        f"{analysis.number(source.values[-1])} recorded.",
        icon=":material/check_circle:",
    )
    if st.button("Open the trained run", icon=":material/open_in_new:", key="open-truth",
                 type="tertiary"):
        st.switch_page("pages/train.py", query_params={"run": run.run_id})
    return Truth(values=values, rates=tuple(row.learning_rate for row in rows))


def _siblings(source: Source) -> list[RunRow]:
    """Runs that differ from the record in nothing but the settings of the rule, newest first."""
    spec = source.spec
    if spec is None:
        return []
    return [
        run for run in resources.store().runs(limit=LATEST)
        if run.run_id != source.key and run.spec.strategy == spec.strategy
        and run.spec.model_copy(update={"params": spec.params}) == spec
    ]


def _same(run: RunRow, other: Plateau) -> bool:
    try:
        return Plateau(**run.spec.params) == other
    except LrdashError:  # of another version
        return False
