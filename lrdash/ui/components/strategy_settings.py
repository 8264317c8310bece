"""The settings of one strategy among several, wherever strategies are chosen side by side."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lrdash.strategies import STRATEGIES
from lrdash.ui.components import draw, fields, form


def strategy_settings(name: str, *, dataset: str, prefix: str) -> dict[str, Any]:
    """The fields of a strategy, folded away, with the editor if its curve is drawn by hand.

    Args:
        name: id of the strategy.
        dataset: id; a regression has fewer metrics to monitor.
        prefix: of the keys of the fields, before the strategy's id.

    Raises:
        InvalidField: a list typed as text that can't be read.
    """
    strategy = STRATEGIES[name]
    knobs = [form.for_task(knob, dataset) for knob in strategy.knobs()]
    if not knobs:
        return {}
    with st.expander(strategy.label):
        st.caption(strategy.when)
        params = fields.draw(knobs, prefix=f"{prefix}{name}.")
        draw.in_form(name, params, f"{prefix}{name}.")
    return params
