"""Buttons that change the rate of a run by hand while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from lrdash import analysis
from lrdash.core.events import Command
from lrdash.core.spec import MAX_RATE, Piece, RunSpec
from lrdash.jobs import branches
from lrdash.planning.plan import make
from lrdash.store import RunRow
from lrdash.strategies import STRATEGIES
from lrdash.strategies.base import Rates
from lrdash.strategies.corners import corners
from lrdash.ui import resources
from lrdash.ui.components.errors import attempt
from lrdash.ui.train.history import History

HELP = "Takes effect at the next epoch, is marked on the chart and is kept in the run's settings."


def controls(past: History) -> None:
    """The buttons, inside a row, of a run that trains."""
    run = past.run
    for words, factor, key in (
        ("Halve the rate", 0.5, "steer-halve"), ("Double the rate", 2.0, "steer-double"),
    ):
        st.button(words, key=key, help=HELP, on_click=attempt, args=(_request, run.run_id),
                  kwargs={"factor": factor})
    with st.popover("Other change", key="steer-more"):
        _others(past)


def news(past: History) -> None:
    """Changes requested, made, and requested too late."""
    run = past.run
    waiting: Sequence[Command] = ()
    if run.active:
        waiting = resources.store().branches.commands([run.run_id]).get(run.run_id, ())
    for command in waiting:
        st.info(
            f"Requested: {_in_words(command.piece, run)}. It takes effect at the next epoch.",
            icon=":material/hourglass_top:",
        )
    _settle(run, {command.number for command in waiting})
    if run.spec.pieces:
        steps = [f"after epoch {piece.epoch} {_in_words(piece, run)}" for piece in run.spec.pieces
                 if piece.epoch <= run.epochs_done]
        if steps:
            st.caption(f"Rate changed by hand: {'; '.join(steps[-5:])}.")


def as_points(spec: RunSpec, rates: Rates) -> RunSpec:
    """A run whose rate was changed by hand, as a run under `points`, which a form can hold; `rates`
    are those that it used, of every update so far.

    Raises:
        InvalidField: if the curve bends too often.
    """
    epochs = len(rates) * spec.epochs // max(1, make(spec).updates)
    return spec.replace(
        strategy="points", params=corners(rates, spec.base_lr), pieces=(), horizon=None,
        warmup_epochs=0, epochs=max(1, epochs),
    )


def _others(past: History) -> None:
    run = past.run
    now = past.epochs[-1].learning_rate if past.epochs else run.spec.base_lr
    st.caption(HELP)
    for name, words, start, button in (
        ("rate", "Hold this rate", now, "Hold"),
        ("factor", "Multiply by a factor", 0.1, "Multiply"),
    ):
        left, right = st.columns([3, 2], vertical_alignment="bottom")
        key = f"steer-{name}"
        with left:
            # The same start at each tick: another start would make it another field.
            first = st.session_state.setdefault(f"{key}-start:{run.run_id}", float(f"{start:.3g}"))
            st.number_input(words, min_value=0.0, max_value=MAX_RATE, value=first,
                            step=0.01, format="%.6g", key=key)
        with right:
            st.button(button, key=f"{key}-go", width="stretch", on_click=attempt,
                      args=(_request_typed, run.run_id, name, key))
    st.button(
        "Back to the strategy", key="steer-back", icon=":material/undo:", width="stretch",
        disabled=not run.spec.pieces, on_click=attempt, args=(_request, run.run_id),
        kwargs={"back": True},
        help="A schedule resumes where it would be by now; a feedback rule starts over.",
    )


def _request_typed(run_id: str, name: str, key: str) -> None:
    """Send the value of a field now: it may have changed since the button was drawn."""
    _request(run_id, **{name: st.session_state[key]})


def _request(run_id: str, **change: Any) -> None:
    store = resources.store()
    row = store.runs.one(run_id)
    piece = branches.wish(row, store, **change)
    sent = (store.branches.steer(run_id, piece), piece, row.epochs_done)
    st.session_state.setdefault(_sent(run_id), []).append(sent)


def _settle(run: RunRow, waiting: set[int]) -> None:
    """Forget what took effect; report what was requested too late to take effect."""
    still = []
    for number, piece, done in st.session_state.pop(_sent(run.run_id), []):
        wanted = (piece.strategy, piece.base_lr, piece.factor)
        taken = any(
            one.epoch >= done and (one.strategy, one.base_lr, one.factor) == wanted
            for one in run.spec.pieces
        )
        if number in waiting or not taken:
            still.append((number, piece, done))
        if not (number in waiting or taken or run.active):
            st.warning(f"Too late: {_in_words(piece, run)}. The run has ended.",
                       icon=":material/timer_off:")
    st.session_state[_sent(run.run_id)] = still


def _in_words(piece: Piece, run: RunRow) -> str:
    if piece.from_start or (piece.strategy == run.spec.strategy != "constant"):
        return f"back to {STRATEGIES[piece.strategy].label.lower()}"
    return analysis.piece_in_words(piece, run.spec)


def _sent(run_id: str) -> str:
    return f"steer-sent:{run_id}"
