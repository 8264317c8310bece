"""The page Inside the callback: pick a training, walk through what decided its rate, try others."""

from __future__ import annotations

import streamlit as st

from lrdash.core.errors import LrdashError
from lrdash.core.wording import escaped
from lrdash.store import RunRow
from lrdash.teaching import EXAMPLES, MOST
from lrdash.ui import resources, shell
from lrdash.ui.inside import real_run, sources, whatif
from lrdash.ui.inside.player import inside_player
from lrdash.ui.inside.sources import EXAMPLE, OWN, Source

FIRST = f"{EXAMPLE}plateau"
LATEST = 200  # runs looked through for some to walk through


def body() -> None:
    """Choose, walk, ask what if."""
    shell.activity()
    st.markdown(
        "A callback is a small program that runs between two epochs and may change the learning "
        "rate. Press **Play** to watch it work: the steps that it takes light up, each with its "
        "numbers, and the sentence below the chart says what it decided."
    )
    source = _source(_choose())
    if source is None:
        return
    st.caption(escaped(source.told))
    _explain_length(source)
    if not source.walk.moments:
        st.info("No epoch begins after the warm-up, so nothing is decided.",
                icon=":material/info:")
        return
    inside_player(
        source.walk, source.values, metric=source.metric, source=source.key,
        remarks=source.remarks,
    )
    _read_it(source)
    if source.rule is not None:
        whatif.show(source)


def _choose() -> str:
    """The select box over examples and runs; the address names the choice."""
    runs = {run.run_id: run for run in _runs()}
    options = [*(f"{EXAMPLE}{name}" for name in EXAMPLES), OWN, *runs]
    asked = _asked()
    if asked not in options:
        options.append(asked)
    if st.session_state.get("walked") not in (None, *options):
        del st.session_state["walked"]
    chosen: str = st.selectbox(
        "Walk through", options, index=options.index(asked), key="walked", on_change=_remember,
        format_func=lambda key: _label(key, runs),
        help="Examples, a series of your own, and your latest runs whose rate a callback decides.",
    )
    return chosen


def _runs() -> list[RunRow]:
    found = resources.store().runs.listing(limit=LATEST)
    return [run for run in found if sources.walkable(run.spec) and run.epochs_done]


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
    for name in ("run", "example", "series", real_run.TRUTH):
        st.query_params.pop(name, None)
    named = chosen == OWN or chosen.startswith(EXAMPLE)
    st.query_params["example" if named else "run"] = chosen.removeprefix(EXAMPLE)


def _label(key: str, runs: dict[str, RunRow]) -> str:
    if key == OWN:
        return "Type or paste a series of your own"
    if key.startswith(EXAMPLE):
        return EXAMPLES[key.removeprefix(EXAMPLE)].label
    return sources.in_words(runs[key]) if key in runs else f"Run {key}"


def _source(chosen: str) -> Source | None:
    """What was chosen; a message and None if it cannot be walked through."""
    try:
        if chosen == OWN:
            return sources.typed()
        if chosen.startswith(EXAMPLE):
            return sources.example(chosen.removeprefix(EXAMPLE))
        return sources.of_run(chosen)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
        if chosen != OWN:
            st.caption("Pick another one above; the examples are always there.")
        return None


def _explain_length(source: Source) -> None:
    if source.key == OWN or source.key.startswith(EXAMPLE):
        return
    run = resources.store().runs.one(source.key)
    if run.active:
        st.info("This run is still training. Here is what it has decided so far.",
                icon=":material/model_training:")
        st.button("Look again", icon=":material/refresh:", key="look-again")
    elif run.epochs_done > MOST:
        st.caption(f"The first {MOST:,} of its {run.epochs_done:,} epochs.")
    if st.button("Open the run", icon=":material/open_in_new:", key="open-run", type="tertiary"):
        st.switch_page("pages/train.py", query_params={"run": source.key})


def _read_it(source: Source) -> None:
    keys = "Left and right arrow keys step, Home and End jump."
    if source.rule is None:
        st.caption(
            f"The rate, with a triangle where it changed. {keys}" if source.key == OWN else
            "Above: the validation loss, for orientation; the schedule never sees it. Below: the "
            f"rate, with a triangle where it changed. {keys} To try another expression, choose a "
            "series of your own above, and there LearningRateScheduler."
        )
        return
    better = "rises above" if source.rule.rising else "falls below"
    st.caption(
        f"Above: the faint line is the whole series, the strong one what the callback has seen so "
        f"far; it is content only if the metric {better} the dotted line, which is the best value "
        f"(dashed) and the smallest improvement. Middle: the wait count climbs to the patience. "
        f"Below: the rate. {keys}"
    )
