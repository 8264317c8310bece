"""Runs are cut into groups that share a program and fit into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lrdash.core.errors import InvalidField
from lrdash.core.spec import EarlyStopping, RunSpec
from lrdash.planning import grouping
from lrdash.planning.grouping import (
    MEGABYTE,
    bytes_per_lane,
    cut,
    describe,
    group_key,
    key_of,
    lane_work,
    lanes_apply,
    memory_limit,
)
from lrdash.planning.plan import Plan, make


def plan(**fields: Any) -> Plan:
    return make(RunSpec(**fields))


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_MEMORY_MB", "100000")


@pytest.mark.parametrize(
    "fields",
    [
        {"strategy": "cosine"}, {"base_lr": 0.5}, {"seed": 3}, {"warmup_epochs": 2},
        {"early_stopping": {"patience": 3}}, {"loss": "cross_entropy"}, {"examples": 1797},
        {"epochs": 31}, {"model_params": {"widths": [128, 64]}},
    ],
)
def test_runs_that_need_the_same_program_have_the_same_key(fields: dict[str, Any]) -> None:
    assert group_key(plan(**fields)) == group_key(plan())


@pytest.mark.parametrize(
    "fields",
    [
        {"dataset": "wine"}, {"examples": 500}, {"model": "linear"},
        {"model_params": {"widths": [128]}}, {"optimizer": "adam"}, {"momentum": 0.8},
        {"nesterov": True}, {"batch_size": 64}, {"loss": "mse"}, {"label_smoothing": 0.1},
    ],
)
def test_runs_that_need_another_program_have_another_key(fields: dict[str, Any]) -> None:
    assert group_key(plan(**fields)) != group_key(plan())


def test_a_stored_spec_has_the_key_of_its_plan() -> None:
    one = plan(strategy="step")
    assert key_of(RunSpec.from_json(one.spec.to_json())) == group_key(one)


def test_runs_are_grouped_by_key_and_none_is_left_out() -> None:
    plans = [plan(seed=seed, batch_size=size) for seed in range(3) for size in (32, 64)]
    assert cut(plans) == [[0, 2, 4], [1, 3, 5]]
    assert cut([]) == []


@pytest.mark.parametrize(
    ("model", "runs", "sizes"),
    [
        ("mlp", 256, [256]), ("mlp", 257, [128, 129]), ("mlp", 600, [200, 200, 200]),
        ("cnn", 8, [8]), ("cnn", 9, [4, 5]), ("resnet", 17, [5, 6, 6]),
    ],
)
def test_large_groups_are_cut_into_nearly_equal_parts(
    model: str, runs: int, sizes: list[int]
) -> None:
    groups = cut([plan(model=model)] * runs)
    assert [len(group) for group in groups] == sizes
    assert [place for group in groups for place in group] == list(range(runs))


def test_memory_cuts_groups_further(monkeypatch: pytest.MonkeyPatch) -> None:
    one = plan(model_params={"widths": [1024, 1024]})
    room = 10 * bytes_per_lane(one)
    monkeypatch.setattr(grouping, "memory_limit", lambda: room)
    assert [len(group) for group in cut([one] * 40)] == [10, 10, 10, 10]
    found = describe([one] * 40, cut([one] * 40))
    assert found == {"runs": 40, "groups": 4, "lanes": 10, "bytes": room, "limit": room}


def test_a_run_that_does_not_fit_is_refused_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_MEMORY_MB", "64")
    huge = plan(model_params={"widths": [4096, 4096]})
    with pytest.raises(InvalidField, match=r"one run would take about \d+ MB, and 64 MB are free"):
        cut([huge])


def test_a_run_that_cannot_be_a_lane_is_alone() -> None:
    stopping = EarlyStopping(restore_best_weights=True)
    plans = [plan(), plan(early_stopping=stopping), plan(early_stopping=stopping), plan(seed=1)]
    if lanes_apply(plans[1]):
        assert cut(plans) == [[0, 3], [1], [2]]
    assert lanes_apply(plans[0]) == ""


def test_a_lane_takes_what_its_weights_and_batches_take() -> None:
    sgd = plan(momentum=0)
    weights = 4 * sgd.parameters
    assert bytes_per_lane(plan()) - bytes_per_lane(sgd) == weights
    assert bytes_per_lane(plan(optimizer="adam")) - bytes_per_lane(sgd) == 2 * weights
    assert bytes_per_lane(plan(optimizer="rmsprop")) - bytes_per_lane(sgd) == 2 * weights
    assert bytes_per_lane(plan(batch_size=512)) > bytes_per_lane(plan(batch_size=32))


def test_work_is_counted_over_training_and_validation() -> None:
    one = plan(model="linear")
    assert lane_work(one) == (3 * 1437 + 360) * 640  # 64 inputs, 10 outputs


@pytest.mark.parametrize("text", ["0", "63", "-5", "much", "1e3", "²"])
def test_a_senseless_limit_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_MEMORY_MB", text)
    with pytest.raises(InvalidField, match="LRDASH_MEMORY_MB must be a whole number"):
        memory_limit()


def test_the_environment_sets_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LRDASH_MEMORY_MB", "128")
    assert memory_limit() == 128 * MEGABYTE
    monkeypatch.delenv("LRDASH_MEMORY_MB")
    monkeypatch.setattr(grouping, "_free", lambda: 1000)
    assert memory_limit() == 600


def machine(folder: Path, **files: str) -> int:
    for name, text in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return grouping._free(folder / "meminfo", folder)


def test_the_smaller_of_machine_and_container_counts(tmp_path: Path) -> None:
    assert machine(tmp_path) == grouping.ASSUMED_FREE
    assert machine(tmp_path, meminfo="MemTotal: 9 kB\nMemAvailable:   1000 kB\n") == 1_024_000
    container = {
        "memory_dot_max": "900000\n", "memory_dot_current": "500000\n",
        "memory_dot_stat": "anon 7\ninactive_file 100000\n",
    }
    assert machine(tmp_path, **container) == 500_000
    assert machine(tmp_path, memory_dot_max="max\n") == 1_024_000
    older = {
        "memory__memory_dot_limit_in_bytes": "300000", "memory__memory_dot_usage_in_bytes": "400000"
    }
    assert machine(tmp_path, **older) == 0
