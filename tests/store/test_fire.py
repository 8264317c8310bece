"""The store under fire: a full disk, a lock, a read-only folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lrdash.core.errors import StoreError
from lrdash.core.events import (
    EpochEnded,
)
from lrdash.core.spec import RunSpec
from lrdash.jobs.outbox import Outbox
from lrdash.store import Store, home
from lrdash.store.settings import sqlite_url
from tests import ROOT
from tests.factories.database import ended_epoch, running

MOUNT = "mount -t tmpfs -o size={size} tmpfs {folder}"
LOCKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.readline()
"""
FULL_DATABASE = """
import os
from lrdash.core.errors import StoreError
from lrdash.store import Store, home
from tests.factories.database import ended_epoch, running
store = Store()
run_id = running(store)
kept = 0
filler = home() / "somebody-elses.bin"
filler.write_bytes(bytes(600_000))
try:
    while kept < 500:
        store.runs.record([(run_id, ended_epoch(kept + 1, updates=5000))])
        kept += 1
    raise SystemExit("the disk never filled")
except StoreError as fault:
    message = str(fault)
assert f"the disk of {home()} is full. Free some space there" in message, message
assert kept > 0
assert [row.epoch for row in store.runs.epochs(run_id)] == list(range(1, kept + 1))
assert store.runs.one(run_id).epochs_done == kept
filler.unlink()
store.runs.record([(run_id, ended_epoch(kept + 1))])
assert store.runs.one(run_id).epochs_done == kept + 1
assert store.unsound() == []
store.close()
print("held")
"""
FULL_CHECKPOINTS = """
import logging, sys
import numpy as np
from lrdash.checkpoints import CheckpointFolder, BackgroundWriter
from lrdash.store import home
from tests.factories.database import sized_checkpoint
logging.basicConfig(stream=sys.stdout)
folder = CheckpointFolder(home())
writer = BackgroundWriter(folder)
for number in range(1, 4):
    writer("run", sized_checkpoint(number, size=20_000 if number == 1 else 200_000))
writer.close()
assert [kept.epoch for kept in folder.of("run")] == [1], folder.of("run")
assert folder.damaged() == []
assert [path.name for path in (folder.folder / "run").iterdir()] == ["000001.npz"]
print("held")
"""
LIFT = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
"""
READ_ONLY = """
from lrdash.core.errors import StoreError
from lrdash.store import Store, home
from tests.factories.database import running
try:
    store = Store()
    running(store)
except StoreError as fault:
    print(fault)
"""


def in_namespace(script: str, folder: Path, set_up: str) -> subprocess.CompletedProcess[str] | None:
    """Run Python with a folder mounted as the shell commands say, which needs no root; None where
    the system allows no user namespaces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    enter = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-ec"]
    try:
        subprocess.run([*enter, set_up], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    python = f'{set_up}\nexec "$0" -c "$1"'
    return subprocess.run(
        [*enter, python, sys.executable, script], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "LRDASH_HOME": str(folder)}, timeout=120, check=False,
    )


def locked(path: Path) -> subprocess.Popen[str]:
    """Another process that holds the database until it is spoken to."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOCKER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    return process


def limited(script: str, tmp_path: Path, limit: int) -> subprocess.CompletedProcess[str]:
    """Run Python with a bound on the size of each file."""
    bound = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, -1))\n"
    return subprocess.run(
        [sys.executable, "-c", bound + script], capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "LRDASH_HOME": str(tmp_path / "limited")}, timeout=120, check=False,
    )


def fill_up(tmp_path: Path, *, mounted: bool) -> subprocess.CompletedProcess[str]:
    """Fill a small disk, or one on which no file may grow; the latter is another fault to SQLite,
    and all there is where no disk can be mounted.
    """
    small = tmp_path / "small"
    done = None
    if mounted:
        done = in_namespace(FULL_DATABASE, small, MOUNT.format(size="2m", folder=small))
    if done is None:
        script = FULL_DATABASE.replace("is full. Free some space there", "reports an error")
        done = limited(script.replace("filler.unlink()", LIFT), tmp_path, limit=700_000)
    return done


@pytest.mark.parametrize("mounted", [True, False], ids=["disk", "size of files"])
def test_a_disk_that_fills_up_loses_no_epoch_and_names_the_folder(
    mounted: bool, tmp_path: Path
) -> None:
    done = fill_up(tmp_path, mounted=mounted)
    assert (done.returncode, done.stdout) == (0, "held\n"), done.stderr


def test_a_disk_full_of_checkpoints_keeps_the_whole_ones_and_says_what_to_free(
    tmp_path: Path,
) -> None:
    done = in_namespace(
        FULL_CHECKPOINTS, tmp_path / "small", MOUNT.format(size="100k", folder=tmp_path / "small")
    ) or limited(FULL_CHECKPOINTS, tmp_path, limit=100_000)
    *logged, last = done.stdout.splitlines()
    assert (done.returncode, last) == (0, "held"), done.stderr
    (warning,) = logged  # once, although it happened twice
    assert "/checkpoints: " in warning
    assert "Training continues without checkpoints; free some space there: delete runs" in warning


def test_a_run_whose_epochs_find_no_room_is_interrupted_and_can_resume(store: Store) -> None:
    from lrdash.planning.plan import make

    run_id = running(store)
    room = [2]

    def write(batch: Any) -> None:
        if any(isinstance(event, EpochEnded) for _, event in batch):
            if not room[0]:
                raise StoreError("the disk is full")
            room[0] -= 1
        store.runs.record(batch)

    plan = make(RunSpec(dataset="wine", model="linear", epochs=6))
    from tests.factories.training import train_one  # brings Keras

    ended = train_one(
        plan, run_id=run_id, sink=lambda name, event: write([(name, event)]),
        should_stop=lambda: False, engine="keras",
    )
    assert (ended.status, ended.reason) == ("interrupted", "the disk is full")
    assert store.runs.one(run_id).status == "interrupted"
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1, 2]
    assert store.runs.requeue([run_id]) == [run_id]


def test_epochs_reported_while_another_process_holds_the_database_are_stored(store: Store) -> None:
    run_id = running(store)
    outbox = Outbox(store.runs.record, interval=0.0)
    holder = locked(home() / "lrdash.db")
    for number in range(1, 6):
        outbox(run_id, ended_epoch(number))
    assert store.runs.one(run_id).epochs_done == 0, "readers need not wait"
    holder.communicate("\n")
    outbox.close()
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1, 2, 3, 4, 5]


def test_a_database_that_stays_locked_is_reported_and_keeps_what_was_committed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lrdash.jobs.outbox.patiently.__defaults__", ((0.01,),))
    store = Store(busy_timeout=0.05)
    run_id = running(store)
    store.runs.record([(run_id, ended_epoch(1))])
    holder = locked(home() / "lrdash.db")
    outbox = Outbox(store.runs.record, interval=0.0)
    outbox(run_id, ended_epoch(2))
    with pytest.raises(StoreError, match=r"is locked by another process\. Close the"):
        outbox.close()
    assert [row.epoch for row in store.runs.epochs(run_id)] == [1]
    holder.kill()
    holder.communicate()
    store.runs.record([(run_id, ended_epoch(2))])
    assert store.runs.one(run_id).epochs_done == 2
    store.close()


def test_a_read_only_folder_is_reported_with_what_to_do_even_to_root(tmp_path: Path) -> None:
    folder = tmp_path / "fixed"
    Store(sqlite_url(made(folder) / "lrdash.db")).close()
    bind = f"mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}"
    done = in_namespace(READ_ONLY, folder, bind)
    if done is None:
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY], capture_output=True, text=True, cwd=ROOT,
            env={**os.environ, "LRDASH_HOME": str(folder)}, check=False,
        )
        folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert f"The database {folder}/lrdash.db" in done.stdout
    assert "LRDASH_HOME" in done.stdout
    assert "writable" in done.stdout


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder
