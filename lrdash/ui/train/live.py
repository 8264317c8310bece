"""The live view of one run: progress, tiles, chart, what the callback did, the epochs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from lrdash import analysis, figures
from lrdash.analysis import frames
from lrdash.analysis.changes import last_change
from lrdash.core import wording
from lrdash.core.errors import LrdashError
from lrdash.core.events import stopped_after
from lrdash.planning import external
from lrdash.planning.plan import make
from lrdash.store import RunRow
from lrdash.strategies.recorded import Recorded, drawn_as
from lrdash.ui import resources
from lrdash.ui.components import export, hindsight_offer, history, interrupted, preview
from lrdash.ui.components.errors import attempt
from lrdash.ui.components.exact import exact
from lrdash.ui.components.history import History
from lrdash.ui.components.live_chart import live_chart
from lrdash.ui.train import family, fork, more, steer

LATEST = 20  # rows of a table while the run is active
TICK = 1.0  # seconds between two looks while the run is active
RESUMABLE = ("interrupted", "stopped")
PAUSE = "Training ends within a second and the trainer is free for other runs. Nothing is lost: " \
    "what is done stays, and Continue goes on from the last checkpoint, to the same bits."
EPOCHS, CALLBACK, SETTINGS, CODE = "Epochs", "What the callback did", "Settings", "Keras code"
EXPORT = "Export"
STATUS_ICONS = {
    "queued": ":material/schedule:", "running": ":material/model_training:",
    "finished": ":material/check_circle:", "stopped": ":material/stop_circle:",
    "failed": ":material/error:", "diverged": ":material/trending_up:",
    "interrupted": ":material/power_off:",
}
LOSSES = (
    "the faint line is the loss on the training data, the strong one on data the model has not "
    "seen; when they part, the model learns by heart."
)
BOWL = "the faint line is the mean loss of each epoch, the strong one the loss at its end."

ADVICE = {
    "diverged": "The loss left all bounds before the first epoch was done: the rate is too high "
    "for fresh weights. Train again with a lower peak rate, or with a warm-up in front.",
}


def show(run_id: str) -> None:
    """The run as it stands, refreshed while it is active.

    Raises:
        NotFound: there is no such run.
    """
    past = history.of(run_id, resources.store())
    active = past.run.active
    st.fragment(_guarded, run_every=TICK if active else None)(run_id, active)


def _guarded(run_id: str, was_active: bool) -> None:
    try:
        _view(run_id, was_active)
    except LrdashError as fault:  # a fragment runs outside the page's own frame
        st.error(str(fault), icon=":material/error:")


def _view(run_id: str, was_active: bool) -> None:
    past = history.of(run_id, resources.store())
    run = past.run
    if was_active and not run.active:
        st.rerun()
    _head(run)
    _progress(run)
    if run.status == "queued":
        return
    if past.epochs or run.active:
        _tiles(past)
        _chart(past)
        _actions(past)
        if run.spec.trainable_here:
            _branches(past)
    else:
        st.markdown(ADVICE.get(run.status, "No epoch was completed, so there is nothing to draw."))
    _details(past)


def _head(run: RunRow) -> None:
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        what = (external.dataset_label(run.spec), make(run.spec).strategy.label.lower())
        st.header(wording.escaped(run.name or ", ".join(what)), anchor=False)
        st.caption(wording.escaped(analysis.settings_in_words(run.spec)))
        family.origin(run)
    with right:
        if run.active and run.spec.origin == "watched":
            st.caption(":material/terminal: It trains in a program of its own and is stopped "
                       "there.")
            return
        if run.active:
            training = run.status == "running"
            pauses = training and run.spec.trainable_here  # else it cannot go on from here
            words = "Pause" if pauses else "Stop" if training else "Take out of the queue"
            asked = "Pausing" if pauses else "Stopping"
            st.button(
                asked if run.stop_requested else words, key="stop", width="stretch",
                icon=":material/pause:" if pauses else ":material/stop:",
                disabled=run.stop_requested, help=PAUSE if pauses else None,
                on_click=attempt, args=(resources.store().runs.request_stop, run.run_id),
            )
            return
        if reason := external.why_not(run.spec):
            st.caption(f":material/terminal: {reason}")
            return
        if run.status in RESUMABLE and st.button(
            "Continue", icon=":material/play_arrow:", key="continue", type="primary",
            width="stretch",
            help="It goes on from its last checkpoint, to the bit as if it had never paused.",
        ):
            interrupted.go_on([run.run_id])
            st.rerun()
        pieces = bool(run.spec.pieces)  # which the form does not hold
        if pieces and st.button(
            "Replay", icon=":material/replay:", key="replay", width="stretch",
            help="A new run with the same settings and rates, to the bit, without a hand.",
        ):
            st.query_params["run"] = steer.replay(run)
            st.rerun()
        if st.button(
            "Edit its rates as points" if pieces else "Train again with these settings",
            icon=":material/edit:" if pieces else ":material/replay:", key="again",
            width="stretch",
        ):
            st.query_params.pop("run", None)
            st.query_params["from"] = run.run_id
            st.rerun()


def _progress(run: RunRow) -> None:
    total = run.spec.epochs
    if run.status == "queued":
        waiting = resources.store().runs.queued()
        ahead = waiting.index(run.run_id) if run.run_id in waiting else 0
        busy = "the run in training" if not ahead else f"{ahead} more"
        st.info(f"Queued. It starts by itself after {busy}, or as soon as the trainer is warm.",
                icon=STATUS_ICONS["queued"])
        return
    if run.status == "running":
        share = min(1.0, run.update / max(1, run.updates))
        left = analysis.time_left(run.update, run.updates, run.seconds)
        words = f"epoch {min(run.epochs_done + 1, total)} of {total}"
        st.progress(share, text=f"{words} · {wording.duration(left)} left" if left else words)
        return
    took = f" in {wording.duration(run.seconds)}" if run.seconds or run.engine != "import" else ""
    words = f"{run.status.capitalize()} after {run.epochs_done} of {total} epochs{took}"
    calm = {"finished": st.success, "stopped": st.info, "interrupted": st.info}
    tell = calm.get(run.status, st.error)
    said = not run.reason or run.reason == stopped_after(run.epochs_done)
    reason = "" if said else f": {run.reason.rstrip('.')}"
    way_on = ". Nothing is lost: Continue goes on from the last checkpoint." \
        if run.status in RESUMABLE and run.spec.trainable_here else ""
    tell(f"{words}{reason}{way_on}", icon=STATUS_ICONS[run.status])


def _tiles(past: History) -> None:
    run, last = past.run, past.epochs[-1] if past.epochs else None
    metrics = last.metrics if last else {}
    changed = last_change(past.changes)
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
        quiet = "glides with every update" if past.glides else "no change yet"
        if _no_rates(run):
            quiet = "not recorded"
        st.metric("Learning rate", rate, changed or quiet, delta_color="off", delta_arrow="off",
                  width=260)


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
        chosen=fork.chosen(past) if here else None,
        on_epoch=fork.picker(run.run_id) if here else None,
    )
    below = "the rate of every update on a logarithmic axis; a triangle marks where and why it " \
        "changed"
    if _no_rates(run) and not run.active:
        below = "nothing, since no learning rate was recorded"
    st.caption(
        f"Above: {f'{BOWL} {note}' if note else LOSSES} Below: {below}. Drag to zoom, "
        f"double-click to go back{'; click an epoch to branch there' if here else ''}."
    )


def _actions(past: History) -> None:
    """What can be done with the run from here, in one row."""
    here = past.run.spec.trainable_here
    with st.container(horizontal=True, key="run-actions"):
        if here and past.run.status == "running" and not past.run.stop_requested:
            steer.controls(past)
        if here and past.epochs:
            fork.opener(past)
        if here and past.run.status == "finished":
            more.button(past)
        _inside(past)


def _branches(past: History) -> None:
    """What a hand, branches and more epochs make of the run."""
    steer.news(past)
    fork.panel(past)
    more.panel(past)
    family.show(past.run.run_id)
    hindsight_offer.of_run(past.run)


def _inside(past: History) -> None:
    """The way to the walk through what the callback of this run decided."""
    if past.run.active or not past.decisions:
        return
    if st.button("Inside the callback", icon=":material/schema:", key="inside", type="tertiary",
                 help="Each decision about the rate, step by step, and what other settings would "
                 "have done."):
        st.switch_page("pages/inside.py", query_params={"run": past.run.run_id})


def _details(past: History) -> None:
    has_callback = bool(past.decisions)
    shown = [EPOCHS] if past.epochs or past.run.active else []
    code = [CODE] if past.run.spec.trainable_here else []  # else the script has it
    choices = [*shown, *([CALLBACK] if has_callback else []), SETTINGS, *code, EXPORT]
    chosen = st.segmented_control(
        "Details", choices, default=choices[0], key="details", label_visibility="collapsed"
    )
    run = past.run
    if chosen == EPOCHS:
        frame_of = partial(frames.epochs_frame, more=frames.own_metrics([run]))
        _table(past, past.epochs, frame_of, "epochs")
    elif chosen == CALLBACK:
        st.caption(past.plan.strategy.when)
        _table(past, past.decisions, frames.decisions_frame, "decisions")
    elif chosen == SETTINGS:
        _settings(past)
    elif chosen == CODE:
        preview.code(past.plan)
    elif chosen == EXPORT:
        export.of_runs([run], key="run")


def _no_rates(run: RunRow) -> bool:
    """Whether nothing is known of the rates of a run from outside."""
    return run.spec.strategy == Recorded.id and run.spec.params.get("known") == "none"


def _table(
    past: History, rows: Sequence[Any], frame_of: Callable[[Any], pd.DataFrame], what: str
) -> None:
    """The rows, newest first, and their download; while the run is active only the latest, since
    a table is sent whole at every tick."""
    if not rows:
        st.caption("The first row comes with the end of the first epoch.")
        return
    shown = frame_of(rows[-LATEST:] if past.run.active else rows)
    shown = shown.drop(columns=["run_id"], errors="ignore").iloc[::-1]
    name = f"lrdash-{past.run.run_id}-{what}.csv"
    st.dataframe(shown, hide_index=True, height=280, column_config=_columns(shown), key=name)
    left, right = st.columns([1, 4], vertical_alignment="center")
    with left:
        st.download_button(
            "Download CSV", data=lambda: frame_of(rows).to_csv(index=False), file_name=name,
            mime="text/csv", icon=":material/download:", key=f"download:{name}", on_click="ignore",
        )
    if past.run.active and len(rows) > LATEST:
        right.caption(f"The latest {LATEST} while it trains; the download has all {len(rows):,}.")


def _columns(frame: pd.DataFrame) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    known: dict[str, Any] = {
        "epoch": number("Epoch", width="small"),
        "loss": number("Loss", format="%.4f"),
        "val_loss": number("Validation loss", format="%.4f"),
        "accuracy": number("Accuracy", format="percent"),
        "val_accuracy": number("Validation accuracy", format="percent"),
        "learning_rate": number("Rate", format="%.4g"),
        "seconds": number("Seconds", format="%.2f"),
        "monitored": number("Monitored", format="%.4f", width="small"),
        "best": number("Best", format="%.4f", width="small"),
        "wait": number("Wait", width="small"),
        "cooldown": number("Cooldown", width="small"),
        "rate_before": number("Rate before", format="%.4g", width="small"),
        "rate_after": number("Rate after", format="%.4g", width="small"),
        "decision": st.column_config.TextColumn("Decision", width="large"),
    }
    own = {name: number(name, format="%.4g") for name in frame.columns if name not in known}
    return {**{name: column for name, column in known.items() if name in frame}, **own}


def _settings(past: History) -> None:
    run = past.run
    known = analysis.known_settings(run.spec)
    counted = not past.recorded or "steps_per_epoch" in known["facts"]
    st.caption(" · ".join([
        f"Run {run.run_id}", f"engine {run.engine}",
        *([f"{run.parameters:,} parameters"] if run.parameters else []),
        *([f"{run.update:,} of {run.updates:,} updates"] if counted else []),
        "no rate was recorded" if _no_rates(run) else
        "the rates are as they were recorded" if past.recorded else
        f"largest difference between the rate shown and the rate used: {past.difference:g}",
    ]))
    for note in analysis.notes_of(run):
        st.markdown(f":material/info: {wording.escaped(note)}")
    if run.versions:
        st.caption(" · ".join(f"{name} {version}" for name, version in run.versions.items()))
    if past.recorded:
        st.caption("Only what is known of a run that another program trained.")
    st.json(known, expanded=1)
