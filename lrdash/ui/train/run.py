"""One run, live and afterwards: progress, tiles, chart, what can be done with it, its details."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.analysis.changes import last_change
from lrdash.core import wording
from lrdash.core.events import stopped_after
from lrdash.planning import external
from lrdash.planning.plan import make
from lrdash.store import RunRow
from lrdash.strategies.recorded import drawn_as
from lrdash.ui import resources
from lrdash.ui.components import hindsight_offer, queue, result
from lrdash.ui.components.errors import attempt
from lrdash.ui.components.exact import exact
from lrdash.ui.components.live import live
from lrdash.ui.components.live_chart import live_chart
from lrdash.ui.train import branch, details, family, history, more, steer
from lrdash.ui.train.history import History

TICK = 1.0  # seconds between two looks while the run is active
KEPT = "Everything trained so far is kept, and the run can be resumed from its last checkpoint."
PAUSE = f"Pauses within a second and frees the worker. {KEPT}"
LOSSES = "the faint line is the training loss, the strong one the validation loss; when they " \
    "drift apart, the model is overfitting."
BOWL = "the faint line is the mean loss of each epoch, the strong one the loss at its end."
RATES = "the rate of every update on a logarithmic axis; a triangle marks where and why it changed."
ADVICE = {
    "diverged": "The run diverged before the first epoch was done: the rate is too high for fresh "
    "weights. Train again with a lower peak rate or with a warm-up.",
}


def show(run_id: str) -> None:
    """The run, refreshed while it is active.

    Raises:
        NotFound: there is no such run.
    """
    active = history.of(run_id, resources.store()).run.active
    live(_view, TICK if active else None, run_id)


def _view(run_id: str) -> bool:
    past = history.of(run_id, resources.store())
    run = past.run
    _header(run)
    _status(run)
    if run.status == "queued":
        return True
    if past.epochs or run.active:
        _tiles(past)
        _chart(past)
        _actions(past)
        if run.spec.trainable_here:
            steer.news(past)
            branch.show(past)
            more.show(past)
            family.show(run_id)
            hindsight_offer.of_run(run)
    else:
        st.markdown(ADVICE.get(run.status, "No epoch was completed, so there is nothing to draw."))
    details.show(past)
    return run.active


def _header(run: RunRow) -> None:
    what = f"{external.dataset_label(run.spec)}, {run.plan.strategy.label.lower()}"
    actions = result.header(
        run.name or what, analysis.settings_in_words(run.spec), buttons="stack"
    )
    with actions:
        if run.active:
            _stop(run)
        elif reason := external.why_not(run.spec):
            st.caption(f":material/terminal: {reason}")
        else:
            _train_again(run)
    family.origin(run)


def _stop(run: RunRow) -> None:
    if run.spec.origin == "watched":
        st.caption(":material/terminal: It trains in its own program; stop it there.")
        return
    training = run.status == "running"
    pauses = training and run.spec.trainable_here  # else it cannot be resumed from here
    words = "Pause" if pauses else "Stop" if training else "Take out of the queue"
    asked = "Pausing" if pauses else "Stopping"
    st.button(
        asked if run.stop_requested else words, key="stop", width="stretch",
        icon=":material/pause:" if pauses else ":material/stop:",
        disabled=run.stop_requested, help=PAUSE if pauses else None,
        on_click=attempt, args=(resources.store().runs.request_stop, run.run_id),
    )


def _train_again(run: RunRow) -> None:
    if run.status in queue.RESUMABLE and st.button(
        "Resume", icon=":material/play_arrow:", key="resume", type="primary", width="stretch",
        help="Resumes from the last checkpoint, bit for bit as if it had never paused.",
    ):
        queue.resume([run.run_id])
        st.rerun()
    pieces = bool(run.spec.pieces)  # which the form does not hold
    if pieces and st.button(
        "Replay", icon=":material/replay:", key="replay", width="stretch",
        help="Trains a new run with the same settings and rates, bit for bit.",
    ):
        st.query_params["run"] = queue.start_run(make(run.spec), name=run.name)
        st.rerun()
    if st.button(
        "Edit its rates as points" if pieces else "Train again with these settings",
        icon=":material/edit:" if pieces else ":material/replay:", key="again", width="stretch",
    ):
        result.leave("run")
        st.query_params["from"] = run.run_id
        st.rerun()


def _status(run: RunRow) -> None:
    total = run.spec.epochs
    if run.status == "queued":
        waiting = resources.store().runs.queued()
        ahead = waiting.index(run.run_id) if run.run_id in waiting else 0
        after = f"after {wording.plural(ahead, 'other run')}" if ahead else "when a worker is free"
        lacking = external.missing(run.spec)
        if lacking:
            words = f"Queued for a server that has what it needs. Here: {lacking}"
            st.warning(wording.escaped(words), icon=result.ICONS["queued"])
        else:
            st.info(f"Queued. It starts {after}.", icon=result.ICONS["queued"])
        return
    if run.status == "running":
        result.progress(
            run.update / max(1, run.updates),
            f"epoch {min(run.epochs_done + 1, total)} of {total}",
            analysis.time_left(run.update, run.updates, run.seconds),
        )
        return
    took = f" in {wording.duration(run.seconds)}" if run.seconds or run.engine != "import" else ""
    result.ended(
        run.status, f"{run.status.capitalize()} after {run.epochs_done} of {total} epochs{took}",
        reason="" if run.reason == stopped_after(run.epochs_done) else run.reason,
        hint=KEPT if run.status in queue.RESUMABLE and run.spec.trainable_here else "",
    )


def _tiles(past: History) -> None:
    run, last = past.run, past.epochs[-1] if past.epochs else None
    metrics = last.metrics if last else {}
    tiles = [
        ("Epoch", f"{run.epochs_done} of {run.spec.epochs}"),
        ("Training loss", wording.number(metrics.get("loss"))),
        ("Validation loss", wording.number(metrics.get("val_loss"))),
    ]
    if "val_accuracy" in past.plan.metrics:
        tiles.append(("Validation accuracy", wording.percent(metrics.get("val_accuracy"))))
    unknown = past.recorded and not past.epochs
    rate = wording.rate(last.learning_rate if last else None if unknown else run.spec.base_lr)
    with st.container(horizontal=True, gap="medium"):
        for label, value in tiles:
            st.metric(label, value, width=150)
        quiet = "changes with every update" if past.glides else "no change yet"
        if details.no_rates(run):
            quiet = "not recorded"
        st.metric("Learning rate", rate, last_change(past.changes) or quiet, delta_color="off",
                  delta_arrow="off", width=260)


def _chart(past: History) -> None:
    run, changes = past.run, past.changes
    total, strategy = run.spec.epochs, drawn_as(run.spec, run.run_id)
    here = run.spec.trainable_here
    known, note = exact({run.run_id: run.spec})

    def figure() -> go.Figure:
        return figures.training_figure(
            frames.epochs_frame(past.epochs), frames.rates_frame(past.epochs), changes,
            strategy=strategy, epochs_total=total, exact=known,
        )

    def tail(offset: int) -> Any:
        rows = past.epochs[offset:]
        lines = figures.live_tail(
            frames.epochs_frame(rows), frames.rates_frame(rows), offset, epochs_total=total
        )
        marks = figures.live_marks(
            frames.epochs_frame(past.epochs), changes, strategy=strategy
        )
        return lines, marks

    live_chart(
        f"{run.run_id} {total}", len(past.epochs), figure=figure,
        tail=None if past.uneven else tail,
        label=f"Training loss, validation loss and learning rate over {total} epochs. "
        "The numbers are in the table of epochs below.",
        chosen=branch.chosen(past) if here else None,
        on_epoch=branch.picker(run.run_id) if here else None,
    )
    unknown = details.no_rates(run) and not run.active
    st.caption(
        f"Above: {f'{BOWL} {note}' if note else LOSSES} "
        f"Below: {'no learning rate was recorded.' if unknown else RATES} "
        f"Drag to zoom, double-click to reset{'; click an epoch to branch there' if here else ''}."
    )


def _actions(past: History) -> None:
    """What can be done with the run from here, in one row."""
    run = past.run
    here = run.spec.trainable_here
    with st.container(horizontal=True, key="run-actions"):
        if here and run.status == "running" and not run.stop_requested:
            steer.controls(past)
        if here and past.epochs:
            branch.opener(past)
        if here and run.status == "finished":
            more.opener(past)
        if not run.active and past.decisions and st.button(
            "Inside the callback", icon=":material/schema:", key="inside", type="tertiary",
            help="Steps through each decision about the rate and shows what other settings would "
            "have done.",
        ):
            st.switch_page("pages/inside.py", query_params={"run": run.run_id})
