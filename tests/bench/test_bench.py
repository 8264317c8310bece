"""The benchmark's arithmetic with made-up clocks, and its smallest task for real."""

from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from lrdash.bench import PARTS, QUICK, child, parts
from lrdash.cli import app
from lrdash.core.errors import LrdashError


class Clock:
    """Runs tasks in no time: lanes take `lanes` seconds a run and epoch, a fit `fit` seconds."""

    def __init__(self, **seconds: float) -> None:
        self.seconds = {"lanes": 0.002, "fit": 3.0, "jax": 10.0, "watched": 0.01, **seconds}
        self.asked: list[str] = []

    def __call__(self, name: str, **given: Any) -> Any:
        self.asked.append(name)
        if name == "pairs":
            return [["digits", "mlp"], ["mnist", "cnn"]]
        if name == "finder":
            return [
                {"dataset": "digits", "model": model, "rule": rule, "factor": factor,
                 "suggestion": 0.1, "best_base_lr": 0.1, "inside": factor == 1.0}
                for rule in ("valley", "descent")
                for model, factor in (("mlp", 1.0), ("cnn", 2.0), ("linear", None), ("lenet", 9.0))
            ]
        if name == "watched":
            ours = 1.0 + self.seconds["watched"]
            return [[[ours, ours], [1.0, 1.0]]] * given["pairs"]
        if name in ("matmul", "work"):
            return {"matmul": 1e11, "work": 1e8}[name]
        if name == "lanes":
            each = self.seconds["lanes"] * given["runs"] * given.get("epochs", 1)
            return [each + 2.0, *[each] * (given.get("times", 1) - 1)]  # the first compiles
        return [self.seconds[name]] * given.get("times", 1)


@pytest.mark.parametrize(
    ("name", "ratio"),
    [
        ("forty-cold", (40 * 30 * 0.002 + 2) / 3), ("forty-warm", 40 * 30 * 0.002 / 3),
        ("many", 216 * 3 / (216 * 30 * 0.002 + 2)), ("one", 3 / (30 * 0.002)),
        ("cnn", 8 * 3 / (8 * 5 * 0.002 + 2)), ("pairs", 3 / 0.002),
        ("jax", 40 * 30 * 0.002 / 10), ("linear", 1.0), ("finder", 2.0), ("monitor", 1.01),
        ("matmul", 1e8 * 40 * 30 / (40 * 30 * 0.002) / 1e11),
    ],
)
def test_each_part_gives_the_ratio_that_it_names(name: str, ratio: float) -> None:
    clock = Clock()
    found = parts.measured(PARTS[name], clock)
    assert found["ratio"] == pytest.approx(ratio)
    goal = PARTS[name].goal
    if goal is None:
        assert found["reached"] is None
    else:
        assert found["reached"] == (ratio <= goal if found["bound"] == "at most" else ratio >= goal)
    json.dumps(found, allow_nan=False)


def test_both_sides_are_measured_in_turn_and_the_median_counts() -> None:
    clock = Clock()
    parts.measured(PARTS["forty-warm"], clock)
    assert clock.asked == ["lanes", "fit"] * parts.TURNS
    ours, theirs = iter([1.0, 9.0, 2.0]), iter([4.0, 4.0, 40.0])
    found = parts._share("a", *parts._turns(lambda: next(ours), lambda: next(theirs))[:1], "b",
                         [4.0, 4.0, 40.0])
    assert found.ratio == 2.0 / 4.0
    assert "2 s (1 to 9)" in found.detail


def test_the_slowest_pair_decides() -> None:
    class Uneven(Clock):
        def __call__(self, name: str, **given: Any) -> Any:
            if name == "fit" and given["model"] == "cnn":
                return [0.001] * 2
            return super().__call__(name, **given)

    found = parts.measured(PARTS["pairs"], Uneven())
    assert found["ratio"] == pytest.approx(0.5)
    assert found["reached"] is False
    assert "slowest mnist + cnn" in found["detail"]


def test_the_command_prints_the_machine_and_each_ratio_with_its_goal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parts, "run_task", Clock())
    monkeypatch.setattr(parts.measured, "__defaults__", (Clock(),))
    found = CliRunner().invoke(app, ["bench", "one", "matmul"])
    assert found.exit_code == 0, found.output
    assert "processors " in found.stdout
    assert "one: one warm run against its fit: 50 (goal: at least 10; reached)" in found.stdout
    assert "matmul: share" in found.stdout
    document = json.loads(CliRunner().invoke(app, ["bench", "--json"]).stdout)
    assert [part["part"] for part in document["parts"]] == list(QUICK)
    assert document["machine"]["tensorflow"]


def test_parts_are_listed_and_an_unknown_one_is_refused() -> None:
    listed = CliRunner().invoke(app, ["bench", "--list"]).stdout
    assert all(name in listed for name in PARTS)
    refused = CliRunner().invoke(app, ["bench", "forty-wam"])
    assert refused.exit_code == 2
    assert "forty-warm" in refused.stderr


def test_a_part_that_cannot_be_measured_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_name: str, **_given: Any) -> Any:
        raise LrdashError("this part needs JAX: pip install 'lrdash[bench]'")

    monkeypatch.setattr(parts.measured, "__defaults__", (broken,))
    found = CliRunner().invoke(app, ["bench", "jax"])
    assert found.exit_code == 1
    assert "jax: not measured: this part needs JAX: pip install" in found.stdout


def test_a_task_runs_in_a_process_of_its_own() -> None:
    work = child.run_task("work")
    # 1,437 examples: 3 passes but for the inputs' gradient, 360: one; 17,024 multiply-adds.
    assert work == 2 * (1437 * (3 * 17_024 - 64 * 128) + 360 * 17_024)
    with pytest.raises(LrdashError, match="task lanes failed"):
        child.run_task("lanes", nonsense=1)


def test_every_model_is_paired_with_every_shape_that_it_fits() -> None:
    from lrdash.bench.tasks import pairs
    from lrdash.datasets import DATASETS
    from lrdash.models import MODELS

    found = pairs()
    assert {model for _, model in found} == set(MODELS)
    shapes = {(DATASETS[name].input_shape, DATASETS[name].num_classes > 0) for name, _ in found}
    assert shapes == {(d.input_shape, d.num_classes > 0) for d in DATASETS.values()}


def test_the_finder_is_measured_on_every_pair_that_needs_no_download() -> None:
    from lrdash.bench.finder import HARD, finder, pairs_at_hand
    from lrdash.datasets import DATASETS

    at_hand = {name for name, dataset in DATASETS.items() if not dataset.download_bytes}
    assert {name for name, _ in pairs_at_hand()} == at_hand
    assert ("digits", "resnet") in pairs_at_hand()
    assert {"dataset": "wine", "model": "mlp", "optimizer": "adam"} in HARD
    found = parts.measured(PARTS["finder"], Clock())
    assert found["values"]["rules"]["descent"] == {
        "factor": 2.0, "found": 3, "pairs": 4, "inside": 0.25
    }
    assert "descent 2x, 25% in the bowl" in found["detail"]
    found = finder(only=["noisy_regression"])
    assert {row["model"] for row in found} == {"linear", "mlp", "layers"}
    assert len(found) == 20  # five rules each; the linear model also in batches of 8
    assert {row["batch_size"] for row in found if row["model"] == "linear"} == {8, 32}
    assert all(row["factor"] is None or row["factor"] >= 1 for row in found)
    json.dumps(found, allow_nan=False)
