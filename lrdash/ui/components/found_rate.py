"""From a range test to the forms: data, model and optimizer that were tried, and the rate found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from lrdash.core.errors import InvalidField, LrdashError
from lrdash.core.spec import MAX_RATE, RunSpec
from lrdash.planning.experiment import peaks_around
from lrdash.planning.range_test import INSTEAD, RangeTestSpec
from lrdash.ui import resources
from lrdash.ui.components import form

TEST, RATE = "range_test", "rate"  # query parameters


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was tried, and at which rate to go on."""

    spec: RunSpec
    rate: float


def into_train() -> None:
    """Fill the form of the Train page, if the address names a range test."""
    found = _found()
    if found:
        form.fill(found.spec)


def into_form() -> tuple[float, ...]:
    """Fill data, model and optimizer in, if the address names a range test; gives the peak rates
    around the one found.
    """
    found = _found()
    if not found:
        return ()
    form.fill(found.spec)
    return tuple(rate for rate in peaks_around(found.rate) if rate <= MAX_RATE)


def go(page: str, range_test_id: str, rate: float) -> None:
    """Leave for a page, with the rate found."""
    st.switch_page(page, query_params={TEST: range_test_id, RATE: f"{rate:g}"})


def spec_of(tested: RunSpec, rate: float) -> RunSpec:
    """A run of what was tried at this rate, all else as the form begins."""
    kept: dict[str, Any] = dict(form.DEFAULTS)
    kept |= {name: value for name, value in tested.as_dict().items() if name not in INSTEAD}
    return RunSpec(**kept, base_lr=rate)


def _found() -> Found | None:
    range_test_id, text = (st.query_params.pop(name, None) for name in (TEST, RATE))
    if not range_test_id:
        return None
    try:
        row = resources.store().range_tests.one(range_test_id)
        rate = _number(text)
        return Found(spec=spec_of(RangeTestSpec.from_json(row.definition).base, rate), rate=rate)
    except LrdashError as fault:
        st.error(str(fault), icon=":material/error:")
        return None


def _number(text: str | None) -> float:
    try:
        return float(text or "")
    except ValueError:
        problem = f"must be a number above 0 and at most {MAX_RATE:g}"
        raise InvalidField(RATE, problem, text) from None
