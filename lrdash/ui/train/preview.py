"""What the chosen settings will do, drawn before TensorFlow is even loaded."""

from __future__ import annotations

import streamlit as st

from lrdash import analysis, figures
from lrdash.core import wording
from lrdash.core.errors import InvalidField
from lrdash.planning.plan import Plan
from lrdash.strategies import preview as strategy_preview
from lrdash.strategies.base import Rates
from lrdash.strategies.points import Points
from lrdash.ui.components import draw as drawing
from lrdash.ui.components import estimate, fields

ENGINES = {"keras": "Keras callbacks, live", "auto": "Compiled, fastest"}


def draw(plan: Plan) -> None:
    """The rate over the whole training, the strategy in a sentence, its formula and Keras code."""
    with st.container(border=True):
        st.header("Learning rate during training", anchor=False)
        if plan.spec.strategy == Points.id:
            drawing.on_plan(plan, f"{Points.prefix}points")
        else:
            figure = figures.preview_figure(
                plan.rates(), plan.steps_per_epoch, plan.program().marks(),
                strategy=plan.spec.strategy, stuck=_stuck(plan),
            )
            st.plotly_chart(figure, key="preview", config={"displayModeBar": False})
        st.markdown(sentence(plan))


def sentence(plan: Plan) -> str:
    """The strategy in words, warm-up included."""
    spec = plan.spec
    words = plan.strategy.sentence()
    if spec.warmup_epochs:
        words = f"Warms up for {wording.plural(spec.warmup_epochs, 'epoch')}. {words}"
    if plan.strategy.kind == "rule":
        words += (
            " When this happens depends on the run. The dotted line shows the fastest decay: a"
            " metric that never improves."
        )
    return words


def _stuck(plan: Plan) -> Rates | None:
    if plan.strategy.kind == "schedule":
        return None
    spec = plan.spec
    return strategy_preview(
        spec.strategy, spec.params, base_lr=spec.base_lr, epochs=spec.epochs,
        steps_per_epoch=plan.steps_per_epoch, warmup_epochs=spec.warmup_epochs,
        warmup_start_factor=spec.warmup_start_factor, monitored=[1.0] * spec.epochs,
    )


def engine() -> str:
    """What trains the run, as the user chooses it."""
    chosen: str = st.segmented_control(
        "Engine", list(ENGINES), format_func=lambda name: ENGINES[name], key="engine",
        required=True, default="keras", **fields.PERSIST,
        help="Keras callbacks train epoch by epoch, slow enough to watch. Compiled is the same "
        "training as one program, tens of times faster, with the same curve.",
    )
    return chosen


def start(plan: Plan) -> bool:
    """The start button and what the run costs; True when pressed."""
    left, right = st.columns([1, 4], vertical_alignment="center")
    pressed = left.button("Start training", type="primary", icon=":material/play_arrow:",
                          key="start", width="stretch")
    right.caption(" · ".join(filter(None, (
        estimate.about(analysis.expected_seconds(plan.spec, estimate.history())),
        f"{plan.parameters:,} parameters",
        f"{plan.train_examples:,} training / {plan.validation_examples:,} validation examples",
        f"{plan.updates:,} updates ({plan.steps_per_epoch} per epoch)",
    ))))
    return pressed


def explain(plan: Plan) -> None:
    """Formula, symbols and source of the strategy, and the same recipe as Keras code."""
    strategy = plan.strategy
    with st.expander(f"How it works: {strategy.label}"):
        st.latex(strategy.formula)
        st.caption(strategy.symbols)
        st.markdown(f"**When to use it.** {strategy.when}")
        st.markdown(f"**Source.** {strategy.source}")
    with st.expander("The same in plain Keras"):
        code(plan)


def code(plan: Plan) -> None:
    """A snippet to paste into a script."""
    try:
        st.code(plan.keras_code(), language="python", wrap_lines=True)
    except InvalidField as fault:  # changed by hand under a rule, or a curve with too many corners
        st.caption(wording.escaped(str(fault)))
