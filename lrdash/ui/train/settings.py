"""The settings of a new run: from the form, which the address can fill."""

from __future__ import annotations

import streamlit as st

from lrdash.core.spec import RunSpec
from lrdash.planning import external
from lrdash.planning.plan import Plan, make
from lrdash.ui import resources
from lrdash.ui.components import form, found_rate
from lrdash.ui.components.errors import error_boundary
from lrdash.ui.train import history, steer


def fill_from_address() -> None:
    """Fill the form with the settings of the run or the range test that the address names."""
    source = st.query_params.pop("from", None)
    if source:
        with error_boundary():
            form.fill(_settings(source))
    found_rate.into_form()


def read() -> Plan:
    """Draw the form and plan the run.

    Raises:
        LrdashError: a setting is not allowed, or settings do not fit each other.
    """
    spec = RunSpec(**form.draw())
    form.require_data(spec.dataset)
    return make(spec)


def _settings(run_id: str) -> RunSpec:
    """The settings of a run as the form can hold them."""
    past = history.of(run_id, resources.store())
    spec = past.run.spec
    external.refuse([spec])
    return steer.as_points(spec, past.used) if spec.pieces else spec
