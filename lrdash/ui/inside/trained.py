"""The actual training with the changed settings, beside the guess.

Up to the first decision that differs, both trainings are the same. If the record is a run with an
earlier checkpoint, the actual training is a branch of it, which takes over what the changed rule
would have seen and counted by then. Otherwise it is a run of its own.

A finished training is found by its settings, so a reload, a second tab and a run started on the
Train page with these settings all show it. The address names it too, for the time when it is no
longer among the latest runs.
"""

from __future__ import annotations

from contextlib import suppress

import streamlit as st

from lrdash.checkpoints import CheckpointFolder
from lrdash.core import wording
from lrdash.core.errors import LrdashError, NotFound
from lrdash.figures import Actual
from lrdash.jobs.branches import make_branches
from lrdash.planning import external
from lrdash.planning.plan import make
from lrdash.store import RunRow, home
from lrdash.strategies.plateau import Plateau
from lrdash.teaching import MOST, Recorded, Replay, left_off, replay, verdict
from lrdash.ui import resources
from lrdash.ui.components import result
from lrdash.ui.components.queue import start_run
from lrdash.ui.inside.sources import Source

TICK = 1.0  # seconds between two refreshes during the training
LATEST = 200  # runs searched
QUERY = "truth"  # query parameter that names the run


def training(source: Source) -> bool:
    """Whether a run that differs only in the settings of the rule is queued or training."""
    return any(run.active for run in _siblings(source))


def differing(rule: Plateau, other: Plateau) -> list[str]:
    """The settings in which two rules differ: `patience 2`."""
    before, after = rule.as_dict(), other.as_dict()
    labels = {knob.name: knob.label.lower() for knob in Plateau.knobs()}
    return [
        f"{labels[name]} {value:g}" if isinstance(value, float) else f"{labels[name]} {value}"
        for name, value in after.items() if before[name] != value
    ]


def show(source: Source, other: Plateau, guess: Replay, differs: int | None) -> Actual | None:
    """Offer the actual training, show its progress, or give its result.

    `guess` is what the changed rule would have decided over the record, `differs` the epochs done
    at the first decision that differs; None if none does.
    """
    run = next((run for run in _siblings(source) if _same(run, other, differs)), None)
    _name_in_address(run)
    if differs is None:
        return None
    if source.spec is None:
        st.caption("There is no training behind a typed series. Pick a run or an example to train "
                   "it for real.")
        return None
    if reason := external.why_not(source.spec):
        st.caption(f"This cannot be trained here. {reason}")
        return None
    if differs >= source.spec.epochs:
        st.caption("The first difference comes after the last epoch, so there is nothing to train: "
                   "all of this is certain.")
        return None
    if run is None or (run.status != "finished" and not run.active):
        _offer(source, other, differs, run)
        return None
    if run.active:
        _progress(run)
        return None
    return _result(source, other, guess, differs, run)


def _offer(source: Source, other: Plateau, differs: int, failed: RunRow | None) -> None:
    if failed is not None:
        reason = f" ({wording.escaped(failed.reason)})" if failed.reason else ""
        st.warning(f"The last run with these settings ended as {failed.status}{reason}.",
                   icon=":material/warning:")
    kept = _checkpoint(source, differs)
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Train it for real", type="primary", icon=":material/play_arrow:", key="truth"
        ):
            _start(source, other, differs, fork=kept is not None)
        st.caption(_plan_in_words(source, differs, kept))


def _plan_in_words(source: Source, differs: int, kept: int | None) -> str:
    drawn = "Its curve will appear over the guess."
    if kept is not None:
        start = f" It starts from the checkpoint of epoch {kept}." if kept < differs else ""
        return f"A branch that leaves this run after epoch {differs}.{start} {drawn}"
    why = ""
    if _run_of(source) is not None and source.spec is not None:
        why = " (A branch would restart the patience of early stopping.)" \
            if source.spec.early_stopping else " (This run has no checkpoint from so early.)"
    return f"A new run with the same seed: same initial weights, same batches.{why} {drawn}"


def _checkpoint(source: Source, differs: int) -> int | None:
    """Epochs done at the checkpoint from which a branch can start; None if there is none.

    A branch restarts early stopping, so with it only a new run gives the actual result.
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
        made = start_run(plan, engine=source.engine, name=name)
    st.query_params[QUERY] = made
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
    (made,) = make_branches(parent, [(epoch, wanted)], store, engine=source.engine)
    return made


def _progress(run: RunRow) -> None:
    if run.status == "queued":
        st.info("The run is queued and starts automatically.", icon=":material/schedule:")
        return
    epoch = min(run.epochs_done + 1, run.spec.epochs)
    result.progress(
        run.update / max(1, run.updates), f"Training: epoch {epoch} of {run.spec.epochs}"
    )


def _result(
    source: Source, other: Plateau, guess: Replay, differs: int, run: RunRow
) -> Actual | None:
    recorded = source.recorded
    if recorded is None:
        return None
    rows = resources.store().runs.epochs(run.run_id)[:MOST]
    values = tuple(row.metrics.get(other.monitor, float("nan")) for row in rows)
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
    return Actual(values=values, rates=tuple(row.learning_rate for row in rows))


def _name_in_address(run: RunRow | None) -> None:
    if run is None:
        st.query_params.pop(QUERY, None)
    elif st.query_params.get(QUERY) != run.run_id:
        st.query_params[QUERY] = run.run_id


def _siblings(source: Source) -> list[RunRow]:
    """Runs that differ from the record only in the settings of the rule, newest first."""
    if source.spec is None:
        return []
    found = list(resources.store().runs.listing(limit=LATEST))
    asked = st.query_params.get(QUERY)
    if asked and asked not in {run.run_id for run in found}:
        with suppress(NotFound):
            found.append(resources.store().runs.one(asked))
    return [run for run in found if _is_branch(source, run) or _is_again(source, run)]


def _is_again(source: Source, run: RunRow) -> bool:
    """Whether a run repeats the whole training with such a rule."""
    spec = source.spec
    return spec is not None and run.run_id != source.key and run.spec.strategy == spec.strategy \
        and run.spec.model_copy(update={"params": spec.params}) == spec


def _is_branch(source: Source, run: RunRow) -> bool:
    """Whether a run is a branch of the record with such a rule, which takes over what was seen."""
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
