"""One row that cannot be read leaves every page whole, and is named where it would be."""

from __future__ import annotations

import json
import math

import pytest

from lrdash.store import Store
from tests.factories.database import execute
from tests.factories.pages import fault, page, words
from tests.factories.runs import trained
from tests.factories.shell import call

PAGES = ("train", "compare", "find_lr", "hindsight", "inside", "start", "runs", "models", "data")
RUNS = [
    ("tags", "["), ("versions", "{"), ("created_at", "yesterday"), ("status", "lost"),
    ("epochs_done", "some"), ("spec", "{"),
]


@pytest.mark.parametrize(("column", "value"), RUNS)
def test_a_run_that_cannot_be_read_is_named_on_the_page_runs(
    store: Store, column: str, value: str
) -> None:
    good, odd = trained(store), trained(store)
    execute(f"UPDATE runs SET {column} = ? WHERE run_id = ?", value, odd)
    runs = page("runs")
    assert f"Run {odd} cannot be read: " in words(runs)
    assert "Delete 1 unreadable run" in [button.label for button in runs.button]
    assert len(runs.dataframe[0].value) == 1
    assert f"Run {odd} cannot be read: " in fault(page("train", run=odd))
    assert not page("train", run=good).error


@pytest.mark.parametrize("statement", [
    "UPDATE epochs SET metrics = '{' WHERE run_id = ?",
    "UPDATE decisions SET decision = '{' WHERE run_id = ?",
])
def test_a_run_with_an_epoch_or_decision_that_cannot_be_read_says_so(
    store: Store, statement: str
) -> None:
    good, odd = trained(store), trained(store)
    execute("INSERT INTO decisions VALUES (?, 1, '{}')", odd)
    execute(statement, odd)
    runs = page("runs")
    assert len(runs.dataframe[0].value) == 2
    assert f"of run {odd} cannot be read: " in fault(page("train", run=odd))
    assert not page("train", run=good).error
    assert not page("runs", runs=f"{good},{odd}").error


def test_earlier_results_that_cannot_be_read_are_named_beside_the_others(store: Store) -> None:
    for definition in ('{"warp": 9}', "{}"):
        store.experiments.create(definition, [], groups=[])
        store.range_tests.create(definition, [0.1], seeds=1)
        store.hindsights.create(definition)
    for table in ("experiments", "range_tests", "hindsights"):
        execute(f"UPDATE {table} SET created_at = 'x' WHERE number = 2")
    trained(store)
    for name in ("compare", "find_lr", "hindsight", "start"):
        said = words(page(name))
        assert "created_at must be a valid datetime" in said
        assert "`lrdash doctor` lists 1 more" in said
    for name in PAGES:
        assert not page(name).error


GONE = [
    {"strategy": "gone"}, {"model": "gone"}, {"dataset": "gone"}, {"params": {"gone": 1}},
    {"model_params": {"hidden": [3]}}, {"dataset": "own-0123456789ab"},
    {"strategy": "gone", "model": "gone", "dataset": "gone", "params": {"gone": 1}},
]


@pytest.mark.parametrize("change", GONE)
def test_a_run_of_a_strategy_model_or_dataset_that_is_gone_still_shows_what_it_recorded(
    store: Store, change: dict[str, object]
) -> None:
    good, odd = trained(store), trained(store)
    spec = json.loads(store.runs.one(odd).spec.to_json()) | change
    execute("UPDATE runs SET spec = ? WHERE run_id = ?", json.dumps(spec), odd)
    assert len(page("runs").dataframe[0].value) == 2
    for drawn in (page("train", run=odd), page("runs", runs=f"{good},{odd}")):
        assert not [one.value for one in drawn.error]
        assert drawn.get("plotly_chart") or drawn.get("bidi_component")
    for command in (("show", odd), ("show", odd, "--json"), ("export", odd, "--format", "html")):
        assert call("runs", *command).exit_code == 0


def test_rates_of_another_number_than_the_strategys_are_shown_as_different(store: Store) -> None:
    run_id = trained(store)
    execute("UPDATE epochs SET rates = x'0000803f' WHERE epoch = 1")
    drawn = page("train", run=run_id)
    assert drawn.session_state[f"history:{run_id}"].difference == math.inf
