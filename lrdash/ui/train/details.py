"""The details of a run: epochs, what the callback did, settings, Keras code, exports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from lrdash import analysis
from lrdash.analysis import frames
from lrdash.core import wording
from lrdash.store import RunRow
from lrdash.strategies.recorded import Recorded
from lrdash.ui.components import export
from lrdash.ui.train import preview
from lrdash.ui.train.history import History

LATEST = 20  # rows of a table while the run is active
EPOCHS, CALLBACK, SETTINGS, CODE = "Epochs", "What the callback did", "Settings", "Keras code"
EXPORT = "Export"


def show(past: History) -> None:
    """One of the details, as chosen."""
    run = past.run
    choices = [
        *([EPOCHS] if past.epochs or run.active else []), *([CALLBACK] if past.decisions else []),
        SETTINGS, *([CODE] if run.spec.trainable_here else []), EXPORT,
    ]
    chosen = st.segmented_control(
        "Details", choices, default=choices[0], key="details", label_visibility="collapsed"
    )
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


def no_rates(run: RunRow) -> bool:
    """Whether nothing is known about the rates of a run from outside."""
    return run.spec.strategy == Recorded.id and run.spec.params.get("known") == "none"


def _table(
    past: History, rows: Sequence[Any], frame_of: Callable[[Any], pd.DataFrame], what: str
) -> None:
    """The rows, newest first, and their download; while the run is active only the latest, since
    a table is sent whole at every tick."""
    if not rows:
        st.caption("The first row appears after the first epoch.")
        return
    shown = frame_of(rows[-LATEST:] if past.run.active else rows)
    shown = shown.drop(columns=["run_id"], errors="ignore").iloc[::-1]
    name = f"lrdash-{past.run.run_id}-{what}.csv"
    st.dataframe(shown, hide_index=True, height=280, column_config=_columns(shown), key=name)
    left, right = st.columns([1, 4], vertical_alignment="center")
    left.download_button(
        "Download CSV", data=lambda: frame_of(rows).to_csv(index=False), file_name=name,
        mime="text/csv", icon=":material/download:", key=f"download:{name}", on_click="ignore",
    )
    if past.run.active and len(rows) > LATEST:
        right.caption(f"The latest {LATEST} rows while it trains; the download has all "
                      f"{len(rows):,}.")


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
        "no rate was recorded" if no_rates(run) else
        "rates as they were recorded" if past.recorded else
        f"largest difference between the rate shown and the rate used: {past.difference:g}",
    ]))
    for note in analysis.notes_of(run):
        st.markdown(f":material/info: {wording.escaped(note)}")
    if run.versions:
        used = " · ".join(f"{name} {version}" for name, version in run.versions.items())
        st.caption(wording.escaped(used))
    if past.recorded:
        st.caption("Another program trained this run; these are the settings that it recorded.")
    st.json(known, expanded=1)
