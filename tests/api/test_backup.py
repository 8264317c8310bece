"""Backups: one state of the database in one file, taken while runs write, and back again."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from lrdash.api.backup import backup, restore
from lrdash.checkpoints import About, Checkpoint, CheckpointFolder
from lrdash.cli import app, checks
from lrdash.core.errors import InvalidField, StoreError
from lrdash.core.events import EpochEnded, RunEnded
from lrdash.core.spec import RunSpec
from lrdash.datasets import DATASETS, stored
from lrdash.store import Store
from lrdash.store import home as home_folder
from tests.factories.database import WRITER, raw
from tests.factories.files import csv, keep


def trained(store: Store, epochs: int = 3, *, checkpoint: bool = False) -> str:
    run_id = store.runs.create(
        RunSpec(epochs=epochs), steps_per_epoch=2, updates=2 * epochs, parameters=1, worker_id="w"
    )
    rates = np.full(2, 0.1, np.float32)
    said = [
        EpochEnded(epoch=number + 1, metrics={"loss": 1.0}, rates=rates, seconds=0.1)
        for number in range(epochs)
    ]
    store.runs.record([(run_id, event) for event in [*said, RunEnded(status="interrupted")]])
    if checkpoint:
        CheckpointFolder(home_folder()).save(run_id, kept(epochs))
    return run_id


def kept(epoch: int) -> Checkpoint:
    about = About(
        digest="d", engine="keras", epoch=epoch, seconds=1.0, cause="end", val_loss=0.5
    )
    return Checkpoint(about=about, arrays={"w": np.arange(9.0)}, state={"course": None})


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["runs", *words])


def ids(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    found = {row[0] for row in connection.execute("SELECT run_id FROM runs")}
    connection.close()
    return found


def test_a_backup_brings_back_runs_epochs_and_checkpoints(store: Store, tmp_path: Path) -> None:
    run_id = trained(store, checkpoint=True)
    file = tmp_path / "all.zip"
    made = backup(file, checkpoints=True)
    assert (made.runs, made.checkpoints, made.size) == (1, 1, file.stat().st_size)
    before = store.runs.epochs(run_id)
    store.runs.delete([run_id])
    CheckpointFolder(home_folder()).forget([run_id])
    store.close()
    assert restore(file, force=True).checkpoints == 1
    assert [row.epoch for row in store.runs.epochs(run_id)] == [row.epoch for row in before]
    found = CheckpointFolder(home_folder()).latest(
        run_id, digest=lambda _epoch: "d", engine="keras", at_most=3
    )
    assert found is not None
    assert found.arrays["w"].tolist() == np.arange(9.0).tolist()


def test_own_data_is_taken_along_and_comes_back(store: Store, tmp_path: Path) -> None:
    trained(store)
    alive, gone = (keep(csv(rows=rows), "fruit.csv")[0].id for rows in (40, 44))
    stored.remove(gone, remember=True)
    file = tmp_path / "all.zip"
    made = backup(file, data=True)
    assert (made.runs, made.checkpoints, made.datasets) == (1, 0, 2)
    before = DATASETS[alive].load()
    store.close()
    shutil.rmtree(stored.data_folder())
    assert restore(file, force=True).datasets == 2
    assert np.array_equal(DATASETS[alive].load().x_train, before.x_train)
    assert stored.facts_of(gone).deleted
    stored.remove(alive, remember=True)
    assert not stored.own_datasets()
    again = call("restore", str(file), "--force")
    assert "1 run and 2 datasets" in again.output
    assert list(stored.own_datasets()) == [alive]


def test_data_that_is_there_is_not_replaced_by_the_memory_of_it(
    store: Store, tmp_path: Path
) -> None:
    trained(store)
    name = keep(csv(), "fruit.csv")[0].id
    stored.remove(name, remember=True)
    backup(tmp_path / "all.zip", data=True)
    shutil.rmtree(stored.data_folder())
    assert keep(csv(), "fruit.csv")[0].id == name
    store.close()
    restore(tmp_path / "all.zip", force=True)
    assert list(stored.own_datasets()) == [name]


def test_a_backup_is_one_file_that_any_sqlite_reads(store: Store, tmp_path: Path) -> None:
    run_id = trained(store)
    backup(tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir() if path.name != "lrdash-home"] == ["copy.db"]
    connection = sqlite3.connect(tmp_path / "copy.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()
    assert ids(tmp_path / "copy.db") == {run_id}


def test_a_backup_taken_while_a_run_writes_is_one_state_without_a_gap(
    store: Store, tmp_path: Path
) -> None:
    run_ids = [trained(store, 1) for _ in range(2)]
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, *run_ids], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    counts = []
    try:
        writer.stdout.readline()
        for number in range(5):
            file = tmp_path / f"{number}.db"
            backup(file)
            connection = sqlite3.connect(file)
            query = "SELECT run_id, count(*), max(epoch) FROM epochs GROUP BY run_id"
            rows = connection.execute(query).fetchall()
            connection.close()
            assert all(count == last for _, count, last in rows)
            assert len({last for *_, last in rows}) == 1, "half of a batch was copied"
            counts.append(rows[0][1])
            writer.stdout.readline()
    finally:
        writer.kill()
        writer.communicate()
    assert counts == sorted(counts)
    assert counts[-1] > counts[0], "nothing was written meanwhile"


def test_a_database_that_is_there_is_only_replaced_when_asked_and_then_kept(
    store: Store, tmp_path: Path
) -> None:
    first = trained(store)
    backup(tmp_path / "first.db")
    second = trained(store)
    store.close()
    with pytest.raises(InvalidField, match=r"would replace the database .*lrdash\.db; say --force"):
        restore(tmp_path / "first.db")
    assert ids(home_folder() / "lrdash.db") == {first, second}
    restore(tmp_path / "first.db", force=True)
    assert ids(home_folder() / "lrdash.db") == {first}
    (replaced,) = home_folder().glob("lrdash.db.replaced-*")
    assert ids(replaced) == {first, second}


def test_a_database_in_use_is_not_replaced(store: Store, tmp_path: Path) -> None:
    run_id = trained(store)
    backup(tmp_path / "copy.db")
    with pytest.raises(StoreError, match=r"is in use\. End the server"):
        restore(tmp_path / "copy.db", force=True)
    assert store.runs.one(run_id).epochs_done == 3
    assert {path.name for path in home_folder().iterdir()} <= {
        "lrdash.db", "lrdash.db-wal", "lrdash.db-shm"
    }


def test_a_damaged_database_is_replaced_and_kept(store: Store, tmp_path: Path) -> None:
    run_id = trained(store)
    backup(tmp_path / "copy.db")
    store.close()
    (home_folder() / "lrdash.db").write_bytes(b"not a database " * 400)
    restore(tmp_path / "copy.db", force=True)
    assert store.runs.one(run_id).epochs_done == 3
    (replaced,) = home_folder().glob("lrdash.db.replaced-*")
    assert replaced.read_bytes().startswith(b"not a database")


def test_a_backup_goes_into_an_empty_home(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(store, checkpoint=True)
    backup(tmp_path / "all.zip", checkpoints=True)
    monkeypatch.setenv("LRDASH_HOME", str(tmp_path / "elsewhere"))
    restore(tmp_path / "all.zip")
    there = Store()
    assert there.runs.one(run_id).status == "interrupted"
    there.close()
    assert CheckpointFolder(tmp_path / "elsewhere").runs() == [run_id]


def harmed(path: Path, change: dict[str, Any], extra: dict[str, bytes]) -> None:
    """Rewrite an archive with another manifest and more files."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files.pop("manifest.json"))
    for name, about in change.items():
        manifest["files"][name] = about
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("manifest.json", json.dumps(manifest))
        for name, content in {**files, **extra}.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(
    "name",
    ["../escaped.npz", "/tmp/escaped.npz", "checkpoints/../../escaped.npz",
     "checkpoints/abcdefghijkl/../../../000001.npz", "checkpoints/abcdefghijkl/x.npz",
     "checkpoints\\abcdefghijkl\\000001.npz", "lrdash.db-wal"],
)
def test_an_archive_cannot_write_outside_the_checkpoints(
    name: str, store: Store, tmp_path: Path
) -> None:
    trained(store)
    file = tmp_path / "all.zip"
    backup(file, checkpoints=True)
    store.close()
    harmed(file, {name: {"bytes": 1, "sha256": "0"}}, {name: b"x"})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(StoreError, match=r"it holds a file of the name .* Nothing was changed"):
        restore(file, force=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_whose_content_was_changed_is_refused(store: Store, tmp_path: Path) -> None:
    run_id = trained(store, checkpoint=True)
    file = tmp_path / "all.zip"
    backup(file, checkpoints=True)
    store.close()
    harmed(file, {}, {f"checkpoints/{run_id}/000003.npz": b"something else"})
    with pytest.raises(StoreError, match="differs from the one that was packed"):
        restore(file, force=True)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "was not written by lrdash"), (b"shopping list", "was not written by lrdash"),
     (b"SQLite format 3\0" + b"\xff" * 5000, "is not a database|is damaged|reports an error")],
    ids=["empty", "text", "torn"],
)
def test_a_file_that_is_no_backup_is_refused(
    content: bytes, said: str, store: Store, tmp_path: Path
) -> None:
    run_id = trained(store)
    store.close()
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(StoreError, match=said):
        restore(tmp_path / "file", force=True)
    assert store.runs.one(run_id).epochs_done == 3


def test_a_backup_of_a_newer_lrdash_or_of_another_program_is_refused(
    store: Store, tmp_path: Path
) -> None:
    trained(store)
    backup(tmp_path / "newer.db")
    connection = sqlite3.connect(tmp_path / "newer.db")
    connection.execute("INSERT INTO lrdash_schema VALUES (99, 'later', '2030')")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"made by a newer lrdash \(its schema is version 99"):
        restore(tmp_path / "newer.db", force=True)
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="of another program"):
        restore(tmp_path / "other.db", force=True)


def test_a_database_with_a_gap_is_not_taken_for_a_backup(store: Store, tmp_path: Path) -> None:
    run_id = trained(store)
    connection = raw()
    connection.execute("DELETE FROM epochs WHERE epoch = 2")
    connection.close()
    with pytest.raises(StoreError, match=f"is damaged: epochs are missing of {run_id}"):
        backup(tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_the_file_has_to_be_a_new_one_in_a_folder_that_exists(
    store: Store, tmp_path: Path
) -> None:
    trained(store)
    (tmp_path / "there").write_text("mine")
    for file, said in (
        (tmp_path / "there", "must not exist yet"), (tmp_path, "must be a file in a folder"),
        (tmp_path / "no" / "file", "must be a file in a folder that exists"),
        (home_folder() / "lrdash.db", "must not be the database itself"),
    ):
        with pytest.raises(InvalidField, match=said):
            backup(file)
    assert (tmp_path / "there").read_text() == "mine"
    assert backup(tmp_path / "there", force=True).runs == 1
    with pytest.raises(InvalidField, match="must be a backup that"):
        restore(tmp_path / "missing")


def test_nothing_to_back_up_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing to back up"):
        backup(tmp_path / "copy.db")


def test_a_postgresql_database_is_left_to_its_own_tools(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRDASH_DATABASE_URL", "postgresql://ada:secret@db.example/lrdash")
    for words in (["backup", str(tmp_path / "x")], ["restore", str(tmp_path / "x"), "--force"]):
        result = call(*words)
        assert result.exit_code == 2
        assert "pg_dump" in result.stderr
        assert "secret" not in result.stderr


def test_the_shell_backs_up_and_restores_in_words_and_in_json(store: Store, tmp_path: Path) -> None:
    trained(store, checkpoint=True)
    file = tmp_path / "all.zip"
    assert "Wrote 1 run and 1 checkpoint to" in call("backup", str(file), "--checkpoints").stdout
    said = json.loads(call("backup", str(tmp_path / "a.db"), "--json").stdout)
    assert (said["runs"], said["checkpoints"], said["file"]) == (1, 0, str(tmp_path / "a.db"))
    store.close()
    result = call("restore", str(file))
    assert result.exit_code == 2
    assert "--force" in result.stderr
    assert "Restored 1 run and 1 checkpoint" in call("restore", str(file), "--force").stdout
    assert json.loads(call("restore", str(file), "--force", "--json").stdout)["runs"] == 1


def doctors_words(name: str) -> checks.Finding:
    found = [*checks.database(), *checks.checkpoints()]
    return next(finding for finding in found if finding.name == name)


def test_doctor_says_that_database_and_checkpoints_are_whole(store: Store) -> None:
    trained(store, checkpoint=True)
    assert doctors_words("integrity").state == "ok"
    assert doctors_words("checkpoints").state == "ok"
    assert "0 of 2,048 MB, 1 run, all intact" in doctors_words("checkpoints").detail


def test_doctor_names_runs_with_gaps_and_rows_that_belong_to_nothing(store: Store) -> None:
    run_id = trained(store)
    connection = raw()
    connection.execute("DELETE FROM epochs WHERE epoch = 2")
    connection.execute("INSERT INTO decisions VALUES ('nobody', 1, '{}')")
    connection.close()
    found = doctors_words("integrity")
    assert found.state == "wrong"
    assert f"epochs are missing of {run_id}" in found.detail
    assert "1 row of decisions belongs to nothing" in found.detail
    assert "lrdash runs restore" in found.detail


def test_doctor_names_damaged_and_stray_checkpoints_and_those_beyond_the_limit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = trained(store, checkpoint=True)
    folder = CheckpointFolder(home_folder())
    folder.save("abcdefghijkl", kept(1))
    found = doctors_words("checkpoints")
    assert (found.state, "1 belong to no run" in found.detail) == ("note", True)
    (folder.folder / run_id / "000003.npz").write_bytes(b"torn")
    found = doctors_words("checkpoints")
    assert found.state == "wrong"
    assert f"{run_id}/000003.npz" in found.detail
    folder.forget([run_id, "abcdefghijkl"])
    monkeypatch.setenv("LRDASH_CHECKPOINTS_MB", "1")
    large = Checkpoint(about=kept(3).about, arrays={"w": np.zeros(300_000)}, state={})
    folder.save(run_id, large)
    found = doctors_words("checkpoints")
    assert (found.state, found.detail[:9]) == ("note", "2 of 1 MB")
