"""Exact curves for the pages, computed once for all who view the same runs."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from lrdash import analysis
from lrdash.core.spec import RunSpec


def exact(specs: Mapping[str, RunSpec]) -> tuple[pd.DataFrame, str]:
    """The exact curves of runs by label, where they are known, and the line that explains them."""
    return _exact(tuple((label, spec.to_json()) for label, spec in specs.items()))


@st.cache_data(max_entries=32, show_spinner=False)
def _exact(specs: tuple[tuple[str, str], ...]) -> tuple[pd.DataFrame, str]:
    read = {label: RunSpec.from_json(text) for label, text in specs}
    return analysis.exact_curves(read), analysis.exact_note(read)
