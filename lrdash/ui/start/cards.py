"""The guided experiments to choose from, a card each."""

from __future__ import annotations

import streamlit as st

from lrdash import analysis
from lrdash.analysis.guides import Guide, guide_of
from lrdash.core import wording
from lrdash.core.wording import listed, plural
from lrdash.planning.experiment import Experiment, plan_all
from lrdash.store import ExperimentRow
from lrdash.ui import resources
from lrdash.ui.components import estimate
from lrdash.ui.components.tables import defined
from lrdash.ui.start import guided

LOOKED = 50  # earlier experiments among which a last result is looked for


def draw(guide: Guide, last: ExperimentRow | None) -> None:
    """What the experiment is about, what it takes, and the buttons that train it or show its last
    result.
    """
    experiment = guide.experiment
    with st.container(border=True, height="stretch"):
        st.header(guide.title, anchor=False)
        st.markdown(guide.idea)
        st.markdown(f"**What to expect.** {guide.expected}")
        time = estimate.time_of([run.plan for run in plan_all(experiment)])
        st.caption(f"{_in_words(experiment)} {f'{time.capitalize()} here.' if time else ''}")
        with st.container(horizontal=True):
            if st.button(
                f"Train {plural(experiment.size, 'run')}", icon=":material/play_arrow:",
                key=f"start-{guide.id}", type="primary", help=guide.title,
            ):
                guided.begin(experiment, guide.title)
            if last and st.button(
                "Watch it train" if last.active else "Last result", key=f"last-{guide.id}",
                icon=":material/history:",
            ):
                st.query_params["experiment"] = last.experiment_id
                st.rerun()


def last_results() -> dict[str, ExperimentRow]:
    """The latest experiment of each guide, by the guide's id."""
    found: dict[str, ExperimentRow] = {}
    for row, experiment in defined(resources.store().experiments, Experiment, LOOKED):
        guide = guide_of(experiment)
        if guide is not None:
            found.setdefault(guide.id, row)
    return found


def _in_words(experiment: Experiment) -> str:
    base, peaks = experiment.base, experiment.base_lrs
    return (
        f"{plural(experiment.size, 'run')} on {analysis.dataset_in_words(base.dataset)}: "
        f"{listed(experiment.labels())}, peak {'rate' if len(peaks) == 1 else 'rates'} "
        f"{listed(map(wording.rate, peaks))}, {plural(len(experiment.seeds), 'seed')}, "
        f"{plural(base.epochs, 'epoch')} each."
    )
