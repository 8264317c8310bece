"""One comparison, live and afterwards: what it is, how far it is, its results."""

from __future__ import annotations

from time import monotonic

import streamlit as st

from lrdash import analysis
from lrdash.core import wording
from lrdash.core.events import Status
from lrdash.core.wording import plural
from lrdash.planning import external
from lrdash.planning.experiment import Experiment
from lrdash.store import ExperimentRow
from lrdash.ui import resources
from lrdash.ui.compare import manage, results
from lrdash.ui.components import queue, result
from lrdash.ui.components.live import live
from lrdash.ui.components.steady_chart import preload

TICK = 2.0  # seconds between two looks while runs are active
LIGHT = 100  # runs that are drawn at each tick; more are drawn less often, since that takes longer
# In the order in which they are listed.
ENDINGS: tuple[Status, ...] = ("finished", "diverged", "stopped", "interrupted", "failed")


def show(experiment_id: str) -> None:
    """The comparison, refreshed while it is active.

    Raises:
        NotFound: there is no such experiment.
    """
    row = resources.store().experiments.one(experiment_id)
    experiment = Experiment.from_json(row.definition)
    preload()
    _header(row, experiment)
    live(_view, TICK * max(1.0, row.runs / LIGHT) if row.active else None, experiment_id)


def _view(experiment_id: str) -> bool:
    row = resources.store().experiments.one(experiment_id)
    experiment = Experiment.from_json(row.definition)
    status(row, experiment)
    results.show(row, experiment)
    return row.active


def _header(row: ExperimentRow, experiment: Experiment) -> None:
    base = experiment.base
    settings = (
        analysis.data_and_model(base), analysis.optimizer_in_words(base),
        plural(base.epochs, "epoch"), sizes(experiment),
        f"peak rates {', '.join(map(wording.rate, experiment.base_lrs))}",
    )
    reason = external.why_not(base)
    actions = result.header(
        row.name or in_words(experiment), " · ".join(settings),
        notes=[reason, *analysis.notes_of_spec(base)] if reason else (),
    )
    with actions:
        manage.actions(row, experiment)


def in_words(experiment: Experiment) -> str:
    """What an experiment without a name is called."""
    labels = experiment.labels()
    if len(labels) > 4:
        return f"{labels[0]}, {labels[1]} and {len(labels) - 2} more"
    return ", ".join(labels)


def sizes(experiment: Experiment) -> str:
    """`5 strategies × 3 peak rates × 4 seeds`."""
    return " × ".join((
        plural(len(experiment.arms), "strategy", "strategies"),
        plural(len(experiment.base_lrs), "peak rate"), plural(len(experiment.seeds), "seed"),
    ))


def done(row: ExperimentRow) -> int:
    """Runs that are over."""
    return row.runs - row.counts["queued"] - row.counts["running"]


def status(row: ExperimentRow, experiment: Experiment) -> None:
    """How far it is, or how it ended, with the way to resume unfinished runs."""
    if row.active:
        share = row.update / max(1, row.updates)
        words = f"{done(row)} of {plural(row.runs, 'run')} done, {share:.0%} of all updates" \
            if row.update else f"{plural(row.runs, 'run')} waiting for a worker"
        result.progress(share, words, _time_left(row))
        return
    parts = [f"{row.counts[one]} {one}" for one in ENDINGS if row.counts[one]]
    whole = row.counts["finished"] + row.counts["diverged"] == row.runs
    result.ended("finished" if whole else "stopped",
                 f"{plural(row.runs, 'run')}: {', '.join(parts)}")
    here = experiment.base.trainable_here
    unfinished = sum(row.counts[one] for one in queue.RESUMABLE) if here else 0
    if unfinished and st.button(
        f"Resume {plural(unfinished, 'unfinished run')}",
        icon=":material/play_arrow:", key="resume", type="primary",
        help="They resume from their last checkpoints, bit for bit as if they had never paused.",
    ):
        queue.resume_experiment(row.experiment_id)
        st.rerun()


def _time_left(row: ExperimentRow) -> float | None:
    """Seconds, judged by what was done since this page was opened."""
    seen = st.session_state.setdefault("pace", {})
    began, before = seen.setdefault(row.experiment_id, (monotonic(), row.update))
    moved, since = row.update - before, monotonic() - began
    return (row.updates - row.update) * since / moved if moved > 0 and since > TICK else None
