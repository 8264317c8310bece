"""The page Start here: three guided experiments, or the one that the address names."""

from __future__ import annotations

import streamlit as st

from lrdash import analysis
from lrdash.analysis.guides import GUIDES, Guide, guide_of
from lrdash.core import wording
from lrdash.planning.experiment import Experiment, Planned, plan_all
from lrdash.store import ExperimentRow, known_paces
from lrdash.ui import resources, shell
from lrdash.ui.start import guided

HISTORY = 200  # earlier runs that an estimate looks at
LOOKED = 50  # earlier experiments among which a last result is looked for
INTRODUCTION = """
The **learning rate** says how far each update moves the weights of a network. Too high, and the
loss jumps from wall to wall; too low, and it creeps. So one starts high and brings it down: but
when, and how? Each experiment below trains small networks on this machine, in well under a minute,
and then explains what *your* results show, also where they are not what one expects.
"""
FURTHER = """
- **Train** one run of your own and watch the rate being lowered, live, with the reason each time.
- **Find LR** tells a peak rate to begin with. **Compare** tells which strategy to use, and whether
  the difference is more than luck.
- **Inside the callback** plays the algorithm step by step. **Valley** shows on surfaces that you
  can see why a high rate bounces.
"""


def body() -> None:
    """The experiment that the address names, else the three to choose from."""
    experiment_id = st.query_params.get("experiment")
    if experiment_id:
        guided.watch(experiment_id)
        return
    shell.activity()
    st.markdown(INTRODUCTION)
    last = _last_results()
    for place, guide in zip(st.columns(len(GUIDES)), GUIDES.values(), strict=True):
        with place:
            _card(guide, last.get(guide.id))
    st.header("And then", anchor=False)
    st.markdown(FURTHER)
    if st.button("A word that you do not know? The glossary has it", type="tertiary",
                 icon=":material/dictionary:", key="to-glossary"):
        st.switch_page("pages/glossary.py")


def _card(guide: Guide, last: ExperimentRow | None) -> None:
    planned = plan_all(guide.experiment)
    with st.container(border=True, height="stretch"):
        st.header(guide.title, anchor=False)
        st.markdown(guide.idea)
        st.markdown(f"**What one expects.** {guide.expected}")
        st.caption(f"{_told(guide.experiment)} {_time(planned)}")
        with st.container(horizontal=True):
            if st.button(
                "Start", icon=":material/play_arrow:", key=f"start-{guide.id}", type="primary",
                help=guide.title,
            ):
                guided.begin(guide.experiment, guide.title)
            if last and st.button(
                "Training now" if last.active else "Last result", key=f"last-{guide.id}",
                icon=":material/history:",
            ):
                st.query_params["experiment"] = last.experiment_id
                st.rerun()


def _told(experiment: Experiment) -> str:
    base, peaks = experiment.base, experiment.base_lrs
    rates = ", ".join(wording.rate(peak) for peak in peaks)
    return (
        f"{experiment.size} runs on {base.dataset.replace('_', ' ')}: "
        f"{' and '.join(experiment.labels())}, peak rate{'s' * (len(peaks) > 1)} {rates}, "
        f"{len(experiment.seeds)} seeds, {base.epochs} epochs each."
    )


def _time(planned: list[Planned]) -> str:
    history = resources.store().runs.listing(limit=HISTORY)
    plans = [run.plan for run in planned]
    seconds = analysis.expected_group_seconds(plans, history, known_paces())
    return "" if seconds is None else f"About {wording.duration(max(1.0, seconds))} here."


def _last_results() -> dict[str, ExperimentRow]:
    """The latest experiment of each guide, by the guide's id."""
    found: dict[str, ExperimentRow] = {}
    for row in resources.store().experiments.listing(limit=LOOKED):
        guide = guide_of(Experiment.from_json(row.definition))
        if guide is not None:
            found.setdefault(guide.id, row)
    return found
