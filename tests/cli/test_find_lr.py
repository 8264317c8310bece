"""`lrdash find-lr`: one JSON document, a table for people, and wrong input reported in one line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from lrdash.store import Store
from tests.factories.shell import refused

SMALL = ["--dataset", "wine", "--model", "linear", "--updates", "60"]


def find_lr(*more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lrdash", "find-lr", *SMALL, *more],
        capture_output=True, text=True, check=False,
    )


def test_a_test_from_the_shell_prints_one_json_document_and_is_stored(store: Store) -> None:
    done = find_lr("--seeds", "3,5", "--optimizer", "adam", "--json")
    assert done.returncode == 0, done.stderr
    test = json.loads(done.stdout)
    assert test["status"] == "finished"
    assert test["spec"]["seeds"] == [3, 5]
    assert test["spec"]["base"]["optimizer"] == "adam"
    assert [rule["rule"] for rule in test["rules"]] == [
        "steepest", "valley", "minimum", "slide", "descent"
    ]
    assert len(test["rates"]) == 60
    assert [len(curve) for curve in test["losses"]] == [60, 60]
    assert store.range_tests.one(test["range_test_id"]).status == "finished"


def test_people_see_a_row_for_each_rule_and_the_suggestion() -> None:
    done = find_lr("--seeds", "1", "--highest", "1000")
    assert done.returncode == 0, done.stderr
    labels = ("Steepest", "Valley", "Minimum / 10", "Slide", "Descent / 3")
    for words in (*labels, "1 of 1", "Suggested:"):
        assert words in done.stdout


def test_a_range_that_ends_too_early_gives_a_better_one_in_place_of_the_rows() -> None:
    done = find_lr("--seeds", "1")
    assert done.returncode == 0, done.stderr
    assert "where the range ends. Test rates from 1e-5 to 1,000." in done.stdout
    assert "Steepest" not in done.stdout


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--updates", "3"], "range_test.updates must be between 30 and 5,000"),
        (["--seeds", "a"], "seeds must be whole numbers separated by commas"),
        (["--dataset", "wyne"], "Did you mean 'wine'?"),
        (["--lowest", "9"], "must be at least 10 times the lowest rate"),
    ],
)
def test_wrong_input_is_reported_in_one_line_and_nothing_is_made(
    given: list[str], message: str, store: Store
) -> None:
    assert message in refused("find-lr", *given)
    assert store.range_tests.listing() == []
