"""How long training will take: from earlier runs, else from what was measured on this machine."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from lrdash import analysis
from lrdash.core.events import EpochEnded, RunStarted
from lrdash.core.spec import RunSpec
from lrdash.planning.grouping import lane_work
from lrdash.planning.plan import Plan, make
from lrdash.store import RunRow, keep_pace, known_paces
from lrdash.training import pace as pace_module
from lrdash.training.pace import Pace
from tests.factories.runs import run_row


def plan(**fields: Any) -> Plan:
    return make(RunSpec(**fields))


def group(lanes: int, seconds: float, epochs: int = 10, **fields: Any) -> list[RunRow]:
    """Runs that were trained together, all done after so many seconds."""
    return [
        run_row(
            run_id=f"{lanes} {seconds} {seed}", group_id=f"{lanes} {seconds}", engine="lanes",
            spec=plan(seed=seed, **fields).spec, seconds=seconds, epochs_done=epochs,
            status="finished",
        )
        for seed in range(lanes)
    ]


def test_lanes_share_the_time_of_their_group() -> None:
    history = group(40, seconds=4.0)  # 0.01 s a lane-epoch
    assert analysis.expected_group_seconds([plan(epochs=30)] * 40, history) == pytest.approx(12.0)


def test_groups_of_the_most_similar_size_are_asked() -> None:
    history = [*group(1, seconds=1.0), *group(40, seconds=4.0)]
    assert analysis.expected_group_seconds([plan(epochs=10)] * 100, history) == pytest.approx(10.0)
    assert analysis.expected_group_seconds([plan(epochs=10)], history) == pytest.approx(1.0)
    assert analysis.expected_seconds(plan(epochs=10).spec, history) == pytest.approx(1.0)


def test_stored_settings_in_another_order_are_the_same_work() -> None:
    row = group(1, seconds=1.0, model_params={"dropout": 0.1})[0]
    stored = run_row(
        **{**row.__dict__, "spec": RunSpec.from_json(row.spec.to_json())}
    )
    wanted = plan(epochs=10, model_params={"dropout": 0.1})
    assert analysis.expected_group_seconds([wanted], [stored]) == pytest.approx(1.0)


def test_a_single_run_is_not_judged_by_another_engine() -> None:
    old = run_row(run_id="old", spec=plan().spec, seconds=100.0, epochs_done=10)
    fresh = group(1, seconds=1.0)
    assert analysis.expected_seconds(plan(epochs=10).spec, [*fresh, old]) == pytest.approx(1.0)
    assert analysis.expected_group_seconds([plan()], [old]) is None


def test_without_earlier_runs_the_machines_own_pace_counts() -> None:
    plans = [plan(epochs=10)] * 4
    paces = {"dense": 1e-10, "start": 2.0}
    seconds = analysis.expected_group_seconds(plans, [], paces)
    assert seconds == pytest.approx(2.0 + 40 * lane_work(plans[0]) * 1e-10)
    assert analysis.expected_group_seconds([plan(model="cnn")], [], paces) is None
    assert analysis.expected_group_seconds([*plans, plan(model="cnn")], [], paces) is None
    both = {**paces, "convolutional": 1e-9}
    assert (analysis.expected_group_seconds([plan(model="cnn")], [], both) or 0) > 2.0
    assert analysis.expected_group_seconds(plans) is None
    assert analysis.expected_group_seconds([]) == 0.0


def test_a_pace_is_kept_for_this_machine_alone(home: Path) -> None:
    assert known_paces() == {}
    keep_pace("dense", 1e-10)
    keep_pace("start", 2.0)
    keep_pace("dense", 2e-10)
    assert known_paces() == {"dense": 2e-10, "start": 2.0}
    stored = json.loads((home / "calibration.json").read_text())
    assert list(stored) == [socket.gethostname()]
    (home / "calibration.json").write_text(json.dumps({"elsewhere": {"dense": 1.0}}))
    assert known_paces() == {}
    assert not list(home.glob("*.tmp"))


@pytest.mark.parametrize("text", ["", "[]", '{"%s": 3}', '{"%s": {"dense": -1, "start": "x"}}'])
def test_a_damaged_calibration_counts_as_none(text: str, home: Path) -> None:
    known_paces()
    (home / "calibration.json").write_text(text.replace("%s", socket.gethostname()))
    assert known_paces() == {}
    keep_pace("dense", 1e-10)
    assert known_paces()["dense"] == 1e-10


def started(engine: str) -> RunStarted:
    return RunStarted(engine=engine, parameters=1, steps_per_epoch=1, updates=1, versions={})


@pytest.mark.parametrize("engine", ["lanes", "keras"])
def test_the_pace_is_that_of_the_epochs_after_the_first(
    engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([10.0, 13.0, 13.5, 14.0])
    monkeypatch.setattr(pace_module, "perf_counter", lambda: next(clock))
    one = plan()
    pace = Pace([one, one])
    assert pace.per_multiply_add is None
    pace("r1", started(engine))
    for _ in range(3):
        pace("r1", EpochEnded(epoch=1, metrics={}, rates=one.rates(), seconds=1.0))  # type: ignore[arg-type]
    assert pace.start == 3.0
    if engine == "lanes":
        assert pace.per_multiply_add == pytest.approx(1.0 / 2 / lane_work(one))
    else:
        assert pace.per_multiply_add is None
