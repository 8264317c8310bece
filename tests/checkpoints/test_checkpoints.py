"""Checkpoints: whole or ignored, kept by the rule, bounded, plain data."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdash.checkpoints import (
    FOLDER,
    BackgroundWriter,
    Cause,
    Checkpoint,
    CheckpointFolder,
    interval,
)
from lrdash.checkpoints.policy import CHANGES, LAST, SPREAD
from lrdash.core.errors import InvalidField
from tests.factories.runs import checkpoint


def epochs(folder: CheckpointFolder, run_id: str = "r") -> list[int]:
    return [kept.epoch for kept in folder.of(run_id)]


def latest(folder: CheckpointFolder, **other: Any) -> Checkpoint | None:
    wanted = {"digest": lambda _epoch: "abc", "engine": "lanes", "at_most": 100, **other}
    return folder.latest("r", **wanted)


def test_a_checkpoint_comes_back_as_it_was(tmp_path: Path) -> None:
    written = checkpoint()
    CheckpointFolder(tmp_path).save("r", written)
    read = CheckpointFolder(tmp_path).load("r", 3)
    assert read is not None
    assert (read.about, read.state) == (written.about, written.state)
    for name, array in written.arrays.items():
        assert read.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(read.arrays[name], array)
        assert read.arrays[name].shape == array.shape
    assert CheckpointFolder(tmp_path).load("r", 4) is None
    assert CheckpointFolder(tmp_path).of("nobody") == []


def test_a_checkpoint_is_plain_data(tmp_path: Path) -> None:
    CheckpointFolder(tmp_path).save("r", checkpoint())
    path = tmp_path / FOLDER / "r" / "000003.npz"
    with np.load(path, allow_pickle=False) as file:
        manifest = json.loads(str(file["manifest"]))
    assert manifest["about"]["epoch"] == 3
    with zipfile.ZipFile(path) as archive:
        assert {name.rpartition(".")[2] for name in archive.namelist()} == {"npy"}


def test_only_what_fits_is_the_latest(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for epoch in (2, 5):
        folder.save("r", checkpoint(epoch, "rate"))
    found = latest(folder)
    assert found is not None
    assert found.about.epoch == 5
    earlier = latest(folder, at_most=4)
    assert earlier is not None
    assert earlier.about.epoch == 2
    assert latest(folder, at_most=1) is None
    assert latest(folder, engine="keras") is None
    assert latest(folder, digest=lambda _epoch: "other") is None


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "swap", "format"])
def test_a_damaged_checkpoint_is_ignored_for_the_one_before(tmp_path: Path, harm: str) -> None:
    folder = CheckpointFolder(tmp_path)
    for epoch in (2, 5):
        folder.save("r", checkpoint(epoch))
    path = tmp_path / FOLDER / "r" / "000005.npz"
    content = path.read_bytes()
    if harm == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif harm == "flip":
        place = content.index(checkpoint(5).arrays["weight:0"].tobytes())
        path.write_bytes(content[:place] + b"\xff" + content[place + 1 :])
    elif harm == "empty":
        path.write_bytes(b"")
    else:  # a whole file whose values are not those it was made of
        with np.load(path) as file:
            values = {name: file[name] for name in file.files}
        head = json.loads(str(values["manifest"]))
        if harm == "swap":
            values["array:weight:0"] = values["array:weight:0"] + 1
        else:
            head["format"] = 99
        values["manifest"] = np.array(json.dumps(head))
        with path.open("wb") as target:
            np.savez(target, **values)
    found = latest(CheckpointFolder(tmp_path))
    assert found is not None
    assert found.about.epoch == 2


def test_the_rule_keeps_the_last_two_the_best_the_changes_and_some_between(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for epoch in range(1, 22):
        cause: Cause = "rate" if epoch in (6, 15) else "time"
        folder.save("r", checkpoint(epoch, cause, loss=0.01 if epoch == 13 else 1 / epoch))
    assert epochs(folder) == [1, 4, 6, 8, 12, 13, 15, 16, 20, 21]


@pytest.mark.parametrize("step", [1, 7])
def test_checkpoints_stay_spread_over_a_run_however_long_it_gets(step: int, tmp_path: Path) -> None:
    folder, longest = CheckpointFolder(tmp_path), 150 * step
    for epoch in range(step, longest + 1, step):
        folder.save("r", checkpoint(epoch, loss=1 / epoch))
        assert len(epochs(folder)) <= SPREAD + LAST
    assert max(np.diff([0, *epochs(folder)])) <= 2 * longest / SPREAD + step


def test_of_many_changes_the_latest_stay(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for epoch in range(1, CHANGES + 11):
        folder.save("r", checkpoint(epoch, "rate", loss=float(epoch)))
    spread = [1, 4, 8]  # the first is the best, too
    assert epochs(folder) == [*spread, *range(11, CHANGES + 11)]
    assert epochs(CheckpointFolder(tmp_path)) == epochs(folder)
    again = CheckpointFolder(tmp_path)  # another process continues
    again.save("r", checkpoint(CHANGES + 11, "rate", loss=9.0))
    assert epochs(again) == [*spread, *range(12, CHANGES + 12)]


def test_all_together_stay_below_the_limit(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for number, run_id in enumerate(("old", "middle", "new")):
        folder.save(run_id, checkpoint())
        os.utime(tmp_path / FOLDER / run_id, (number, number))
    each = folder.size() // 3
    smaller = CheckpointFolder(tmp_path, limit=2 * each)
    assert smaller.shrink(spare=["old"]) == 1
    assert smaller.runs() == ["new", "old"]
    assert smaller.size() <= smaller.limit
    assert smaller.shrink() == 0
    smaller.forget(["new", "nobody"])
    assert smaller.runs() == ["old"]


def test_runs_that_still_need_theirs_keep_two_where_the_limit_asks_for_it(tmp_path: Path) -> None:
    folder = CheckpointFolder(tmp_path)
    for epoch in range(1, 6):
        folder.save("r", checkpoint(epoch, "rate"))
    each = folder.size() // 5
    assert CheckpointFolder(tmp_path, limit=6 * each).shrink(spare=["r"]) == 0
    assert len(epochs(folder)) == 5
    assert CheckpointFolder(tmp_path, limit=3 * each).shrink(spare=["r"]) == 0
    assert epochs(folder) == [4, 5]


def test_a_disk_that_cannot_be_written_costs_the_checkpoint_only(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    writer = BackgroundWriter(CheckpointFolder(tmp_path))
    for epoch in (1, 2):
        writer("r", checkpoint(epoch))
    writer.close()
    assert len(caplog.messages) == 1
    assert f"run r in {tmp_path / FOLDER}: " in caplog.messages[0]


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = CheckpointFolder(tmp_path)
    folder.save("r", checkpoint(1))

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lrdash.core.files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.save("r", checkpoint(2))
    assert [path.name for path in (tmp_path / FOLDER / "r").iterdir()] == ["000001.npz"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("LRDASH_CHECKPOINTS_MB", "0"), ("LRDASH_CHECKPOINTS_MB", "many"),
     ("LRDASH_CHECKPOINT_SECONDS", "-1"), ("LRDASH_CHECKPOINT_SECONDS", "nan")],
)
def test_a_wrong_setting_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidField, match=f"{name}.*{value}"):
        _ = interval(), CheckpointFolder(tmp_path)


def test_the_environment_sets_limit_and_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert interval() == 10.0
    monkeypatch.setenv("LRDASH_CHECKPOINTS_MB", "1.5")
    monkeypatch.setenv("LRDASH_CHECKPOINT_SECONDS", "0")
    assert CheckpointFolder(tmp_path).limit == 1.5 * 2**20
    assert interval() == 0.0
