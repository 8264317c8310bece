"""A run that goes on has the bits of one that never paused: weights, log, decisions, ending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdash import training
from lrdash.checkpoints import FOLDER, CheckpointFolder
from lrdash.core.events import EpochEnded, Event, Progress
from lrdash.core.spec import RunSpec
from lrdash.planning.plan import make
from lrdash.strategies import STRATEGIES
from lrdash.training.checkpoints import CheckpointWriter
from tests.factories.training import last, log, of, train

EPOCHS, PAUSE = 6, 3
SETTINGS: dict[str, dict[str, Any]] = {"multistep": {"milestones": [2, 4]}}
Said = dict[str, list[Event]]


def check(specs: Sequence[RunSpec], engine: str, folder: Path) -> None:
    """Compare a group that paused with one that did not."""
    whole, paused = CheckpointFolder(folder / "whole"), CheckpointFolder(folder / "paused")
    straight = train(specs, engine, whole)
    first = train(specs, engine, paused, until=PAUSE)
    second = train(specs, engine, paused, done=PAUSE)
    for run_id, said in straight.items():
        resumed = [event for event in second[run_id] if not isinstance(event, Progress)]
        assert min((e.epoch for e in of(resumed, EpochEnded)), default=EPOCHS) > 1, "started again"
        assert log([*first[run_id], *resumed]) == log(said)
        assert last(paused, run_id) == last(whole, run_id)


@pytest.mark.parametrize("engine", ["keras", "lanes"])
@pytest.mark.parametrize(
    "fields",
    [
        {"strategy": "plateau", "params": {"patience": 1, "min_delta": 0.05}},
        {"strategy": "plateau", "params": {"patience": 1, "rules": "torch"}, "warmup_epochs": 2.5},
        {"strategy": "custom", "nesterov": True},
        {"optimizer": "adam", "base_lr": 0.001, "model_params": {"dropout": 0.3}},
        {"optimizer": "adamw", "base_lr": 0.001, "model_params": {"batch_norm": True}},
        {"optimizer": "rmsprop", "base_lr": 0.001, "momentum": 0.9},
        {"early_stopping": {"patience": 2, "min_delta": 0.05}},
        {"model": "cnn", "examples": 150},
    ],
    ids=lambda fields: "-".join(map(str, fields.values()))[:40],
)
def test_a_run_resumes_to_the_bit(fields: dict[str, Any], engine: str, tmp_path: Path) -> None:
    spec = RunSpec(**{"epochs": EPOCHS, "examples": 200, "base_lr": 0.05, **fields})
    check([spec], engine, tmp_path)


def test_a_comparison_of_all_strategies_resumes_to_the_bit(tmp_path: Path) -> None:
    specs = [
        RunSpec(strategy=name, params=SETTINGS.get(name, {}), epochs=EPOCHS, examples=200,
                base_lr=0.05, seed=seed)
        for name in STRATEGIES for seed in (0, 1)
    ]
    check(specs, "lanes", tmp_path)


def test_the_best_weights_of_early_stopping_are_not_forgotten(tmp_path: Path) -> None:
    stopping = {"patience": 2, "min_delta": 5.0, "restore_best_weights": True}
    spec = RunSpec(epochs=EPOCHS, examples=200, base_lr=0.05, early_stopping=stopping)
    check([spec], "keras", tmp_path)


@pytest.mark.parametrize("engine", ["keras", "lanes"])
def test_a_run_whose_end_was_not_recorded_ends_the_same_way(engine: str, tmp_path: Path) -> None:
    stopping = {"patience": 2, "min_delta": 5.0}
    spec = RunSpec(epochs=EPOCHS, examples=200, base_lr=0.05, early_stopping=stopping)
    folder = CheckpointFolder(tmp_path)
    said = train([spec], engine, folder)["run0"]
    done = len(of(said, EpochEnded))
    assert done < EPOCHS
    again = train([spec], engine, folder, done=done)["run0"]
    assert of(again, EpochEnded) == []
    assert log(again)[2] == log(said)[2]


@pytest.mark.parametrize("engine", ["keras", "lanes"])
def test_without_a_whole_checkpoint_a_run_starts_again_and_reports_the_same(
    engine: str, tmp_path: Path
) -> None:
    spec = RunSpec(epochs=2, examples=200, base_lr=0.05, strategy="custom")
    folder = CheckpointFolder(tmp_path)
    said = train([spec], engine, folder)["run0"]
    for path in (tmp_path / FOLDER / "run0").iterdir():
        path.write_bytes(b"damaged")
    assert log(train([spec], engine, folder, done=1)["run0"]) == log(said)


def test_epochs_that_were_not_recorded_are_trained_again(tmp_path: Path) -> None:
    spec = RunSpec(epochs=4, examples=200, base_lr=0.05)
    folder = CheckpointFolder(tmp_path)
    said = train([spec], "lanes", folder)["run0"]
    again = train([spec], "lanes", folder, done=1)["run0"]  # checkpoints of 3 and 4 are left
    assert [event.epoch for event in of(again, EpochEnded)] == [1, 2, 3, 4] or [
        event.epoch for event in of(again, EpochEnded)
    ] == [2, 3, 4]
    assert log(again)[0].items() <= log(said)[0].items()


def test_lanes_of_one_group_may_be_at_different_epochs(tmp_path: Path) -> None:
    specs = [RunSpec(epochs=4, examples=200, base_lr=0.05, seed=seed) for seed in range(6)]
    folder = CheckpointFolder(tmp_path)
    straight = train(specs, "lanes", folder)
    writer = CheckpointWriter(folder, {f"run{place}": place for place in range(6)}, interval=0.0)
    said: Said = {f"run{place}": [] for place in range(6)}
    training.train_group(
        [make(spec) for spec in specs], run_ids=list(said), should_stop=set, engine="lanes",
        sink=lambda run_id, event: said[run_id].append(event), writer=writer,
    )
    writer.close()
    begun = {run_id: [e.epoch for e in of(events, EpochEnded)] for run_id, events in said.items()}
    assert begun["run0"] == [1, 2, 3, 4]
    assert begun["run4"] == []
    for run_id, events in said.items():
        assert log(events)[0].items() <= log(straight[run_id])[0].items()
        assert log(events)[2] == log(straight[run_id])[2]
        assert np.isfinite(of(straight[run_id], EpochEnded)[-1].metrics["val_loss"])


@pytest.mark.parametrize(
    "fields", [{"dataset": "diabetes", "base_lr": 0.01}, {"optimizer": "rmsprop", "base_lr": 1e-3}]
)
def test_a_run_of_a_large_group_resumes_alone_with_the_same_bits(
    fields: dict[str, Any], tmp_path: Path
) -> None:
    specs = [RunSpec(epochs=EPOCHS, seed=seed, **fields) for seed in range(9)]
    whole, paused = CheckpointFolder(tmp_path / "whole"), CheckpointFolder(tmp_path / "paused")
    straight = train(specs, "lanes", whole)
    train(specs, "lanes", paused, until=PAUSE)
    alone = train(specs[:1], "lanes", paused, done=PAUSE)
    resumed = {epoch: row for epoch, row in log(alone["run0"])[0].items() if epoch > PAUSE}
    assert resumed
    assert resumed == {epoch: log(straight["run0"])[0][epoch] for epoch in resumed}
    assert last(whole, "run0") == last(paused, "run0")
