"""The truth beside the guess: the same training with the changed settings.

Up to the first decision that differs both trainings are the same. So where the record is a run
with a checkpoint from before that, the truth is a branch of it, which takes over what the changed
rule would have seen and counted by then; else it is a run of its own.

A trained truth is found by its settings, so a reload, a second tab and a run that somebody trained
on the Train page with these settings all show it; the address names it, too, for the time when it
is no longer among the latest runs.
"""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from lrdash.checkpoints.folder import CheckpointFolder
from lrdash.core import wording
from lrdash.core.errors import LrdashError, NotFound
from lrdash.figures import Truth
from lrdash.planning import branches, external
from lrdash.planning.plan import make
from lrdash.store import NewRun, RunRow, home
from lrdash.strategies.plateau import Plateau
from lrdash.teaching import MOST, Recorded, Replay, left_off, replay, verdict
from lrdash.ui import resources
from lrdash.ui.inside.sources import Source
from lrdash.ui.train import page

TICK = 1.0  # seconds between two looks while the truth is trained
LATEST = 200  # runs looked through
TRUTH = "truth"  # query parameter


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
    run = next((run for run in siblings if _same(run, other, differs)), None)
    _name_in_address(run)
    if differs is None:
        return None
    if source.spec is None:
        st.caption("A typed series has no training behind it that could be done again. Pick a run "
                   "or an example to train the truth.")
        return None
    if reason := external.why_not(source.spec):
        st.caption(f"The truth cannot be trained here. {reason}")
        return None
    if differs >= source.spec.epochs:
        st.caption("The first difference comes with the end of the training, so nothing is left to "
                   "train: all of this is certain.")
        return None
    if run is None or (run.status != "finished" and not run.active):
        _offer(source, other, differs, run)
        return None
    if run.active:
        _progress(run)
        return None
    return _told(source, other, guess, differs, run)


def _offer(source: Source, other: Plateau, differs: int, failed: RunRow | None) -> None:
    if failed is not None:
        reason = f" ({failed.reason})" if failed.reason else ""
        st.warning(f"The last run with these settings was {failed.status}{reason}.",
                   icon=":material/warning:")
    kept = _checkpoint(source, differs)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Train the truth", type="primary", icon=":material/play_arrow:", key="truth"):
            _start(source, other, differs, fork=kept is not None)
        st.caption(_plan_in_words(source, differs, kept))


def _plan_in_words(source: Source, differs: int, kept: int | None) -> str:
    laid = "Its curve is then laid over the guess."
    if kept is not None:
        again = f" It begins with the weights kept after epoch {kept}." if kept < differs else ""
        return f"A branch that leaves this run after epoch {differs}.{again} {laid}"
    spec = source.spec
    told = "A new run with the same seed: same first weights, same batches."
    if _run_of(source) is None or spec is None:
        return f"{told} {laid}"
    if spec.early_stopping:
        return f"{told} (A branch would begin the patience of early stopping anew.) {laid}"
    return f"{told} (No weights of this run are kept from so early.) {laid}"


def _checkpoint(source: Source, differs: int) -> int | None:
    """Epochs done at the checkpoint from which a branch can begin; None where there is none.

    A branch gives early stopping a new start, so with it only a run of its own is the truth.
    """
    if _run_of(source) is None or source.spec is None or source.spec.early_stopping:
        return None
    kept = [one.epoch for one in CheckpointFolder(home()).of(source.key) if one.epoch <= differs]
    return kept[-1] if kept else None


def _run_of(source: Source) -> RunRow | None:
    """The run behind the record; None for an example and a typed series."""
    with suppress(NotFound):
        return resources.store().runs.one(source.key)
    return None


def _start(source: Source, other: Plateau, differs: int, *, fork: bool) -> None:
    if source.spec is None or source.rule is None:
        return
    name = f"What if {', '.join(differing(source.rule, other))}"[:120]
    if fork:
        made = _fork(source, other, differs)
        resources.store().runs.rename(made, name)
    else:
        plan = make(source.spec.replace(params=other.as_dict()))
        made = page.queue(plan, source.engine, name=name)
    st.query_params[TRUTH] = made
    resources.laboratory().wake()
    st.rerun()


def _fork(source: Source, other: Plateau, epoch: int) -> str:
    """Queue the branch; gives its id."""
    store = resources.store()
    parent = store.runs.one(source.key)
    recorded = source.recorded or Recorded(values=(), base_lr=parent.spec.base_lr)
    seen = left_off(other, recorded, epoch)
    rate = seen.pop("rate")
    wanted = {"strategy": Plateau.id, "params": other.as_dict(), "base_lr": rate, "state": seen}
    plan = make(branches.branch(parent.spec, epoch, wanted, rate))
    new = NewRun(spec=plan.spec, label="", steps_per_epoch=plan.steps_per_epoch,
                 updates=plan.updates, parameters=plan.parameters)
    made = store.branches.create(parent.run_id, epoch, [new], engine=source.engine)[0]
    CheckpointFolder(home()).hand_over(parent.run_id, made, epoch)
    return made


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
    rows = resources.store().runs.epochs(run.run_id)[:MOST]
    values = tuple(row.metrics.get(other.monitor, float("nan")) for row in rows)
    recorded = source.recorded
    real = replay(other, Recorded(values=values, base_lr=recorded.base_lr, lead=recorded.lead))
    st.success(
        verdict(source.values, values, guess, real, metric=source.metric, differs=differs,
                forked=_is_branch(source, run))
        + f" Last {source.metric}: {wording.number(values[-1])} trained, "
        f"{wording.number(source.values[-1])} recorded.",
        icon=":material/check_circle:",
    )
    if st.button("Open the trained run", icon=":material/open_in_new:", key="open-truth",
                 type="tertiary"):
        st.switch_page("pages/train.py", query_params={"run": run.run_id})
    return Truth(values=values, rates=tuple(row.learning_rate for row in rows))


def _name_in_address(run: RunRow | None) -> None:
    if run is None:
        st.query_params.pop(TRUTH, None)
    elif st.query_params.get(TRUTH) != run.run_id:
        st.query_params[TRUTH] = run.run_id


def _siblings(source: Source) -> list[RunRow]:
    """Runs that differ from the record in nothing but the settings of the rule, newest first."""
    if source.spec is None:
        return []
    found = list(resources.store().runs.listing(limit=LATEST))
    asked = st.query_params.get(TRUTH)
    if asked and asked not in {run.run_id for run in found}:
        with suppress(NotFound):
            found.append(resources.store().runs.one(asked))
    return [run for run in found if _is_branch(source, run) or _is_again(source, run)]


def _is_again(source: Source, run: RunRow) -> bool:
    """Whether a run is the whole training once more, under such a rule."""
    spec = source.spec
    return spec is not None and run.run_id != source.key and run.spec.strategy == spec.strategy \
        and run.spec.model_copy(update={"params": spec.params}) == spec


def _is_branch(source: Source, run: RunRow) -> bool:
    """Whether a run leaves the record for such a rule, which takes over what was seen."""
    last = run.spec.pieces[-1] if run.spec.pieces else None
    return last is not None and run.parent_id == source.key and run.fork_epoch == last.epoch \
        and last.strategy == Plateau.id and bool(last.state)


def _same(run: RunRow, other: Plateau, differs: int | None) -> bool:
    if run.fork_epoch is not None and run.fork_epoch != differs:
        return False
    params = run.spec.pieces[-1].params if run.spec.pieces else run.spec.params
    try:
        return Plateau(**params) == other
    except LrdashError:  # of another version
        return False
