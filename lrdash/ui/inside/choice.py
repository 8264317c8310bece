"""Which training the page Inside the callback shows: an example, a run, or a series of your own."""

from __future__ import annotations

import streamlit as st

from lrdash.core.errors import LrdashError
from lrdash.core.wording import count
from lrdash.store import RunRow
from lrdash.teaching import EXAMPLES, MOST
from lrdash.ui import resources
from lrdash.ui.components.errors import show_error
from lrdash.ui.inside import sources, trained
from lrdash.ui.inside.sources import EXAMPLE, OWN, Source

FIRST = f"{EXAMPLE}plateau"
LATEST = 200  # runs searched for some to show


def choose() -> Source | None:
    """Draw the select box; gives the choice, or None after a message if it cannot be shown."""
    chosen = _select()
    try:
        if chosen == OWN:
            return sources.typed()
        if chosen.startswith(EXAMPLE):
            return sources.example(chosen.removeprefix(EXAMPLE))
        return sources.of_run(chosen)
    except LrdashError as error:
        show_error(error)
        if chosen != OWN:
            st.caption("Pick another one above. The examples always work.")
        return None


def about_the_run(source: Source) -> None:
    """For a run: how far it is, and a button that opens it."""
    if source.key == OWN or source.key.startswith(EXAMPLE):
        return
    run = resources.store().runs.one(source.key)
    if run.active:
        st.info("This run is still training. These are its decisions so far.",
                icon=":material/model_training:")
        st.button("Refresh", icon=":material/refresh:", key="look-again")
    elif run.epochs_done > MOST:
        st.caption(f"The first {count(MOST)} of its {count(run.epochs_done)} epochs.")
    if st.button("Open the run", icon=":material/open_in_new:", key="open-run", type="tertiary"):
        st.switch_page("pages/train.py", query_params={"run": source.key})


def how_to_read(source: Source) -> None:
    """What the lines of the player show."""
    keys = "Press the left and right arrow keys to step, Home and End to jump."
    if source.rule is not None:
        side = "rises above" if source.rule.rising else "falls below"
        st.caption(
            "Top: the faint line is the whole series, the strong line what the callback has seen. "
            f"An epoch counts as an improvement only if the metric {side} the dotted line, which "
            "is one smallest improvement away from the best value (dashed). Middle: the wait "
            f"count climbs to the patience. Bottom: the rate. {keys}"
        )
    elif source.key == OWN:
        st.caption(f"The rate, with a triangle where it changed. {keys}")
    else:
        st.caption(
            "Top: the validation loss, for orientation; the schedule never sees it. Bottom: the "
            f"rate, with a triangle where it changed. {keys} To try another expression, choose a "
            "series of your own above, then LearningRateScheduler."
        )


def _select() -> str:
    """The select box over examples and runs; the address names the choice."""
    found = resources.store().runs.listing(limit=LATEST)
    runs = {
        run.run_id: run for run in found if sources.walkable(run.spec) and run.epochs_done
    }
    options = [*(f"{EXAMPLE}{name}" for name in EXAMPLES), OWN, *runs]
    asked = _asked()
    if asked not in options:
        options.append(asked)
    if st.session_state.get("walked") not in (None, *options):
        del st.session_state["walked"]
    chosen: str = st.selectbox(
        "Training", options, index=options.index(asked), key="walked", on_change=_remember,
        format_func=lambda key: _label(key, runs),
        help="Examples, a series of your own, and your latest runs whose rate a callback decides.",
    )
    return chosen


def _asked() -> str:
    """What the address names; the first example without a name."""
    run_id, name = st.query_params.get("run"), st.query_params.get("example", "")
    if run_id:
        return run_id
    if name == OWN or "series" in st.query_params:
        return OWN
    return f"{EXAMPLE}{name}" if name in EXAMPLES else FIRST


def _remember() -> None:
    chosen = st.session_state["walked"]
    for name in ("run", "example", "series", trained.QUERY):
        st.query_params.pop(name, None)
    named = chosen == OWN or chosen.startswith(EXAMPLE)
    st.query_params["example" if named else "run"] = chosen.removeprefix(EXAMPLE)


def _label(key: str, runs: dict[str, RunRow]) -> str:
    if key == OWN:
        return "Type or paste a series of your own"
    if key.startswith(EXAMPLE):
        return EXAMPLES[key.removeprefix(EXAMPLE)].label
    return sources.in_words(runs[key]) if key in runs else f"Run {key}"
