"""What is stored opens again by its id, and the public names are typed."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from mypy import api as mypy

import lrdash
from lrdash.core.errors import InvalidField, NotFound
from lrdash.planning.range_test import RangeTestSpec
from lrdash.store import Store
from tests import ROOT
from tests.factories.runs import one_experiment, one_run

USER = '''
import lrdash

def build() -> object: ...

reveal_type(lrdash.RunSpec(dataset="wine", epochs=2))
reveal_type(lrdash.train(dataset="wine"))
reveal_type(lrdash.train(build_model=build, data=([0], [0])).frame())
reveal_type(lrdash.compare(["constant"], dataset="wine"))
reveal_type(lrdash.find_lr().suggestion)
reveal_type(lrdash.hindsight("run").spec)
reveal_type(lrdash.fork("run", 3))
reveal_type(lrdash.cooldowns("run", [3]))
reveal_type(lrdash.more("run").headline())
reveal_type(lrdash.resume(["run"]))
reveal_type(lrdash.steer("run", factor=0.5))
reveal_type(lrdash.load("run"))
reveal_type(lrdash.runs(status="finished"))
reveal_type(lrdash.preview("cosine", base_lr=0.1, epochs=3))
reveal_type(lrdash.Monitor("mine"))
reveal_type(lrdash.log_run("mine"))
reveal_type(lrdash.import_runs("log.csv"))
for kind in (lrdash.Run, lrdash.Comparison, lrdash.RangeTest, lrdash.Hindsight):
    reveal_type(kind)
'''


def test_every_public_name_is_listed_and_resolves() -> None:
    assert set(lrdash.__all__) <= set(dir(lrdash))
    assert all(getattr(lrdash, name) is not None for name in lrdash.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        lrdash.trian  # noqa: B018


def test_a_type_checker_knows_every_public_name(tmp_path: Path) -> None:
    script = tmp_path / "user.py"
    script.write_text(USER, encoding="utf-8")
    config = str(ROOT / "pyproject.toml")
    words, faults, _ = mypy.run(
        ["--strict", "--config-file", config, "--python-executable", sys.executable, str(script)]
    )
    assert not faults
    shown = dict(re.findall(r"user\.py:(\d+): note: Revealed type is (.+)", words))
    assert "error" not in words, words
    used = set(re.findall(r"lrdash\.(\w+)", USER))
    assert used == set(lrdash.__all__) - {"__version__"}
    assert len(shown) == USER.count("reveal_type")
    assert not [kind for kind in shown.values() if re.search(r"\bAny\"?$|^\"?Any\b", kind)], shown


def test_a_result_opens_by_its_id_whatever_it_is(store: Store, tmp_path: Path) -> None:
    run_id, experiment_id = one_run(store), one_experiment(store)
    spec = RangeTestSpec(base=lrdash.RunSpec())
    test_id = store.range_tests.create(spec.to_json(), spec.rates, seeds=len(spec.seeds))
    opened: list[Any] = [lrdash.load(one) for one in (run_id, experiment_id, test_id)]
    assert [type(one).__name__ for one in opened] == ["Run", "Comparison", "RangeTest"]
    assert [one.id for one in opened] == [run_id, experiment_id, test_id]
    assert [one.status for one in opened] == ["finished", "finished", "queued"]
    for one in opened:
        assert one.id in repr(one)
        assert "<strong>" in one._repr_html_()
        text = one.report(tmp_path / "report.html").read_text(encoding="utf-8")
        assert "<h1>" in text
        assert "</html>" in text
    assert opened[0].table()[0]["Epoch"] == "1"


def test_an_unknown_id_is_answered_with_the_nearest(store: Store) -> None:
    run_id, experiment_id = one_run(store), one_experiment(store)
    for stored_id in (run_id, experiment_id):
        with pytest.raises(NotFound, match=f"Did you mean '{stored_id}'"):
            lrdash.load(stored_id[:-1] + "?")
    with pytest.raises(NotFound, match="There is no run, comparison, range test or search ''"):
        lrdash.load("")


def test_stored_runs_are_a_table_that_can_be_filtered(store: Store) -> None:
    wine, digits = one_run(store), one_run(store, strategy="step")
    assert lrdash.runs()["run_id"].tolist() == [digits, wine]
    assert lrdash.runs(strategy="step")["run_id"].tolist() == [digits]
    assert lrdash.runs(limit=1, status="finished")["run_id"].tolist() == [digits]
    assert lrdash.runs(status=["queued", "running"]).empty
    assert lrdash.runs(dataset="nowhere").empty
    assert lrdash.runs()["best_val_loss"].notna().all()
    with pytest.raises(InvalidField, match="status must be one of queued, running"):
        lrdash.runs(status="done")  # type: ignore[arg-type]
    with pytest.raises(InvalidField, match="limit must be a whole number"):
        lrdash.runs(limit=0)
