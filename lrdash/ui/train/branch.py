"""Branches of a run: where they start, what they do, and the rates that they will use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from lrdash import analysis, figures
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.jobs import branches
from lrdash.jobs.branches import Wanted
from lrdash.strategies import STRATEGIES
from lrdash.ui import resources
from lrdash.ui.components import fields, form
from lrdash.ui.train.history import History
from lrdash.ui.train.panel import close_panel, open_panel, panel, state_key

PANEL = "branching"
MODES = {"factors": "Other rates", "strategy": "Another strategy", "cooldowns": "Cooldowns"}
FACTORS = (0.5, 0.2, 0.1, 1.0)
FACTOR_LABELS = {0.5: "÷ 2", 0.2: "÷ 5", 0.1: "÷ 10", 1.0: "unchanged"}
LONGER = 10  # epochs of branches that start at the end of their parent
COOLED = 0.2  # share of the epochs done that a cooldown takes, at first
MOST = 40  # branches at once


def opener(past: History) -> None:
    """The two buttons, in a row, of a run that has done an epoch."""
    run_id = past.run.run_id
    st.button("Branch", icon=":material/call_split:", key="branch", on_click=open_panel,
              args=(PANEL, run_id, "factors"),
              help="Trains with other rates from some epoch on. Click that epoch on the chart or "
              "enter it.")
    st.button("Cooldowns", icon=":material/trending_down:", key="cooldowns", on_click=open_panel,
              args=(PANEL, run_id, "cooldowns"),
              help="Lets the rate fall to 0 from several epochs on, to show how good the run would "
              "be if it ended there (warm-up, stable, decay).")


def chosen(past: History) -> int | None:
    """The epoch to mark by a line across the chart."""
    run_id = past.run.run_id
    if st.session_state.get(state_key(PANEL, run_id)) not in ("factors", "strategy"):
        return None
    return int(st.session_state.get(_epoch(run_id), _best(past)))


def picker(run_id: str) -> Callable[[int], None]:
    """What a click on an epoch of the chart does."""

    def pick(epoch: int) -> None:
        st.session_state[_epoch(run_id)] = epoch
        if st.session_state.get(state_key(PANEL, run_id)) not in ("factors", "strategy"):
            open_panel(PANEL, run_id, "factors")

    return pick


def show(past: History) -> None:
    """The choice, if it is open, with the rates that it leads to."""
    run_id = past.run.run_id
    if not past.epochs or not st.session_state.get(state_key(PANEL, run_id)):
        return
    with panel("Branches, from the exact weights of an epoch", name=PANEL, run_id=run_id):
        mode = st.segmented_control(
            "What the branches do", list(MODES), format_func=MODES.__getitem__, required=True,
            key=state_key(PANEL, run_id), label_visibility="collapsed",
        )
        wanted = _CHOICES[str(mode)](past)
        if len(wanted) > MOST:
            raise InvalidField("branches", f"must be at most {MOST} at once", len(wanted))
        if wanted:
            _outlook(past, wanted)
        _start(past, wanted)


def _factors(past: History) -> list[tuple[int, Wanted]]:
    epoch, until = _where(past)
    picked = st.pills("Rate from that epoch on", FACTORS, format_func=FACTOR_LABELS.__getitem__,
                      selection_mode="multi", default=FACTORS, key="branch-factors")
    text = st.text_input("More factors", key="branch-others", placeholder="e.g. 0.05, 2",
                         width=240)
    factors = dict.fromkeys([*picked, *(float(f) for f in fields.as_list(text, "factors"))])
    return [(epoch, {"factor": factor, "epochs": until}) for factor in factors]


def _strategy(past: History) -> list[tuple[int, Wanted]]:
    epoch, until = _where(past)
    names = list(STRATEGIES)
    name = st.selectbox("Strategy", names, index=names.index("cosine"), key="branch-strategy",
                        format_func=lambda one: STRATEGIES[one].label, width=320)
    now = past.epochs[min(epoch, len(past.epochs)) - 1].learning_rate
    base = st.number_input(
        "Peak rate", min_value=0.0, value=None, format="%.6g", key="branch-rate", width=240,
        placeholder=f"{wording.rate(now)}, the rate at that epoch",
    )
    with st.expander("Strategy settings"):
        knobs = form.knobs_for(STRATEGIES[name], past.run.spec.dataset)
        params = fields.draw(knobs, prefix=f"branch.{name}.", columns=1)
    own: dict[str, Any] = {"strategy": name, "params": params, "epochs": until}
    return [(epoch, own if base is None else {**own, "base_lr": base})]


def _cooldowns(past: History) -> list[tuple[int, Wanted]]:
    done = len(past.epochs)
    st.session_state.setdefault("cooldown-at", fields.as_text(cooldown_epochs(done)))
    st.session_state.setdefault("cooldown-length", max(2, round(COOLED * done)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("From the end of epochs", key="cooldown-at", width=240)
        length = st.number_input("Length in epochs", 1, 10_000, key="cooldown-length", width=160)
    own: Mapping[str, Any] = {"strategy": "linear", "params": {}}
    epochs = dict.fromkeys(fields.as_list(text, "epochs"))
    return [(epoch, {**own, "epochs": int(epoch) + length}) for epoch in epochs]


def cooldown_epochs(done: int) -> list[int]:
    """Where cooldowns start at first: after each third of the epochs done."""
    return sorted({max(1, round(done * third / 3)) for third in (1, 2, 3)})


def _where(past: History) -> tuple[int, int]:
    """The epoch where they start, and the epochs of each in all."""
    total = past.run.spec.epochs
    st.session_state.setdefault(_epoch(past.run.run_id), _best(past))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        # Bounded by the plan, not by the epochs done: the bound must not change while it trains.
        epoch = st.number_input("From the end of epoch", 1, total, key=_epoch(past.run.run_id),
                                width=180, help="You can also click it on the chart.")
        until = st.number_input(
            "Train until epoch", 1, 10_000, value=None, key="branch-until", width=180,
            placeholder=str(total if epoch < total else epoch + LONGER),
        )
    return epoch, until or (total if epoch < total else epoch + LONGER)


def _outlook(past: History, wanted: list[tuple[int, Wanted]]) -> None:
    plans = branches.plan_branches(past.run, wanted, resources.store())
    ways = [
        (analysis.branch_in_words(plan.spec, epoch), past.ahead(plan, epoch), epoch)
        for plan, (epoch, _) in zip(plans, wanted, strict=True)
    ]
    figure = figures.courses_figure(
        past.used, ways, past.plan.steps_per_epoch, strategy=past.run.spec.strategy
    )
    st.plotly_chart(figure, key="branch-outlook", config={"displayModeBar": False})


def _start(past: History, wanted: list[tuple[int, Wanted]]) -> None:
    count = wording.plural(len(wanted), "branch", "branches")
    left, right = st.columns([1, 3], vertical_alignment="center")
    right.caption("They train together where the model allows it, with the rates shown above, and "
                  "the page then shows them as branches of this run.")
    if not left.button(f"Train {count}", type="primary", icon=":material/play_arrow:",
                       key="branch-go", disabled=not wanted, width="stretch"):
        return
    branches.make_branches(past.run, wanted, resources.store())
    resources.laboratory().wake()
    close_panel(PANEL, past.run.run_id)
    st.rerun()


def _best(past: History) -> int:
    """The epoch that is offered first: in the middle of what is done."""
    return max(1, len(past.epochs) // 2)


def _epoch(run_id: str) -> str:
    return f"branch-epoch:{run_id}"


_CHOICES: dict[str, Callable[[History], list[tuple[int, Wanted]]]] = {
    "factors": _factors, "strategy": _strategy, "cooldowns": _cooldowns,
}
