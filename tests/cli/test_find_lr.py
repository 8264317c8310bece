"""`lrdash find-lr`: one JSON document, a table for people, and wrong input reported in one line."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from lrdash.cli import app
from lrdash.store import Store

SMALL = ["--dataset", "wine", "--model", "linear", "--updates", "60"]


def find_lr(*more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lrdash", "find-lr", *SMALL, *more],
        capture_output=True, text=True, check=False,
    )


def test_a_test_from_the_shell_prints_one_json_document_and_stays_in_the_store() -> None:
    done = find_lr("--seeds", "3,5", "--optimizer", "adam", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["status"] == "finished"
    assert told["spec"]["seeds"] == [3, 5]
    assert told["spec"]["base"]["optimizer"] == "adam"
    assert [rule["rule"] for rule in told["rules"]] == ["steepest", "valley", "minimum", "slide"]
    assert len(told["rates"]) == 60
    assert [len(curve) for curve in told["losses"]] == [60, 60]
    store = Store()
    assert store.range_tests.one(told["range_test_id"]).status == "finished"
    store.close()


def test_people_get_a_row_a_rule_and_the_suggestion() -> None:
    done = find_lr("--seeds", "1")
    assert done.returncode == 0, done.stderr
    for words in ("Steepest", "Valley", "Minimum / 10", "Slide", "1 of 1", "Suggested:"):
        assert words in done.stdout


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["--updates", "3"], "range_test.updates must be between 30 and 5,000"),
        (["--seeds", "a"], "seeds must be whole numbers separated by commas"),
        (["--dataset", "wyne"], "Did you mean 'wine'?"),
        (["--lowest", "9"], "must be at least 10 times the lowest rate"),
    ],
)
def test_wrong_input_is_told_in_a_line_and_nothing_is_made(given: list[str], told: str) -> None:
    refused = CliRunner().invoke(app, ["find-lr", *given])
    assert refused.exit_code == 2
    assert told in refused.stderr
    store = Store()
    assert store.range_tests.listing() == []
    store.close()
