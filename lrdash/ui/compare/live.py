"""One experiment, live and afterwards: what it is, how far it is, its results."""

from __future__ import annotations

from time import monotonic

import streamlit as st

from lrdash import analysis
from lrdash.core import wording
from lrdash.core.errors import LrdashError
from lrdash.core.events import Status
from lrdash.planning import external
from lrdash.planning.experiment import Experiment
from lrdash.store import ExperimentRow
from lrdash.ui import resources
from lrdash.ui.compare import manage, results
from lrdash.ui.components.steady_chart import preload

TICK = 2.0  # seconds between two looks while runs are active
CONTINUABLE: tuple[Status, ...] = ("interrupted", "stopped")
# In the order of telling.
ENDINGS: tuple[Status, ...] = ("finished", "diverged", "stopped", "interrupted", "failed")


def watch(experiment_id: str) -> None:
    """The experiment as it stands, refreshed while it is active.

    Raises:
        NotFound: there is no such experiment.
    """
    row = resources.store().experiments.one(experiment_id)
    experiment = Experiment.from_json(row.definition)
    preload()
    _head(row, experiment)
    st.fragment(_guarded, run_every=TICK if row.active else None)(experiment_id, row.active)


def _guarded(experiment_id: str, was_active: bool) -> None:
    try:
        _view(experiment_id, was_active)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")


def _view(experiment_id: str, was_active: bool) -> None:
    row = resources.store().experiments.one(experiment_id)
    if was_active and not row.active:
        st.rerun()
    experiment = Experiment.from_json(row.definition)
    progress(row, experiment)
    results.show(row, experiment)


def _head(row: ExperimentRow, experiment: Experiment) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    with left:
        st.header(row.name or in_words(experiment), anchor=False)
        base = experiment.base
        st.caption(
            f"{wording.escaped(analysis.dataset_in_words(base.dataset))} · "
            f"{wording.escaped(base.model)} · "
            f"{analysis.optimizer_in_words(base)} · {base.epochs} epochs · "
            f"{_counted(experiment)} · peak rates "
            f"{', '.join(wording.rate(rate) for rate in experiment.base_lrs)}"
        )
        if reason := external.why_not(base):
            st.caption(f":material/terminal: {reason}")
            for note in analysis.notes_of_spec(base):
                st.caption(f":material/info: {wording.escaped(note)}")
    with right:
        manage.actions(row, experiment)


def in_words(experiment: Experiment) -> str:
    """What an experiment without a name is called."""
    labels = experiment.labels()
    if len(labels) > 4:
        return f"{labels[0]}, {labels[1]} and {len(labels) - 2} more"
    return ", ".join(labels)


def _counted(experiment: Experiment) -> str:
    parts = (
        (len(experiment.arms), "strategy", "strategies"),
        (len(experiment.base_lrs), "rate", "rates"), (len(experiment.seeds), "seed", "seeds"),
    )
    return " × ".join(f"{number} {one if number == 1 else many}" for number, one, many in parts)


def progress(row: ExperimentRow, experiment: Experiment) -> None:
    """How far it is, or how it ended, with the way on where runs are unfinished."""
    done = row.runs - row.counts["queued"] - row.counts["running"]
    if row.active:
        share = min(1.0, row.update / max(1, row.updates))
        left = _time_left(row)
        words = f"{done} of {row.runs} runs done, {share:.0%} of all updates"
        if not row.update:
            words = f"{row.runs} runs wait for the trainer"
        st.progress(share, text=f"{words} · {wording.duration(left)} left" if left else words)
        return
    parts = [f"{row.counts[status]} {status}" for status in ENDINGS if row.counts[status]]
    tell = st.success if row.counts["finished"] + row.counts["diverged"] == row.runs else st.info
    tell(f"{row.runs} runs: {', '.join(parts)}.", icon=":material/check_circle:")
    here = experiment.base.trainable_here
    unfinished = sum(row.counts[status] for status in CONTINUABLE) if here else 0
    if unfinished and st.button(
        f"Continue {unfinished} unfinished {'run' if unfinished == 1 else 'runs'}",
        icon=":material/play_arrow:", key="continue", type="primary",
        help="They go on from their last checkpoints, to the bit as if they had never paused.",
    ):
        store = resources.store()
        runs = store.runs.listing(experiment_id=row.experiment_id, status=CONTINUABLE)
        store.runs.requeue([run.run_id for run in runs])
        resources.laboratory().wake()
        st.rerun()


def _time_left(row: ExperimentRow) -> float | None:
    """Seconds, judged by what was done since this page began to look."""
    seen = st.session_state.setdefault("pace", {})
    began, before = seen.setdefault(row.experiment_id, (monotonic(), row.update))
    moved, since = row.update - before, monotonic() - began
    return (row.updates - row.update) * since / moved if moved > 0 and since > TICK else None
