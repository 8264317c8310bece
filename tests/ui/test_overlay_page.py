"""Any runs side by side, drawn by Streamlit's own test runner."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lrdash import analysis
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.store import Store
from tests.factories import pages as shown
from tests.factories.pages import words
from tests.factories.runs import finish


def trained(store: Store, *, name: str = "", epochs: int = 3, **fields: object) -> str:
    plan = make(RunSpec(epochs=3, **fields))
    run_id = store.runs.add(plan, name=name)
    finish(
        store, run_id, lambda epoch, _rate: {
            **dict.fromkeys(plan.metrics, plan.spec.base_lr / (epoch + 1)), "gradient_norm": 2.0,
        },
        epochs=epochs, status="finished" if epochs == 3 else "diverged",
    )
    return run_id


def page(runs: str) -> AppTest:
    return shown.page("runs", runs=runs)


def test_runs_are_put_over_each_other_with_what_differs(store: Store) -> None:
    first = trained(store, base_lr=0.1, strategy="step")
    second = trained(store, base_lr=0.2, strategy="cosine", epochs=2)
    test = page(f"{first},{second}")
    table = test.dataframe[0].value
    assert list(table["Status"]) == ["finished", "diverged"]
    assert list(table["Final val loss"]) == pytest.approx([0.1 / 3, 0.1])
    assert list(table["Final val loss, difference"]) == pytest.approx([0.0, 200.0])
    assert {"Strategy", "Peak rate"} <= set(table.columns)
    assert "Seed" not in table.columns
    test.selectbox(key="pinned").set_value(1).run()
    assert list(test.dataframe[0].value["Final val loss, difference"]) == pytest.approx(
        [-200 / 3, 0.0]
    )


def test_curve_axis_and_smoothing_are_chosen(store: Store) -> None:
    runs = ",".join(trained(store, seed=seed) for seed in (0, 1))
    test = page(runs)
    test.selectbox(key="curve").set_value("gradient_norm")
    test.slider(key="smoothing").set_value(0.5)
    next(g for g in test.button_group if g.key == "over").set_value("seconds").run()
    assert "Gradient norm of 2 runs over seconds" in words(test)
    assert "faint lines are unsmoothed" in words(test)


def test_names_are_used_where_all_runs_have_one(store: Store) -> None:
    runs = [trained(store, name=name, seed=seed) for seed, name in enumerate(("calm", "wild"))]
    assert list(page(",".join(runs)).dataframe[0].value["Run"]) == ["calm", "wild"]


def test_losses_of_different_data_do_not_compare(store: Store) -> None:
    runs = [trained(store), trained(store, dataset="wine", model="linear", base_lr=0.05)]
    assert "different datasets (Digits, Wine)" in words(page(",".join(runs)))


def test_runs_that_do_not_exist_are_reported(store: Store) -> None:
    known = trained(store)
    assert "1 of the 2 runs named in the address does not exist" in words(page(f"{known},nosuch"))
    none = page("nosuch")
    assert "Tick some runs" in words(none)


def test_relative_differences_need_a_finite_base() -> None:
    values = pd.Series([2.0, 1.0, np.inf, np.nan])
    assert analysis.relative(values, 0).tolist()[:2] == [0.0, -0.5]
    assert analysis.relative(values, 0).isna().tolist() == [False, False, True, True]
    assert analysis.relative(values, 2).isna().all()
    assert analysis.relative(pd.Series([0.0, 1.0]), 0).isna().all()
