"""From a range test to the forms: data, model and optimizer that were tried, and the rate found."""

from __future__ import annotations

from typing import Any

import streamlit as st

from lrdash.core.errors import InvalidField
from lrdash.core.spec import MAX_RATE, RunSpec
from lrdash.planning.experiment import peaks_around
from lrdash.planning.range_test import INSTEAD, RangeTestSpec
from lrdash.ui import resources
from lrdash.ui.components import form
from lrdash.ui.components.errors import error_boundary

TEST, RATE = "range_test", "rate"  # query parameters


def into_form() -> tuple[float, ...]:
    """Fill the form in, if the address names a range test; gives the peak rates around the one
    found.
    """
    range_test_id, text = (st.query_params.pop(name, None) for name in (TEST, RATE))
    if not range_test_id:
        return ()
    with error_boundary():
        row = resources.store().range_tests.one(range_test_id)
        rate = _number(text)
        form.fill(spec_of(RangeTestSpec.from_json(row.definition).base, rate))
        return tuple(peak for peak in peaks_around(rate) if peak <= MAX_RATE)
    return ()


def leave_for(page: str, range_test_id: str, rate: float) -> None:
    """Open a page with the rate found."""
    st.switch_page(page, query_params={TEST: range_test_id, RATE: f"{rate:g}"})


def spec_of(tested: RunSpec, rate: float) -> RunSpec:
    """A run of what was tried at this rate, all else as in a new form."""
    kept: dict[str, Any] = dict(form.DEFAULTS)
    kept |= {name: value for name, value in tested.as_dict().items() if name not in INSTEAD}
    return RunSpec(**kept, base_lr=rate)


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        problem = f"must be a number above 0 and at most {MAX_RATE:g}"
        raise InvalidField(RATE, problem, text) from None
